"""The files of an adapter that is brought: what is sent is what is read."""

import re

from hmi.build import adapter_archive
from hmi_client.adapter_files import KNOWN, MAX_BYTES, NEEDED, NEEDED_OF_BOTTLENECK
from tests.conftest import ROOT
from wire.imports import MAX_ARCHIVE_BYTES

PAGE = ROOT / "frontend" / "src" / "features" / "imports" / "adapter-files.ts"


def test_the_client_packs_what_the_platform_reads() -> None:
    assert adapter_archive.REQUIRED == {"lora": NEEDED, "bottleneck": NEEDED_OF_BOTTLENECK}
    assert set(KNOWN) == adapter_archive.KNOWN
    assert MAX_BYTES == MAX_ARCHIVE_BYTES


def test_the_dashboard_asks_for_what_the_platform_reads() -> None:
    page = PAGE.read_text()
    assert set(re.findall(r'name: "([^"]+)"', page)) == adapter_archive.KNOWN
    needed = dict(re.findall(r"(\w+): \[([^\]]+)\]", page.partition("needed = {")[2].partition("}")[0]))
    found = {method: tuple(re.findall(r'"([^"]+)"', names)) for method, names in needed.items()}
    assert found == adapter_archive.REQUIRED
