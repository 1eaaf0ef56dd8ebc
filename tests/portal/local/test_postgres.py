"""Real servers: made, killed and started again."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from portal.local.errors import InstallationError
from portal.local.postgres import PostgresServer
from portal.local.supervisor import RestartPolicy, Supervised, Supervisor
from portal.local.users import unprivileged_user
from tests.fakes.local_server import Running
from tests.fakes.ports import free_port

pytestmark = pytest.mark.slow
PASSWORD = "with / and @ and ' in it"


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Open to the user that PostgreSQL runs as when we are root, unlike pytest's own folders."""
    made = Path(tempfile.mkdtemp(prefix='hmi größe, 100% "x" '))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def server(folder: Path) -> PostgresServer:
    (folder / "data").mkdir()  # as a start leaves it that was cut off before its cluster was finished
    return PostgresServer(folder / "data", free_port(), PASSWORD, socket_dir=folder / "run")


@pytest.fixture(scope="module", autouse=True)
def running(server: PostgresServer) -> Iterator[Running]:
    running = Running(server)
    yield running
    running.stop()


def test_rows_survive_a_killed_server(server: PostgresServer, running: Running) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (number int)")
        connection.execute("INSERT INTO kept SELECT generate_series(1, 1000)")
    running.kill()
    running.start()
    with psycopg.connect(server.url()) as connection:
        assert connection.execute("SELECT count(*), sum(number) FROM kept").fetchone() == (1000, 500500)


def test_a_wrong_password_is_refused(server: PostgresServer) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(server.url(password="wrong"))


def test_the_socket_asks_for_the_password_too(server: PostgresServer, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "run").symlink_to(folder / "run")  # the client's library parts hosts at commas
    host = str(tmp_path / "run")
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(host=host, port=server.port, user="postgres", passfile=os.devnull)
    with psycopg.connect(host=host, port=server.port, user="postgres", password=PASSWORD):
        pass


def test_texts_sort_the_same_on_every_machine(server: PostgresServer) -> None:
    columns = "datlocprovider, datlocale, pg_encoding_to_char(encoding)"
    query = f"SELECT {columns} FROM pg_database WHERE datname = 'template1'"
    with psycopg.connect(server.url()) as connection:
        assert connection.execute(query).fetchone() == ("b", "C.UTF-8", "UTF8")


def test_what_a_statement_says_that_fails_is_not_in_the_log(server: PostgresServer) -> None:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("CREATE TABLE told (name text UNIQUE, text text)")
        for _ in range(2):
            with suppress(psycopg.errors.UniqueViolation):
                connection.execute("INSERT INTO told VALUES ('somebody''s name', 'somebody''s text')")
    log = server.log_file.read_text()
    assert "duplicate key value violates unique constraint" in log
    assert "somebody" not in log


def test_others_cannot_read_the_data(server: PostgresServer, folder: Path) -> None:
    assert stat.S_IMODE((folder / "data").stat().st_mode) == 0o700
    assert not list(folder.glob(".initdb-*")), "the password file is gone"


def test_a_pid_file_of_another_program_does_not_stop_the_start(running: Running, folder: Path) -> None:
    running.kill()
    pid_file = folder / "data" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    running.start()


def test_a_server_that_was_left_behind_ends_before_another_takes_its_folder(
    running: Running, server: PostgresServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    PostgresServer(folder / "data", free_port(), PASSWORD).prepare()
    assert not server.is_ready()
    running.stop()
    running.start()


def test_a_start_that_fails_shows_the_servers_own_words(server: PostgresServer, folder: Path) -> None:
    shutil.copytree(folder / "data", folder / "second")
    second = PostgresServer(folder / "second", server.port, "another password")
    second.prepare()
    supervisor = Supervisor(
        on_change=lambda rows: None,
        on_failure=lambda message: None,
        policy=RestartPolicy(max_starts_before_ready=1),
    )
    try:
        started = supervisor.start(Supervised(spec=second.spec(), is_ready=second.is_ready))
        with pytest.raises(InstallationError, match="could not bind"):
            started.result(60)
    finally:
        supervisor.close()


def test_a_folder_with_other_files_is_not_touched(folder: Path) -> None:
    (folder / "other").mkdir()
    (folder / "other" / "thesis.txt").write_text("mine")
    with pytest.raises(InstallationError, match="neither empty nor a PostgreSQL cluster"):
        PostgresServer(folder / "other", free_port(), PASSWORD).prepare()
    assert (folder / "other" / "thesis.txt").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_root_keeps_the_data_elsewhere_when_the_way_is_closed(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    second = Running(PostgresServer(closed / "data", free_port(), PASSWORD))
    try:
        user = unprivileged_user()
        assert user is not None
        assert (closed / "data").is_symlink()
        assert (closed / "data").stat().st_uid == user.uid
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    finally:
        second.stop()
        shutil.rmtree((closed / "data").resolve().parent)
