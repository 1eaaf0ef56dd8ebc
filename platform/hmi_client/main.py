"""``hmi-client``: upload, train, bring and take adapters, deploy and predict from a terminal, with a key."""

import argparse
import getpass
import json
import os
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from hmi_client.client import KINDS, Client
from hmi_client.errors import ClientError
from hmi_client.login import Login, login_file, login_read, login_save
from hmi_client.progress import Bar
from hmi_client.replacing import part_of, replacing
from hmi_client.texts import Input, PredictionFile, batched, texts_of
from hmi_client.transport import HttpTransport

TEXTS_AT_ONCE = 64

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def main(argv: Sequence[str] | None = None) -> None:
    """Run one command; exit status 0 when it did what was asked, 1 when it did not."""
    options = _parser().parse_args(argv)
    try:
        is_done = options.run(options)
    except ClientError as exc:
        _say(f"hmi-client: {exc}")
        is_done = False
    except KeyboardInterrupt:
        _say("hmi-client: stopped")
        is_done = False
    sys.exit(0 if is_done else 1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hmi-client", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in (
        _add_login,
        _add_upload,
        _add_create_task,
        _add_train,
        _add_import_adapter,
        _add_download_adapter,
        _add_download_offline,
        _add_deploy,
        _add_predict,
    ):
        add(commands)
    return parser


def _add_login(commands: Commands) -> None:
    login = commands.add_parser("login", help="keep an address, a tenant and a key, which is asked for")
    login.add_argument("--url", required=True, help="the installation, such as https://hmi.example.com")
    login.add_argument("--tenant", required=True, help="its slug")
    login.set_defaults(run=_login)


def _add_upload(commands: Commands) -> None:
    upload = commands.add_parser("upload", help="upload labelled texts; goes on where it was cut off")
    upload.add_argument("file", type=Path)
    upload.add_argument("--name", help="of the dataset; else the file's")
    upload.add_argument("--kind", choices=KINDS, default=KINDS[0], help="of the tasks to be trained on it")
    _add_text_columns(upload)
    upload.add_argument("--label-column")
    upload.add_argument("--label-separator", help="of multi_label: what stands between two labels")
    upload.set_defaults(run=_upload)


def _add_create_task(commands: Commands) -> None:
    create = commands.add_parser("create-task", help="make a task; prints its slug")
    create.add_argument("name")
    create.add_argument("--kind", choices=KINDS, default=KINDS[0], help="what it predicts; it stays")
    create.add_argument("--slug", help="else made of the name")
    create.add_argument("--domain", help="slug of one of yours or of a shared one; else it gets its own")
    create.set_defaults(run=_create_task)


def _add_train(commands: Commands) -> None:
    train = commands.add_parser("train", help="train a task on a dataset")
    train.add_argument("task", help="its slug")
    train.add_argument("--dataset", required=True, help="id, as upload prints it")
    train.add_argument(
        "--set",
        action="append",
        default=[],
        type=_setting,
        metavar="NAME=VALUE",
        dest="recipe",
        help="of the recipe, such as rank=16 or leaf_mb=4; may come several times",
    )
    train.add_argument("--watch", action="store_true", help="show its progress until it has ended")
    train.set_defaults(run=_train)


def _add_import_adapter(commands: Commands) -> None:
    brought = commands.add_parser("import-adapter", help="bring an adapter in PEFT's format as a version")
    brought.add_argument("task")
    brought.add_argument("folder", type=Path, help="as PEFT saved it, with head.safetensors; or an archive")
    brought.add_argument("--dataset", help="id: answers are compared on its rows; else on expected.jsonl")
    brought.add_argument("--min-agreement", type=float, help="share of texts to be answered the same (0.9)")
    brought.set_defaults(run=_import_adapter)


def _add_download_adapter(commands: Commands) -> None:
    taken = commands.add_parser("download-adapter", help="take a version's adapter away, as a .tar")
    taken.add_argument("task")
    taken.add_argument("number", type=int, help="of the version")
    taken.add_argument("--out", type=Path, required=True, help="a .tar file, which import-adapter takes")
    taken.set_defaults(run=_download_adapter)


def _add_download_offline(commands: Commands) -> None:
    taken = commands.add_parser("download-offline", help="take a version away to predict offline, as a .tar")
    taken.add_argument("task")
    taken.add_argument("number", type=int, help="of the version")
    taken.add_argument(
        "--out", type=Path, required=True, help="a .tar file, to unpack for hmi predict --bundle"
    )
    taken.set_defaults(run=_download_offline)


def _add_deploy(commands: Commands) -> None:
    deploy = commands.add_parser("deploy", help="let a version serve")
    deploy.add_argument("task")
    deploy.add_argument("--version", type=int, help="its number; else the newest")
    deploy.set_defaults(run=_deploy)


def _add_predict(commands: Commands) -> None:
    predict = commands.add_parser("predict", help="predict every text of a file")
    predict.add_argument("task")
    predict.add_argument("file", type=Path, help=".csv, .tsv, .jsonl or .txt")
    predict.add_argument("--out", type=Path, required=True, help="a CSV file of predictions")
    _add_text_columns(predict, text="text")
    predict.add_argument(
        "--abstain",
        action="store_true",
        help="of one label a text: also the set of labels that it may be, and whether it is not sure",
    )
    predict.add_argument(
        "--error-level",
        type=float,
        metavar="SHARE",
        help="of the sets that may lack the true label, 0.01 to 0.5; else 0.1; says --abstain too",
    )
    predict.set_defaults(run=_predict)


def _add_text_columns(parser: argparse.ArgumentParser, text: str | None = None) -> None:
    """Which columns of a file are read; ``text``: the first one's name where none is given."""
    parser.add_argument("--text-column", default=text, help="of the text; else " + (text or "found by name"))
    parser.add_argument("--pair-column", help="of tasks for two texts: the second one")


def _login(options: argparse.Namespace) -> bool:
    key = getpass.getpass("API key: ") if sys.stdin.isatty() else sys.stdin.readline()
    login = Login(options.url.rstrip("/"), options.tenant, key.strip())
    tenant = _client(login).tenant()
    file = login_file(os.environ)
    login_save(file, login)
    _say(f"Logged in to {tenant['name']}; kept in {file}.")
    return True


def _upload(options: argparse.Namespace) -> bool:
    if not options.file.is_file():
        raise ClientError(f"There is no file {options.file}.")
    bar = Bar(sys.stderr, "upload")
    try:
        dataset = _saved_client().upload(
            options.file,
            name=options.name,
            kind=options.kind,
            text_column=options.text_column,
            label_column=options.label_column,
            pair_column=options.pair_column,
            label_separator=options.label_separator,
            on_progress=bar.show,
        )
    finally:
        bar.close()
    for finding in (dataset["report"] or {}).get("findings", []):
        _say(f"{finding['severity']}: {finding['message']} {finding['fix']}")
    _say(f"{dataset['num_rows']} rows, {dataset['state']}")
    print(dataset["id"])
    return bool(dataset["state"] == "ready")


def _create_task(options: argparse.Namespace) -> bool:
    task = _saved_client().create_task(
        options.name, kind=options.kind, slug=options.slug, domain=options.domain
    )
    _say(f"{options.name}: {task['kind']}, in the domain {task['domain']}")
    print(task["slug"])
    return True


def _train(options: argparse.Namespace) -> bool:
    client = _saved_client()
    training = client.train(options.task, options.dataset, dict(options.recipe) or None)
    if not options.watch:
        print(training["id"])
        return True
    bar = Bar(sys.stderr, "train")
    try:
        for seen in client.watch(training["id"]):
            bar.show(_share(seen), _note(seen))
            training = seen
    finally:
        bar.close()
    if training["state"] == "succeeded":
        metric, value = training["validation_metric"], training["validation_accuracy"]
        _say(f"version {training['version']}, {metric} on validation rows {value}")
        print(training["version"])
        return True
    error = training["error"] or {"message": training["state"]}
    raise ClientError(f"The training {training['state']}: {error['message']}")


def _import_adapter(options: argparse.Namespace) -> bool:
    client = _saved_client()
    brought = client.import_adapter(
        options.task, options.folder, dataset=options.dataset, min_agreement=options.min_agreement
    )
    said = None
    for seen in client.watch_import(brought["id"]):
        if (doing := seen["message"] or seen["state"]) != said:
            _say(said := doing)
        brought = seen
    if brought["state"] != "succeeded":
        error = brought["error"] or {"message": "no version was made"}
        raise ClientError(f"The import {brought['state']}: {error['message']}")
    number = brought["version"]
    print(number)
    if brought["passed"]:
        _say(f"version {number} passed the parity test: deploy it")
        return True
    for problem in client.version(options.task, number)["report"]["import"]["parity"]["problems"]:
        _say(f"not passed: {problem}")
    raise ClientError(f"Version {number} is kept as a draft, which cannot be deployed.")


def _download_adapter(options: argparse.Namespace) -> bool:
    content = _saved_client().adapter(options.task, options.number)
    with replacing(options.out) as temporary:
        temporary.write_bytes(content)
    _say(f"version {options.number} of {options.task}: {len(content)} bytes in {options.out}")
    return True


def _download_offline(options: argparse.Namespace) -> bool:
    bar = Bar(sys.stderr, "download")
    try:
        parity = _saved_client().offline(options.task, options.number, options.out, on_progress=bar.show)
    except ClientError:
        if part_of(options.out).exists():
            _say("what has come is kept: the same command goes on with it")
        raise
    finally:
        bar.close()
    _say(f"version {options.number} of {options.task}: {options.out.stat().st_size} bytes in {options.out}")
    if parity is None:
        _say("how far its answers are from those served was not measured")
    else:
        _say(
            f"of {parity['rows']} texts {parity['same_label_share']:.1%} are answered the same as served; "
            f"scores differ by up to {parity['max_score_difference']:.2g}"
        )
    return True


def _deploy(options: argparse.Namespace) -> bool:
    deployment = _saved_client().deploy(options.task, options.version)
    _say(f"version {deployment['version']} of {options.task} serves")
    return True


def _predict(options: argparse.Namespace) -> bool:
    client = _saved_client()
    num_texts = num_not_sure = 0

    def found() -> Iterator[Input]:
        return texts_of(options.file, column=options.text_column, pair_column=options.pair_column)

    if options.file.is_file():
        deque(found(), maxlen=0)  # what is wrong with a row is told before the first text is sent
    with (
        replacing(options.out) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as opened,
    ):
        file = PredictionFile(opened)
        for texts in batched(found(), TEXTS_AT_ONCE):
            predictions = client.predict(
                options.task, texts, abstain=options.abstain, error_level=options.error_level
            )
            file.add(texts, predictions)
            num_texts += len(texts)
            num_not_sure += sum(bool(prediction.get("abstained")) for prediction in predictions)
    not_sure = f", {num_not_sure} of them not sure" if num_not_sure else ""
    _say(f"{num_texts} predictions in {options.out}{not_sure}")
    return True


def _setting(text: str) -> tuple[str, Any]:
    """A value of the recipe: JSON where it is some, else a string."""
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _saved_client() -> Client:
    return _client(login_read(login_file(os.environ)))


def _client(login: Login) -> Client:
    return Client(HttpTransport(login.url, login.key), login.tenant)


def _share(training: dict[str, Any]) -> float:
    return float(training["share"])


def _note(training: dict[str, Any]) -> str:
    parts = [training["phase"] or training["state"]]
    if training["loss"] is not None:
        parts.append(f"loss {training['loss']:.3f}")
    if training["eta_s"]:
        parts.append(f"{training['eta_s']:.0f} s left")
    return ", ".join(parts)


def _say(line: str) -> None:
    print(line, file=sys.stderr)
