"""The commands: what they send, print, and say by their exit status."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from hmi_client.adapter_files import NEEDED
from hmi_client.login import Login, login_file, login_save
from hmi_client.main import main
from tests.fakes.offline_archive import offline_archive
from tests.fakes.scripted_server import Answer, ScriptedServer, scripted

ROOT = "/api/v1/tenants/acme"


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    """Somebody is logged in there."""
    environ = {"XDG_CONFIG_HOME": str(tmp_path / "config")}
    monkeypatch.setenv("XDG_CONFIG_HOME", environ["XDG_CONFIG_HOME"])
    with scripted() as told:
        login_save(login_file(environ), Login(told.url, "acme", "hmi_key"))
        yield told


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in NEEDED["lora"]:
        (folder / name).write_bytes(b"content")
    return folder


def _run(*words: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(word) for word in words])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def _import(state: str, **more: object) -> dict[str, object]:
    return {
        "id": "i1", "state": state, "message": "", "error": None, "passed": None, "version": None, **more
    }  # fmt: skip


def test_a_task_is_made_of_a_kind(server: ScriptedServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.answers = [(201, {}, {"slug": "stars", "kind": "score", "domain": "stars"})]
    assert _run("create-task", "Stars", "--kind", "score") == 0
    assert server.asked[0][:2] == ("POST", f"{ROOT}/tasks")
    assert json.loads(server.bodies[0]) == {"name": "Stars", "kind": "score"}
    assert capsys.readouterr().out == "stars\n"


def test_a_training_takes_what_differs_of_the_recipe(server: ScriptedServer) -> None:
    server.answers = [(201, {}, {"id": "t1", "state": "queued"})]
    recipe = ("--set", "rank=16", "--set", "method=bottleneck")
    assert _run("train", "news", "--dataset", "d1", *recipe) == 0
    sent = {"dataset": "d1", "recipe": {"rank": 16, "method": "bottleneck"}}
    assert json.loads(server.bodies[0]) == sent


def test_a_row_without_text_is_told_before_anything_is_predicted(
    server: ScriptedServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mails.csv"
    file.write_text("text\n" + "how it was\n" * 100 + '""\n')
    assert _run("predict", "news", file, "--out", tmp_path / "out.csv") == 1
    assert "Row 101 of mails.csv has no text" in capsys.readouterr().err
    assert server.asked == []


def test_a_setting_without_a_value_is_not_understood(server: ScriptedServer) -> None:
    assert _run("train", "news", "--dataset", "d1", "--set", "rank") == 2
    assert server.asked == []


def test_an_adapter_that_passes_is_a_version(
    server: ScriptedServer, adapter: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = _import("succeeded", passed=True, version=4)
    server.answers = [(201, {}, _import("queued")), (200, {}, ended)]
    assert _run("import-adapter", "news", adapter, "--dataset", "d1", "--min-agreement", "0.8") == 0
    assert capsys.readouterr().out == "4\n"
    assert [asked[:2] for asked in server.asked] == [
        ("POST", f"{ROOT}/tasks/news/imports"),
        ("GET", f"{ROOT}/imports/i1"),
    ]
    assert b'name="min_agreement"\r\n\r\n0.8\r\n' in server.bodies[0]


def test_an_adapter_that_does_not_pass_tells_what_stands_in_the_way(
    server: ScriptedServer, adapter: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    problem = "on looked-up inputs 80.0% of 400 answers agree"
    report = {"import": {"parity": {"problems": [problem]}}}
    server.answers = [
        (201, {}, _import("queued")),
        (200, {}, _import("succeeded", passed=False, version=4)),
        (200, {}, {"number": 4, "report": report}),
    ]
    assert _run("import-adapter", "news", adapter) == 1
    assert problem in capsys.readouterr().err


def test_an_adapter_that_is_refused_says_why(
    server: ScriptedServer, adapter: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = {"code": "adapter_refused", "message": "the archive has two adapters"}
    server.answers = [(201, {}, _import("queued")), (200, {}, _import("failed", error=error))]
    assert _run("import-adapter", "news", adapter) == 1
    assert "the archive has two adapters" in capsys.readouterr().err


def test_an_adapter_is_taken_into_a_file(server: ScriptedServer, tmp_path: Path) -> None:
    server.answers = [(200, {"Content-Length": "7"}, "a, b, c")]
    out = tmp_path / "mine.tar"
    assert _run("download-adapter", "news", 3, "--out", out) == 0
    assert server.asked[0][:2] == ("GET", f"{ROOT}/tasks/news/versions/3/adapter")
    assert out.read_bytes() == b"a, b, c"
    assert list(tmp_path.glob("*.part")) == []


def test_an_adapter_that_is_not_there_leaves_no_file(
    server: ScriptedServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = {"code": "not_found", "message": "There is no such version here.", "details": None}
    server.answers = [(404, {}, {"error": error})]
    assert _run("download-adapter", "news", 3, "--out", tmp_path / "mine.tar") == 1
    assert "no such version" in capsys.readouterr().err
    assert list(tmp_path.glob("mine.tar*")) == []


def test_a_version_is_taken_to_predict_offline(
    server: ScriptedServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = offline_archive()
    server.answers = [(200, {"Content-Length": str(len(content))}, content)]
    out = tmp_path / "news.tar"
    assert _run("download-offline", "news", 3, "--out", out) == 0
    assert server.asked[0][:2] == ("GET", f"{ROOT}/tasks/news/versions/3/offline")
    assert out.read_bytes() == content
    assert list(tmp_path.glob("*.part")) == []
    said = capsys.readouterr().err
    assert "download 100%" in said and "of 40 texts 97.5% are answered the same" in said


def test_one_that_was_cut_off_is_kept_and_gone_on_with(
    server: ScriptedServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content, out = offline_archive(), tmp_path / "news.tar"
    told = {"Content-Length": str(len(content)), "ETag": '"one"'}
    refusal: Answer = (403, {}, {"error": {"code": "forbidden", "message": "It is gone.", "details": None}})
    server.answers = [(200, told, content[:1000]), refusal]
    assert _run("download-offline", "news", 3, "--out", out) == 1
    assert "It is gone." in (said := capsys.readouterr().err) and "what has come is kept" in said
    assert not out.exists()
    server.answers = [(206, {"Content-Length": str(len(content) - 1000)}, content[1000:])]
    assert _run("download-offline", "news", 3, "--out", out) == 0
    assert server.headers[-1]["Range"] == "bytes=1000-"
    assert out.read_bytes() == content
    assert list(tmp_path.glob("news.tar*")) == [out]


def test_what_was_gone_on_with_is_checked_as_a_whole(
    server: ScriptedServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content, out = offline_archive(), tmp_path / "news.tar"
    start = content.index(b"store/version/head.safetensors") + 512
    (tmp_path / "news.tar.part").write_bytes(content[:start] + b"#")
    (tmp_path / "news.tar.part.etag").write_text('"one"')
    server.answers = [(206, {"Content-Length": str(len(content) - start - 1)}, content[start + 1 :])]
    assert _run("download-offline", "news", 3, "--out", out) == 1
    assert "head.safetensors has other bytes" in capsys.readouterr().err
    assert list(tmp_path.glob("news.tar*")) == []


def test_one_that_was_not_measured_says_so(
    server: ScriptedServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.answers = [(200, {}, offline_archive(parity=None))]
    assert _run("download-offline", "news", 3, "--out", tmp_path / "news.tar") == 0
    assert "was not measured" in capsys.readouterr().err


def test_a_damaged_one_leaves_the_file_that_was_there(
    server: ScriptedServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "news.tar"
    out.write_bytes(b"of yesterday")
    server.answers = [(200, {}, offline_archive(**{"store/version/head.safetensors": b"damaged"}))]
    assert _run("download-offline", "news", 3, "--out", out) == 1
    assert "head.safetensors has other bytes" in capsys.readouterr().err
    assert out.read_bytes() == b"of yesterday"
    assert list(tmp_path.glob("*.part")) == []


@pytest.mark.parametrize("command", ["download-adapter", "download-offline"])
def test_a_place_that_cannot_be_written_is_told(
    server: ScriptedServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    server.answers = [(200, {}, "content")]
    assert _run(command, "news", 3, "--out", tmp_path / "absent" / "mine.tar") == 1
    assert "cannot be written" in capsys.readouterr().err
    assert len(server.asked) == 1, "asking again would not help"


def test_pairs_are_predicted_into_a_file(server: ScriptedServer, tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_text("question,answer\none,two\n")
    server.answers = [(200, {}, {"predictions": [{"label": "fits", "score": 0.75}], "model": {}})]
    columns = ("--text-column", "question", "--pair-column", "answer")
    assert _run("predict", "fit", tmp_path / "pairs.csv", "--out", tmp_path / "out.csv", *columns) == 0
    assert json.loads(server.bodies[0]) == {"inputs": [{"text": "one", "pair": "two"}]}
    assert (tmp_path / "out.csv").read_text() == "text,pair,label,score\none,two,fits,0.750000\n"


@pytest.mark.parametrize(
    ("words", "parameters"),
    [
        (("--abstain",), {"abstain": True}),
        (("--error-level", "0.05"), {"abstain": True, "error_level": 0.05}),
    ],
)
def test_a_version_may_say_that_it_is_not_sure(
    server: ScriptedServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    parameters: dict[str, object],
) -> None:
    (tmp_path / "new.txt").write_text("one\ntwo\n")
    sure = {"label": "a", "score": 0.9, "label_set": ["a"], "abstained": False}
    not_sure = {"label": "b", "score": 0.5, "label_set": ["b", "a"], "abstained": True}
    server.answers = [(200, {}, {"predictions": [sure, not_sure], "model": {}})]
    assert _run("predict", "fit", tmp_path / "new.txt", "--out", tmp_path / "out.csv", *words) == 0
    assert json.loads(server.bodies[0]) == {"inputs": ["one", "two"], "parameters": parameters}
    assert (tmp_path / "out.csv").read_text() == (
        "text,label,score,label_set,abstained\none,a,0.900000,a,false\ntwo,b,0.500000,b;a,true\n"
    )
    assert "2 predictions in" in (said := capsys.readouterr().err)
    assert "1 of them not sure" in said
