"""./hmi plot build: lets the general domain, or a shared one, learn from the operator's own text."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portal.local.console import Console
from portal.local.control import environments_of, running
from portal.local.environment import Environments, build_environments
from portal.local.errors import InstallationError
from portal.local.folders import ROOT, Folders, replace_file
from portal.local.general_text import (
    coverage_in_words,
    general_texts,
    general_tree_arguments,
    general_tree_file,
    given_texts,
    note_given_texts,
)
from portal.local.options import shown
from portal.local.ports import LOOPBACK, Ports
from portal.local.process import describe_exit
from portal.local.secrets import load_secrets
from portal.local.steps import python
from wire.domains import TEXT_SUFFIXES

GENERAL = "general"
_STAYS = "What is done is kept: the same command goes on where it was."


@dataclass(frozen=True, slots=True)
class PlotOptions:
    """What was asked for."""

    domain: str
    texts: tuple[Path, ...]  # absolute
    only: bool
    max_node_mb: int | None
    max_memory_mb: int | None
    as_json: bool


def plot_build(folders: Folders, options: PlotOptions, console: Console) -> None:
    """Learn from the texts. Raises InstallationError, which says what to do."""
    _check_texts(options.texts)
    backbone_file = folders.cache / "backbone.json"
    if not backbone_file.exists():
        raise InstallationError(
            f"there is no installation in {shown(folders.var)} yet: make it with ./hmi up (or name its "
            "folder with --var), then give the same command again"
        )
    if options.domain == GENERAL:
        _build_general(folders, options, backbone_file, console)
    else:
        _add_to_shared(folders, options)


def _check_texts(texts: Sequence[Path]) -> None:
    for text in texts:
        if not text.exists():
            raise InstallationError(f"{text} does not exist: give folders or files of text with --text")
        found = text.rglob("*") if text.is_dir() else [text]
        if not any(file.is_file() and file.name.lower().endswith(TEXT_SUFFIXES) for file in found):
            raise InstallationError(f"there is no text in {text}: it is read from {', '.join(TEXT_SUFFIXES)}")


def _build_general(folders: Folders, options: PlotOptions, backbone_file: Path, console: Console) -> None:
    backbone: dict[str, Any] = json.loads(backbone_file.read_text())
    demo_text = folders.cache / "demo" / "general.jsonl"
    given = _given(folders, options)
    own = general_texts(os.environ, demo_text)
    texts = [*own, *(text for text in given if text not in own)]
    arguments = [*general_tree_arguments(backbone, texts, demo_text, max_node_mb=options.max_node_mb)]
    if options.max_memory_mb is not None:
        arguments += ["--max-memory-mb", str(options.max_memory_mb)]
    built = _run_tool([*arguments, *_as_json(options)], folders, console)
    # First what the next start registers, then what runs: killed between the two, the next start makes it up.
    note_given_texts(folders, given)
    replace_file(general_tree_file(folders), json.dumps(built, indent=1))
    is_registered = _register(folders, backbone_file)
    if options.as_json:
        result = {"event": "plot_built", "domain": GENERAL, "is_registered": is_registered, **built}
        console.say(json.dumps(result))
        return
    console.say(f"{GENERAL}: {built['num_texts']} texts, {built['num_tokens']} tokens counted")
    console.say(f"  coverage   {coverage_in_words(built.get('coverage') or {})}")
    console.say(
        "  registered: the domains are made anew on it in the background, and their tasks follow"
        if is_registered
        else "  HMI is not running: the next ./hmi up registers it"
    )


def _given(folders: Folders, options: PlotOptions) -> list[Path]:
    """All text that was given by this command, now and before; what went meanwhile is refused by name."""
    before = [] if options.only else [text for text in given_texts(folders) if text not in options.texts]
    gone = [str(text) for text in before if not text.exists()]
    if gone:
        raise InstallationError(
            f"an earlier command gave {', '.join(gone)}, which is gone. Every tree is made of all the text: "
            "put it back, or make the tree without it, with --only and all that there is to learn from"
        )
    return [*before, *options.texts]


def _run_tool(arguments: Sequence[str], folders: Folders, console: Console) -> dict[str, Any]:
    """Run the data plane's command; its progress as it comes, its result when it ends."""
    # Work that is half done holds text: it stays in the installation's folder, closed to others.
    work = folders.work / "general"
    work.mkdir(mode=0o700, exist_ok=True)
    environment = {**_environments(folders).data_plane_tools, "HMI_CACHE_DIR": str(work)}
    result: dict[str, Any] | None = None
    with _process(("-m", "hmi.cli", *arguments), environment) as process:
        for message in _messages(process):
            if message.get("event") == "progress":
                console.say(json.dumps(message))
            else:
                result = message
    if process.returncode != 0 or result is None:
        ended = describe_exit(process.returncode)
        raise InstallationError(f"the text was not learnt ({ended}); what is wrong stands above. {_STAYS}")
    return result


def _process(arguments: Sequence[str], environment: Mapping[str, str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        python(*arguments), cwd=ROOT, env=dict(environment), stdout=subprocess.PIPE, text=True
    )


def _messages(process: "subprocess.Popen[str]") -> Iterator[dict[str, Any]]:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("{"):
            yield json.loads(line)


def _environments(folders: Folders) -> Environments:
    """Of what runs; of an installation that does not, whose ports do not matter."""
    record = running(folders)
    if record is not None:
        return environments_of(folders, record)
    return build_environments(
        folders=folders,
        ports=Ports(8400),
        host=LOOPBACK,
        secrets=load_secrets(folders.secrets),
        inherited=os.environ,
    )


def _register(folders: Folders, backbone_file: Path) -> bool:
    """Whether it runs, and so knows of the new tree now."""
    record = running(folders)
    if record is None:
        return False
    files = ("--backbone-json", str(backbone_file), "--tree-json", str(general_tree_file(folders)))
    done = subprocess.run(
        python("manage.py", "catalog_register", *files),
        cwd=ROOT,
        env=environments_of(folders, record).database_owner,
        stdout=subprocess.DEVNULL,
        check=False,
    )
    if done.returncode != 0:
        raise InstallationError(
            "the tree is built and could not be registered; what is wrong stands above. The next ./hmi up "
            "registers it, or the same command, which finds it built"
        )
    return True


def _add_to_shared(folders: Folders, options: PlotOptions) -> None:
    record = running(folders)
    if record is None:
        raise InstallationError(
            f"HMI is not running, and it is its worker that takes up what {options.domain} shall learn: "
            "start it with ./hmi up, then give the same command again"
        )
    words = ["domains", "add-text", options.domain, *map(str, options.texts)]
    done = subprocess.run(
        python("manage.py", *words, *_as_json(options)),
        cwd=ROOT,
        env=environments_of(folders, record).portal,
        check=False,
    )
    if done.returncode != 0:
        raise InstallationError(f"{options.domain} has not learnt it; what is wrong stands above. {_STAYS}")


def _as_json(options: PlotOptions) -> tuple[str, ...]:
    return ("--json",) if options.as_json else ()
