"""The files of an adapter that is brought: what is sent is what is read."""

import re

from hmi.build import adapter_archive
from hmi_client.adapter_files import KNOWN, MAX_BYTES, NEEDED
from tests.conftest import ROOT
from wire.imports import MAX_ARCHIVE_BYTES

PAGE = ROOT / "frontend" / "src" / "features" / "imports" / "adapter-files.ts"


def test_the_client_packs_what_the_platform_reads() -> None:
    assert set(NEEDED) == set(adapter_archive.REQUIRED)
    assert set(KNOWN) == adapter_archive.KNOWN
    assert MAX_BYTES == MAX_ARCHIVE_BYTES


def test_the_dashboard_asks_for_what_the_platform_reads() -> None:
    told = dict(re.findall(r'name: "([^"]+)",\s*isNeeded: (true|false)', PAGE.read_text()))
    assert set(told) == adapter_archive.KNOWN
    assert {name for name, is_needed in told.items() if is_needed == "true"} == set(adapter_archive.REQUIRED)
