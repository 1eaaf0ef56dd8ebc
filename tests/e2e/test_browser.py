"""The whole way through the dashboard in a real browser: from a file to a prediction, then every page.

Each page's screenshot is kept in test-results/, and axe looks at each for what hinders people.

Also to be run by hand against a running installation::

    python -m tests.e2e.test_browser http://127.0.0.1:8400 operator@hmi.local PASSWORD news.csv SCREENSHOTS
"""

import csv
import gzip
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser as PlaywrightBrowser
from playwright.sync_api import FilePayload, Locator, Page, Route, expect, sync_playwright

from portal.local.browser import OPTIONS, NoBrowser, find_browser
from tests.e2e.every_kind import EveryKind, slug_of
from tests.e2e.installation import Installation

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(900)]

TRAINING_DEADLINE_MS = 600_000
MAX_FIRST_BYTES = 250_000
ROWS_PER_LABEL = 60
TEXT_CHARS = 160
"""Of a row's text: the walk is about the way, and a training on whole articles takes three times as long."""
TEXT = "The striker scored twice in the cup final and the keeper saved a penalty."
ANSWER_DEADLINE_MS = 30_000  # on a busy machine
DESKTOP = (1280, 800)
PHONE = (375, 740)
ROOT = Path(__file__).resolve().parents[2]
AXE = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
"""Comes with the dashboard's packages, which `./hmi up` installs."""


@pytest.fixture
def browser() -> Iterator[PlaywrightBrowser]:
    """A real browser; its absence is a skip for people and a failure where CI=true."""
    found = find_browser()
    if isinstance(found, NoBrowser):
        if os.environ.get("CI") == "true":
            pytest.fail(found.reason)
        pytest.skip(found.reason)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found.program, args=list(OPTIONS))
        yield running
        running.close()


@pytest.mark.parametrize(
    ("size", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")], ids=["desktop-light", "phone-dark"]
)
def test_a_newcomer_gets_from_signing_in_to_a_prediction(
    installation: Installation, browser: PlaywrightBrowser, tmp_path: Path, size: tuple[int, int], scheme: str
) -> None:
    """A silent console, no page wider than its window, no serious finding of axe on any page."""
    screenshots = ROOT / "test-results" / f"dashboard-{size[0]}-{scheme}"
    screenshots.mkdir(parents=True, exist_ok=True)
    visit = Visit.open(browser, size=size, scheme=scheme, screenshots=screenshots)
    walk_through(
        visit,
        base_url=installation.base_url,
        email="operator@hmi.local",
        password=installation.secret("operator_password"),
        csv_path=few_rows(installation, tmp_path),
        task_name=f"News on {size[0]} pixels",
    )
    assert visit.complaints == []


def test_a_first_visit_loads_at_most_250_kb(installation: Installation) -> None:
    """Of the page that is served and all that it names, gzipped; charts and the account's page come later."""
    page = httpx.get(installation.base_url).text
    names = set(re.findall(r'(?:src|href)="(/assets/[^"]+)"', page))
    assert {Path(name).suffix for name in names} == {".js", ".css"}
    files = [httpx.get(installation.base_url + name).text for name in sorted(names)]
    num_bytes = sum(len(gzip.compress(text.encode())) for text in [page, *files])
    assert num_bytes <= MAX_FIRST_BYTES
    assert not any("recharts" in text for text in files)


def test_a_keyboard_alone_leads_through_every_page(
    installation: Installation, browser: PlaywrightBrowser
) -> None:
    """Each thing that can be clicked is reached with Tab and shows that it has the focus; each dialogue
    closes with Escape and gives the focus back; axe is content with each page."""
    visit = open_demo(installation, browser)
    page = visit.page
    reach_all(page, "document", "the frame")
    pages = pages_of_demo(installation)
    assert page_patterns() == pages.keys() | STRANGERS_PAGES.keys(), "every page of routes.tsx is walked"
    for pattern, path in pages.items():
        page.goto(installation.base_url + path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        page.wait_for_load_state("networkidle")
        visit.examine(path)
        if pattern.startswith("/t/"):
            skip_navigation(page)
        reach_all(page, "document.querySelector('main')", path)
        open_and_close_dialogues(page)
    assert visit.complaints == []


def test_a_keyboard_alone_leads_a_stranger_in(
    installation: Installation, browser: PlaywrightBrowser, tmp_path: Path
) -> None:
    """The pages for people who are not signed in."""
    visit = Visit.open(browser, size=DESKTOP, scheme="dark", screenshots=tmp_path)
    page = visit.page
    for path in STRANGERS_PAGES.values():
        page.goto(installation.base_url + path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        page.wait_for_load_state("networkidle")
        visit.examine(path)
        reach_all(page, "document", path)
    unknown = "status of 404"  # the invitation is nobody's
    assert [complaint for complaint in visit.complaints if unknown not in complaint] == []


def test_after_a_change_of_page_the_focus_is_on_its_heading(
    installation: Installation, browser: PlaywrightBrowser
) -> None:
    visit = open_demo(installation, browser)
    page = visit.page
    navigation = page.get_by_role("navigation", name="Main navigation")
    for link, heading in (("Tasks", "Tasks"), ("API keys", "API keys")):
        navigation.get_by_role("link", name=link).focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1, name=heading, exact=True)).to_be_focused()
    navigation.get_by_role("link", name="Tasks").press("Enter")
    page.get_by_role("main").get_by_role("link", name="BBC news topics").press("Enter")
    expect(page.get_by_role("heading", level=1, name="BBC news topics")).to_be_focused()
    assert visit.complaints == []


def test_an_adapter_that_cannot_be_used_is_refused_on_its_page(
    installation: Installation, browser: PlaywrightBrowser
) -> None:
    """The files are packed in the browser; that such an archive is read, the reason tells."""
    visit = open_demo(installation, browser)
    page = visit.page
    page.goto(f"{installation.base_url}/t/demo/tasks/bbc-news")
    page.get_by_role("link", name="Bring an adapter").click()
    names = ("adapter_config.json", "adapter_model.safetensors", "head.safetensors")
    choose = page.locator("input[type=file]")
    choose.set_input_files([_file(name) for name in names[:1]])
    expect(page.get_by_text(f"Still needed: {names[1]}, {names[2]}.")).to_be_visible()
    choose.set_input_files([_file(name) for name in names[1:]])
    page.get_by_role("button", name="Bring this adapter").click()
    alert = page.get_by_role("alert").filter(has_text="adapter.tar cannot be used here")
    expect(alert).to_be_visible(timeout=120_000)
    expect(alert).to_contain_text(names[0])
    visit.show("import-refused")
    assert visit.complaints == []


def test_a_printed_report_has_all_of_it_and_is_cut_nowhere(
    installation: Installation, browser: PlaywrightBrowser
) -> None:
    """What is folded on the screen is open on paper, what scrolls is whole, and no button stands there."""
    version = installation.version("bbc-news", 1)
    report = version["report"]
    visit = open_demo(installation, browser)
    page = visit.page
    page.goto(f"{installation.base_url}/t/demo/tasks/bbc-news/versions/1")
    expect(page.get_by_role("heading", name="Worst mistakes")).to_be_visible()
    page.wait_for_load_state("networkidle")
    page.set_viewport_size({"width": A4_WIDTH, "height": 1000})
    page.emulate_media(media="print")
    expect(page.get_by_text("same data, recipe and seed")).to_be_visible()
    page.screenshot(path=visit.screenshots / "report-printed.png", full_page=True)
    cut = page.evaluate(CUT)
    assert cut == [], cut

    named = [one["row"] for one in (*report["label_errors"]["suspects"], *report["mistakes"])]
    printed = page.get_by_text(re.compile(r"^Row [0-9]+$")).all_text_contents()
    assert printed == [f"Row {row}" for row in named]
    expect(page.get_by_text(re.compile("… and [0-9,]+ more characters$")).first).to_be_visible()
    by_label = page.get_by_role("region", name="By label")
    expect(by_label.get_by_role("row")).to_have_count(1 + len(version["labels"]))
    expect(by_label.get_by_role("columnheader", name="Recall")).to_be_visible()
    expect(by_label.get_by_text("Recall", exact=True)).to_be_visible()
    assert page.locator("main button:not(th button):visible").count() == 0
    sets = page.get_by_role("region", name="When it may say “not sure”")
    expect(sets.get_by_role("row")).to_have_count(1 + len(report["label_sets"]))
    assert visit.complaints == []


def test_the_words_of_a_row_are_marked_by_hand(
    installation: Installation, browser: PlaywrightBrowser, every_kind: EveryKind
) -> None:
    """With the mouse, by what a touch screen's handles select, and with keys; the next training reads it."""
    number = every_kind.version_of(SPANS)
    visit = open_demo(installation, browser)
    page, tenant = visit.page, every_kind.tenant
    page.goto(f"{installation.base_url}/t/{tenant.tenant}/tasks/{slug_of(SPANS)}/versions/{number}")
    page.get_by_role("button", name=re.compile("^Mark by hand")).first.click()
    editor = page.get_by_role("group", name=re.compile("^Spans of row"))
    box, told = editor.get_by_role("application"), editor.get_by_role("status")
    expect(box).to_be_focused()
    _, feeling, thing, _ = box.inner_text().split()

    drag_over(page, box, 5, 7)  # inside of "the FEELING thing 12"
    expect(told).to_contain_text(f"“{feeling}”")
    before = {"praise": "blame", "blame": "praise", None: "praise"}
    marks = box.locator("mark")
    given = marks.first.get_attribute("data-label") if marks.count() else None
    label = before[given]
    editor.get_by_role("button", name=label).click()
    expect(marks).to_have_text([feeling])

    start = 4 + len(feeling) + 1
    for end in (start + 2, start + len(thing) + 2):  # a finger presses long, and pulls a handle
        box.evaluate(SELECT, [start + 1, end])
        expect(told).to_contain_text(f"“{thing}" + ("”" if end == start + 2 else " "))
        assert page.evaluate("getSelection().toString()") == box.inner_text()[start + 1 : end]
    editor.get_by_role("button", name="blame").click()
    expect(marks).to_have_count(2)
    visit.show("marked-by-hand")
    page.keyboard.press("Control+z")
    expect(marks).to_have_text([feeling])

    row = re.sub(r"\D", "", editor.get_attribute("aria-label") or "")
    with page.expect_response(lambda answer: answer.url.endswith("/corrections")) as corrected:
        page.get_by_role("button", name="Retrain with the corrections").click()
    page.wait_for_url(re.compile("/trainings/"))
    with tenant.api() as api:
        api.post(f"trainings/{page.url.rsplit('/', 1)[1]}/cancel").raise_for_status()
        rows = api.get(f"datasets/{corrected.value.json()['id']}/rows", params={"numbers": row})
    assert rows.json()["results"][0]["spans"] == [{"start": 4, "end": 4 + len(feeling), "label": label}]
    assert visit.complaints == []


def drag_over(page: Page, box: Locator, start: int, end: int) -> None:
    """With the mouse, from before one character to before another of the first line."""
    places = [box.evaluate(PLACE, at) for at in (start, end)]
    page.mouse.move(*places[0])
    page.mouse.down()
    page.mouse.move(*places[1], steps=4)
    page.mouse.up()


SPANS = "token_classification"
CARET = """
const caret = (box, at) => {
  const texts = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    if (at <= texts.currentNode.length) return [texts.currentNode, at];
    at -= texts.currentNode.length;
  }
};
"""
PLACE = (
    "(box, at) => {"
    + CARET
    + """
  const range = document.createRange();
  range.setStart(...caret(box, at));
  const { x, y, height } = range.getBoundingClientRect();
  return [x, y + height / 2];
}"""
)
SELECT = (
    "(box, [from, to]) => {"
    + CARET
    + "getSelection().setBaseAndExtent(...caret(box, from), ...caret(box, to)); }"
)


A4_WIDTH = 718  # in CSS pixels, within the usual margins
CUT = """() => [...document.querySelectorAll('main *')]
  .filter((e) => e.checkVisibility() && e.clientWidth > 1 && getComputedStyle(e).overflow !== 'visible')
  .filter((e) => e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1)
  .concat([...document.querySelectorAll('main, main *')]
    .filter((e) => e.checkVisibility() && e.getBoundingClientRect().right > innerWidth + 1))
  .map((e) => `${e.tagName}.${e.className}: ${e.textContent.slice(0, 60)}`)"""
"""What hides some of what is in it, or stands beyond the paper's edge."""


def test_a_file_of_every_other_kind_gets_to_its_report(
    installation: Installation, browser: PlaywrightBrowser
) -> None:
    visit = open_demo(installation, browser)
    make_tenant(visit, installation.base_url, "Other kinds")
    for title, file in OTHER_KINDS.items():
        upload_of_kind(visit, f"{installation.base_url}/t/other-kinds", title, file)
    assert visit.complaints == []


def upload_of_kind(visit: "Visit", tenant_url: str, title: str, file: FilePayload) -> None:
    """From the list of datasets to the report on a file without problems."""
    page = visit.page
    page.goto(f"{tenant_url}/datasets")
    page.get_by_role("radio", name=re.compile(f"^{re.escape(title)}")).click()
    page.locator("input[type=file]").set_input_files(file)
    expect(page.get_by_role("heading", level=1, name=file["name"])).to_be_visible()
    expect(page.get_by_text("No problems found")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text(f"{NUM_EXAMPLES} rows")
    expect(page.get_by_role("main")).to_contain_text(title.lower())
    visit.show(f"report-{file['name']}")


def _examples(name: str, header: str, row: Callable[[int], str]) -> FilePayload:
    lines = [header, *(row(number) for number in range(NUM_EXAMPLES))]
    return {"name": name, "mimeType": "text/plain", "buffer": "\n".join(lines).encode()}


NUM_EXAMPLES = 24
OTHER_KINDS = {
    "Any number of labels for each text": _examples(
        "tags.csv", "text,label", lambda n: f"tagged text number {n},{('red', 'blue', 'red;blue')[n % 3]}"
    ),
    "A number for each text": _examples(
        "stars.csv", "text,label", lambda n: f"rated text number {n},{n % 5}.5"
    ),
    "One label for two texts": _examples(
        "pairs.csv",
        "text,text2,label",
        lambda n: f"question number {n},answer number {n},{('fits', 'not')[n % 2]}",
    ),
    "Marked places in each text": _examples(
        "names.conll",
        "",
        lambda n: f"Ada{n} B-NAME\nsaw O\nthe O\n{n}th O\nfilm B-{('WORK', 'NAME')[n % 2]}\n",
    ),
}


def _file(name: str) -> FilePayload:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": b"nothing that is an adapter"}


def skip_navigation(page: Page) -> None:
    """The first Tab on a page shows a link that leads past the navigation."""
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Go to the content")).to_be_focused()
    expect(page.get_by_role("link", name="Go to the content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()


def reach_all(page: Page, root: str, where: str) -> None:
    """With Tab alone, all below ``root`` that can be clicked."""
    page.add_style_tag(content=STILL)
    missed = page.evaluate(CLICKABLE.replace("ROOT", root))
    stops = 1
    for _ in range(2 * len(missed) + 40):
        if not missed:
            break
        for _ in range(stops):
            page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        stops = focused["stops"]
        assert focused["is_shown"], f"{where}: nobody sees that {focused['name']} has the focus"
        missed = [name for name in missed if name != focused["name"]]
    assert missed == [], f"{where}: not reached with the keyboard"


def open_and_close_dialogues(page: Page) -> None:
    openers = page.get_by_role("main").locator("[aria-haspopup=dialog]:not(:disabled)")
    for index in range(openers.count()):
        opener = openers.nth(index)
        opener.focus()
        page.keyboard.press("Enter")
        dialogue = page.get_by_role("dialog")
        expect(dialogue).to_be_visible()
        expect(dialogue.locator(":focus")).to_have_count(1)  # it goes there once the dialogue stands
        page.keyboard.press("Escape")
        expect(dialogue).to_have_count(0)
        expect(opener).to_be_focused()


def page_patterns() -> set[str]:
    """The address of every page, as routes.tsx writes them."""
    routes = (ROOT / "frontend" / "src" / "app" / "routes.tsx").read_text()
    paths = set(re.findall(r'path: "([^"]+)"', routes)) - {"/"}  # it leads on to a tenant's
    return {path if path[0] in "/*" else f"/t/:tenant/{path}" for path in paths}


def pages_of_demo(installation: Installation) -> dict[str, str]:
    """Of every page for people who are signed in, its pattern and an address of the demo's."""
    training = installation.trainings("bbc-news")[0]
    task = "/t/:tenant/tasks/:task"
    of_tenant = {
        "/t/:tenant": "",
        **{f"/t/:tenant/{name}": f"/{name}" for name in PLAIN_PAGES},
        "/t/:tenant/new-task/:task": "/new-task/bbc-news",
        "/t/:tenant/datasets/:dataset": f"/datasets/{training['dataset']}",
        "/t/:tenant/domains/:domain": "/domains/bbc-news",
        task: "/tasks/bbc-news",
        **{f"{task}/{name}": f"/tasks/bbc-news/{name}" for name in ("try", "compare", "import")},
        f"{task}/trainings/:training": f"/tasks/bbc-news/trainings/{training['id']}",
        f"{task}/versions/:version": "/tasks/bbc-news/versions/1",
    }
    others = {"/account": "/account", "/new-tenant": "/new-tenant", "*": "/nowhere"}
    return {**{pattern: f"/t/demo{path}" for pattern, path in of_tenant.items()}, **others}


PLAIN_PAGES = (
    *("tasks", "new-task", "datasets", "domains", "deletions", "members", "webhooks", "audit"),
    *("settings", "usage", "keys"),
)
STRANGERS_PAGES = {
    **{path: path for path in ("/sign-in", "/sign-up", "/forgotten-password")},
    **{path: f"{path}#nothing" for path in ("/new-password", "/confirm-email", "/invitation")},
}
STILL = "* { transition: none !important }"
"""What has the focus looks so at once."""
NAMED = """(e) =>
  [e.tagName, e.getAttribute('aria-label') ?? e.textContent, e.getAttribute('href') ?? e.value].join(' ')"""
CLICKABLE = f"""() => [...ROOT.querySelectorAll('a[href], button, select, textarea, input')]
  .filter((e) => e.checkVisibility() && !e.disabled && !e.closest('[aria-hidden=true]') && e.tabIndex >= 0)
  .filter((e) => e.type !== 'file' && (e.type !== 'radio' || e.checked))
  .map({NAMED})"""
"""A name for each thing that can be clicked; of radio buttons the chosen one, from which arrows lead on."""
FOCUSED = f"""() => {{
  const e = document.activeElement;
  if (e === document.body) return {{ name: '', is_shown: true, stops: 1 }};
  const near = [e, e.parentElement, e.nextElementSibling].filter(Boolean);
  const looks = () => JSON.stringify(near.map((each) => {{
    const {{ outline, borderColor, boxShadow, backgroundColor, transform }} = getComputedStyle(each);
    return [outline, borderColor, boxShadow, backgroundColor, transform];
  }}));
  const focused = looks();
  e.blur();
  const is_shown = looks() !== focused;
  e.focus();
  return {{ name: ({NAMED})(e), is_shown, stops: e.type === 'date' ? 4 : 1 }};
}}"""
"""What has the focus, whether it or what is next to it looks otherwise for that, and how often Tab is pressed
to leave it: a date's day, month, year and calendar are a stop each."""


def test_a_slow_and_failing_server_loses_nothing(
    installation: Installation, browser: PlaywrightBrowser
) -> None:
    """Questions are asked again, the page waits without jumping, and forms keep their words."""
    visit = open_demo(installation, browser)
    page = visit.page
    num_asked = 0

    def fail_first(route: Route) -> None:
        nonlocal num_asked
        num_asked += 1
        if num_asked == 1:
            route.fulfill(status=503, json={"error": {"message": "Busy.", "code": "unavailable"}})
        else:
            page.wait_for_timeout(SLOW_MS)
            route.continue_()

    page.route(TASK_API, fail_first)
    page.goto(f"{installation.base_url}/t/demo/tasks/bbc-news")
    expect(page.get_by_role("status", name="Loading").first).to_be_visible()
    expect(page.get_by_role("heading", name="Version 1 is serving")).to_be_visible()
    assert num_asked >= 2, "what failed was asked for again"
    page.wait_for_load_state("networkidle")
    assert page.evaluate("window.shifts") < MOST_SHIFT, "the page jumped while it was loaded"
    page.unroute(TASK_API)

    page.route(TASK_API, lambda route: route.abort())
    page.goto(f"{installation.base_url}/t/demo/tasks/bbc-news")
    expect(page.get_by_text("The server cannot be reached.", exact=False)).to_be_visible()
    visit.show("server-away")
    page.unroute(TASK_API)
    page.route(CHART_CODE, lambda route: route.abort())
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="Version 1 is serving")).to_be_visible()
    traffic = page.get_by_role("region", name="Traffic")
    expect(traffic.get_by_text("This could not be loaded")).to_be_visible(timeout=ANSWER_DEADLINE_MS)
    page.unroute(CHART_CODE)

    page.context.set_offline(True)
    expect(page.get_by_text("You are offline")).to_be_visible()
    name = page.get_by_role("region", name="Settings").get_by_label("Name")
    name.fill("News by topic")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Nothing was changed")).to_be_visible()
    expect(name).to_have_value("News by topic")
    page.context.set_offline(False)
    expect(page.get_by_text("You are offline")).to_have_count(0)
    expect(traffic.get_by_role("application").first).to_be_visible(timeout=ANSWER_DEADLINE_MS)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="News by topic")).to_be_visible()
    name.fill("BBC news topics")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="BBC news topics")).to_be_visible()
    refused = re.compile("Failed to load resource|ERR_")
    assert [complaint for complaint in visit.complaints if not refused.search(complaint)] == []


TASK_API = re.compile(r"/api/v1/tenants/demo/tasks/bbc-news$")
CHART_CODE = re.compile(r"/assets/TrafficCharts")
SLOW_MS = 700
MOST_SHIFT = 0.1
"""Of layout, below which people hardly notice (the web's own measure, CLS)."""
COUNT_SHIFTS = """
window.shifts = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts += entry.value;
}).observe({ type: 'layout-shift', buffered: true });
"""


def open_demo(installation: Installation, browser: PlaywrightBrowser) -> "Visit":
    """The operator on the demo's overview, on a desktop."""
    screenshots = ROOT / "test-results" / "dashboard-trouble"
    screenshots.mkdir(parents=True, exist_ok=True)
    visit = Visit.open(browser, size=DESKTOP, scheme="light", screenshots=screenshots)
    visit.page.add_init_script(COUNT_SHIFTS)
    sign_in(visit, installation.base_url, "operator@hmi.local", installation.secret("operator_password"))
    visit.page.goto(f"{installation.base_url}/t/demo")
    expect(visit.page.get_by_role("heading", name="Demo")).to_be_visible()
    visit.page.wait_for_load_state("networkidle")
    return visit


@dataclass
class Visit:
    """One page of a browser that notes what a person would complain about."""

    page: Page
    screenshots: Path
    complaints: list[str] = field(default_factory=list)

    @classmethod
    def open(
        cls, browser: PlaywrightBrowser, *, size: tuple[int, int], scheme: str, screenshots: Path
    ) -> "Visit":
        width, height = size
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if scheme == "dark" else "light"
        )
        context.set_default_timeout(ANSWER_DEADLINE_MS)
        expect.set_options(timeout=ANSWER_DEADLINE_MS)
        visit = cls(page=context.new_page(), screenshots=screenshots)
        visit.page.on("pageerror", lambda error: visit.complaints.append(f"script: {error}"))
        visit.page.on("console", visit._hear)
        return visit

    def show(self, name: str) -> None:
        """Keeps a screenshot, and examines the page."""
        self.page.screenshot(path=self.screenshots / f"{name}.png", full_page=True)
        self.examine(name)

    def examine(self, name: str) -> None:
        """The page fits the window's width, and axe is content."""
        widths = self.page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        if widths[0] > widths[1]:
            self.complaints.append(f"{name}: the page is {widths[0]} wide in a window of {widths[1]}")
        self.page.evaluate(AXE.read_text())
        found = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        for violation in found["violations"]:
            if violation["impact"] in ("serious", "critical"):
                where = [node["target"] for node in violation["nodes"][:3]]
                self.complaints.append(f"{name}: axe: {violation['id']} at {where}")

    def _hear(self, message: object) -> None:
        kind, text = getattr(message, "type", ""), getattr(message, "text", "")
        # Browsers report refused requests by themselves; the walk provokes some (not signed in, a bad file),
        # a suggestion is asked for until there is one, and "no second factor" is a 404 too.
        address = str(getattr(message, "location", {}).get("url", ""))
        is_early = address.endswith(("/suggestion", "/authenticators/totp")) and "status of 404" in text
        if kind in ("error", "warning") and not is_early and not re.search(r"status of (400|401|422)", text):
            self.complaints.append(f"{kind}: {text}")


def walk_through(
    visit: Visit, *, base_url: str, email: str, password: str, csv_path: Path, task_name: str
) -> None:
    """The way of a new person through the dashboard, with the mistakes that people make."""
    sign_in(visit, base_url, email, password)
    make_tenant(visit, base_url, task_name)
    upload(visit, csv_path)
    name_and_domain(visit, task_name)
    train(visit)
    deploy(visit)
    try_a_text(visit)
    read_training_and_report(visit)
    look_round(visit)
    create_key(visit)
    sign_out(visit)


def sign_in(visit: Visit, base_url: str, email: str, password: str) -> None:
    page = visit.page
    page.goto(base_url)
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password", exact=True).fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_contain_text(re.compile("password.* not correct"))
    visit.show("sign-in")
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(re.compile(r"/(new-tenant|t/.+)$"))


def make_tenant(visit: Visit, base_url: str, name: str) -> None:
    page = visit.page
    page.goto(f"{base_url}/new-tenant")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Create tenant").click()
    expect(page.get_by_text("Make your first model")).to_be_visible()
    visit.show("no-tasks")
    page.get_by_role("link", name="Start with a file").click()


def upload(visit: Visit, csv_path: Path) -> None:
    page = visit.page
    rows = b"".join(b"text number %d,%s\n" % (n, b"ab"[n % 2 : n % 2 + 1]) for n in range(20))
    page.locator("input[type=file]").set_input_files(
        {"name": "empty-texts.csv", "mimeType": "text/csv", "buffer": b"text,label\n,b\n" + rows}
    )
    expect(page.get_by_text("Must be fixed before training")).to_be_visible()
    expect(page.get_by_text("The text is empty in row 2.")).to_be_visible()
    visit.show("file-to-be-fixed")
    page.get_by_role("button", name="Leave these rows out").click()
    expect(page.get_by_text("No problems found")).to_be_visible(timeout=30_000)
    page.locator("input[type=file]").set_input_files(csv_path)
    expect(page.get_by_text(re.compile(rf"{csv_path.name} was read"))).to_be_visible()
    expect(page.get_by_role("table").last).to_contain_text("sport")
    visit.show("wizard-data")
    page.get_by_role("button", name="Go on with this file").click()


def name_and_domain(visit: Visit, name: str) -> None:
    page = visit.page
    expect(page.get_by_label("Name", exact=True)).to_have_value("News")
    expect(page.get_by_role("radio", name=re.compile("^A new domain for this task"))).to_be_visible()
    visit.show("wizard-name-and-domain")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_role("button", name="Create task").click()
    expect(page.get_by_role("heading", name=name, exact=True)).to_be_visible()


def train(visit: Visit) -> None:
    page = visit.page
    expect(page.get_by_label("Dataset")).to_contain_text("news.csv")
    visit.show("wizard-train")
    page.get_by_role("button", name="Start training").click()
    expect(page.get_by_text("Running", exact=True)).to_be_visible(timeout=60_000)
    visit.show("wizard-training")


def deploy(visit: Visit) -> None:
    page = visit.page
    expect(page.get_by_text("Version 1 is ready")).to_be_visible(timeout=TRAINING_DEADLINE_MS)
    expect(page.get_by_text(re.compile(r"^95% interval \d"))).to_be_visible()
    visit.show("wizard-deploy")
    page.get_by_role("button", name="Deploy version 1").click()
    expect(page.get_by_text("Version 1 serves", exact=True)).to_be_visible()


def try_a_text(visit: Visit) -> None:
    page = visit.page
    page.get_by_label("Text", exact=True).fill(TEXT)
    page.get_by_role("button", name="Predict").click()
    expect(page.get_by_role("heading", name="sport")).to_be_visible()
    expect(page.get_by_text(re.compile("version 1, adapter [0-9a-f]{12}"))).to_be_visible()
    marked = page.get_by_role("region", name="The text by what PLOT knew")
    expect(marked).to_have_text(TEXT)
    assert marked.locator("mark").count() > 10, "the tokens are marked"
    visit.show("wizard-try")


def read_training_and_report(visit: Visit) -> None:
    page = visit.page
    page.get_by_role("link", name="To the task's page").click()
    expect(page.get_by_role("heading", name="Version 1 is serving")).to_be_visible()
    visit.show("task")
    page.get_by_role("region", name="Trainings").get_by_role("link").first.click()
    # The curves come in a part of the program that is loaded only here.
    expect(page.get_by_role("img", name=re.compile("^Validation accuracy: [0-9]+ values?"))).to_be_visible()
    visit.show("training")
    page.get_by_role("link", name="See the report").click()
    expect(page.get_by_role("heading", name="Confusion matrix")).to_be_visible()
    visit.show("report")
    compare = page.url.replace("/versions/1", "/compare")
    page.goto(compare)
    expect(page.get_by_text("There is only one version")).to_be_visible()
    visit.show("compare")


PAGES = {
    "Overview": "Needs attention",
    "Tasks": "Tasks",
    "Datasets": "Uploaded so far",
    "Domains": "Domains you can use",
    "Usage": "By task",
    "Webhooks": "No webhooks yet",
    "Members": "People",
    "Audit log": "Changes",
    "Settings": "The end",
}
"""Links of the navigation, and a heading of the page that each leads to."""


def look_round(visit: Visit) -> None:
    """Every page of the navigation, and those that are one click further."""
    page = visit.page
    for link, heading in PAGES.items():
        open_navigation(page)
        page.get_by_role("navigation", name="Main navigation").get_by_role("link", name=link).click()
        expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
        page.wait_for_load_state("networkidle")
        visit.show(link.lower())
        if link == "Domains":
            page.get_by_role("region", name=heading).get_by_role("link").first.click()
            expect(page.get_by_role("heading", name="Trees", exact=True)).to_be_visible()
            visit.show("domain")
    page.get_by_role("link", name="Deletions").click()
    expect(page.get_by_role("heading", name="Deletions", exact=True)).to_be_visible()
    visit.show("deletions")
    look_at_account(visit)


def look_at_account(visit: Visit) -> None:
    """As far as the code to scan: the accounts API and what comes next have tests of their own."""
    page = visit.page
    came_from = page.url
    page.get_by_role("button", name=re.compile("^Account")).click()
    page.get_by_role("menuitem", name="Your account").click()
    expect(page.get_by_text("This one")).to_be_visible()
    visit.show("account")
    page.get_by_role("button", name="Set it up").click()
    expect(page.get_by_role("img", name=re.compile("^QR code"))).to_be_visible()
    visit.show("account-second-factor")
    page.goto(came_from)
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def create_key(visit: Visit) -> None:
    page = visit.page
    open_navigation(page)
    page.get_by_role("link", name="API keys").click()
    page.get_by_role("button", name="New key").click()
    page.get_by_label("Name", exact=True).fill("application")
    page.get_by_role("button", name="Create key").click()
    secret = page.get_by_role("region", name="application").inner_text()
    assert re.fullmatch(r"hmi_[\w-]{43}", secret), "the key is shown whole"
    visit.page.get_by_role("button", name="I have copied it").click()
    expect(page.get_by_role("cell", name="application", exact=True)).to_be_visible()
    expect(page.get_by_text(secret)).to_have_count(0)
    expect(page.get_by_role("dialog")).to_have_count(0)  # what fades away has little contrast
    visit.show("keys")
    page.get_by_role("button", name="Revoke application").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke key").click()
    expect(page.get_by_text("No keys yet")).to_be_visible()


def sign_out(visit: Visit) -> None:
    page = visit.page
    page.get_by_role("button", name=re.compile("^Account")).click()
    page.get_by_role("menuitem", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in to HMI")).to_be_visible()


def open_navigation(page: Page) -> None:
    """On a phone the navigation is behind a button."""
    button = page.get_by_role("button", name="Open the navigation")
    if button.is_visible():
        button.click()


def few_rows(installation: Installation, folder: Path) -> Path:
    """Some of the demo's rows, as many of each label, in turn: enough to learn from, quick to train."""
    by_label: dict[str, list[dict[str, str]]] = {}
    with (installation.var / "cache" / "demo" / "bbc.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            by_label.setdefault(row["label"], []).append(row)
    path = folder / "news.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["text", "label"])
        writer.writeheader()
        for rows in zip(*(rows[:ROWS_PER_LABEL] for rows in by_label.values()), strict=True):
            writer.writerows({**row, "text": row["text"][:TEXT_CHARS]} for row in rows)
    return path


def main(base_url: str, email: str, password: str, csv_path: str, screenshots: str) -> None:
    """The same walk on an installation that is running already."""
    found = find_browser()
    if isinstance(found, NoBrowser):
        sys.exit(found.reason)
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=found.program, args=list(OPTIONS))
        for name, size, scheme in (("desktop", DESKTOP, "light"), ("phone", PHONE, "dark")):
            folder = Path(screenshots) / name
            folder.mkdir(parents=True, exist_ok=True)
            visit = Visit.open(running, size=size, scheme=scheme, screenshots=folder)
            walk_through(
                visit,
                base_url=base_url,
                email=email,
                password=password,
                csv_path=Path(csv_path),
                task_name=f"By hand, {name}, {datetime.now():%d %H:%M:%S}",
            )
            sys.stdout.write(f"{name}: {visit.complaints or 'nothing to complain about'}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
