"""./hmi up: holds the lock, brings everything up, waits, and takes everything down again."""

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from portal.local.console import Console
from portal.local.demo import Demo
from portal.local.environment import OPERATOR_EMAIL, build_environments, not_taken, public_url
from portal.local.errors import InstallationError
from portal.local.general_text import coverage_in_words
from portal.local.identity import identify
from portal.local.installation import Installation
from portal.local.lock import LOCK_FILE, AlreadyRunningError, InstallationLock
from portal.local.options import UpOptions, shown
from portal.local.ports import check_ports
from portal.local.programs import build_programs
from portal.local.record import RECORD_FILE, ProcessRow, Record, end_leftovers, read_record, write_record
from portal.local.secrets import load_secrets
from portal.local.steps import CancelledError
from portal.local.stop_signals import on_stop_signals
from portal.local.supervisor import Supervisor

WAKE_S = 1.0
OnChange = Callable[[tuple[ProcessRow, ...]], None]


def up(options: UpOptions, console: Console) -> None:
    """Run the installation until somebody stops it; raises InstallationError when it cannot go on."""
    options.folders.make()
    try:
        with InstallationLock(options.folders.run / LOCK_FILE):
            _run_alone(options, console)
    except AlreadyRunningError as exc:
        raise InstallationError(_who_runs(options)) from exc


def _run_alone(options: UpOptions, console: Console) -> None:
    record_file = options.folders.run / RECORD_FILE
    left_behind = read_record(record_file)
    if left_behind is not None:
        ended = end_leftovers(left_behind)
        if ended:
            console.say(f"  ended what an earlier start had left behind: {', '.join(ended)}")
        record_file.unlink()
    check_ports(options.ports, options.host)
    try:
        _supervise(options, console)
    finally:
        record_file.unlink(missing_ok=True)


def _supervise(options: UpOptions, console: Console) -> None:
    secrets = load_secrets(options.folders.secrets)
    environments = build_environments(
        folders=options.folders, ports=options.ports, host=options.host, secrets=secrets, inherited=os.environ
    )
    passed_over = not_taken(environments, os.environ)
    if passed_over:
        console.say(f"  not taken: {', '.join(passed_over)}, which ./hmi up decides by itself")
    url = public_url(options.host, options.ports)
    record = _recorder(options, url)
    record(())  # ./hmi down finds us from now on
    stop = threading.Event()
    with _supervisor(record, stop, console) as supervisor:
        with console.step("prepare the servers"):
            programs = build_programs(
                folders=options.folders,
                ports=options.ports,
                host=options.host,
                secrets=secrets,
                environments=environments,
            )
        installation = Installation(
            options=options,
            programs=programs,
            environments=environments,
            secrets=secrets,
            supervisor=supervisor,
            console=console,
            stop=stop,
        )
        tree = installation.bring_up()
        _say_ready(console, options, url, tree)
        if options.with_demo:
            Demo(url, secrets.operator_password, options.folders, console, stop).run()
        wait_to_be_stopped(stop)


def wait_to_be_stopped(stop: threading.Event) -> None:
    """Return when ``stop`` is set, by a signal too. The system may give that to another thread, and a handler
    runs in the main one alone, when it wakes."""
    while not stop.wait(WAKE_S):
        pass


@contextmanager
def _supervisor(record: OnChange, stop: threading.Event, console: Console) -> Iterator[Supervisor]:
    """One whose programs end with the block. A signal, or a program that cannot be kept running, sets
    ``stop``, which may end the block with CancelledError. InstallationError says in the end which one it was.
    """
    failures: list[str] = []

    def fail(message: str) -> None:
        failures.append(message)
        stop.set()

    def asked_to_stop() -> None:
        if stop.is_set():
            supervisor.hurry()  # the first signal asks everything to end, the next one insists
        stop.set()

    supervisor = Supervisor(on_change=record, on_failure=fail)
    with on_stop_signals(asked_to_stop):
        try:
            yield supervisor
        except CancelledError:
            pass  # asked for by a signal, or one of the failures below is the reason
        finally:
            with console.step("stop everything"):
                supervisor.close()
    if failures:
        raise InstallationError("\n".join(failures))


def _recorder(options: UpOptions, url: str) -> OnChange:
    ourselves = identify(os.getpid())
    assert ourselves is not None
    file = options.folders.run / RECORD_FILE
    return lambda rows: write_record(file, Record(ourselves.pid, ourselves.started, url, rows))


def _say_ready(console: Console, options: UpOptions, url: str, tree: Mapping[str, Any]) -> None:
    password = shown(options.folders.secrets / "operator_password")
    console.say()
    console.say(f"HMI is ready at {url}  ({console.elapsed_s:.0f} s)")
    console.say(f"  sign in    {OPERATOR_EMAIL}, password in {password}; operator console at {url}/admin/")
    console.say(f"  coverage   of the general PLOT: {coverage_in_words(tree.get('coverage', {}))}")
    console.say("  stop       Ctrl-C here, or ./hmi down; ./hmi status and ./hmi logs tell what runs")
    console.say()


def _who_runs(options: UpOptions) -> str:
    record = read_record(options.folders.run / RECORD_FILE)
    if record is None:
        return f"HMI is already being started with {shown(options.folders.var)}."
    return (
        f"HMI is already running at {record.url}, pid {record.supervisor_pid}. "
        "./hmi down stops it; --var and --port start another one beside it."
    )
