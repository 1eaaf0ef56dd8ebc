"""A program that keeps wire.training's contract and learns nothing: it counts steps, a checkpoint after each.

    trainer.py [--behaviour NAME] [--steps N] [--hold STEP ...] --log FILE ...

Each start adds a line to the log: the step it resumed from, its process id, and its environment's names.
After the checkpoint of a step to hold at, it waits for a file "go-STEP" beside the log.
Behaviours: well; crash (at step 2 of every start); crash-once; stumble (at the second step of every start);
refuse (a failure event); refuse-nul (one that quotes a NUL); full (one that passes, at step 2 of every
start); full-once; taken (refuses at the last step while something stands where it publishes); noise (no
event); wait (after the first step, for ever); deaf (likewise, until there is a file "go" beside the log,
whatever its standard input says); estimate (answers at once, as `hmi estimate` does); import (as `hmi
import`); import-unlike (whose parity test was not passed).
"""

import argparse
import hashlib
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--behaviour", default="well")
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--hold", type=int, nargs="*", default=[])
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--job", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--watch-stdin", action="store_true", required=True)
    arguments, _ = parser.parse_known_args()
    if arguments.behaviour != "deaf":
        threading.Thread(target=end_with_parent, daemon=True).start()
    job = json.loads(arguments.job.read_text())
    checkpoint = arguments.work / "step"
    first = int(checkpoint.read_text()) if checkpoint.exists() else 0
    note(arguments.log, f"{first} {os.getpid()} {','.join(sorted(os.environ))}")
    for step in range(first + 1, arguments.steps + 1):
        say(event="progress", phase="training", step=step, num_steps=arguments.steps, loss=1 / step,
            validation_accuracy=step / 10, eta_s=1.0, message=f"step {step}",
            share=step / arguments.steps)  # fmt: skip
        behave(arguments, step, first=first)
        temporary = checkpoint.with_name("step.new")
        temporary.write_text(str(step))
        temporary.replace(checkpoint)
        if step in arguments.hold:
            wait_for(arguments.log.with_name(f"go-{step}"))
    say(event="result", report={"accuracy": 0.9, "validation_accuracy": 0.35, "coverage": {"trigram": 0.5}},
        version=bundle(job["version_out_uri"]),
        tree=bundle(job["tree_uri" if job["is_domain_shared"] else "tree_out_uri"]),
        segment=bundle(job["segment_out_uri"]))  # fmt: skip


def behave(arguments: argparse.Namespace, step: int, *, first: int) -> None:
    match arguments.behaviour:
        case "crash" if step >= 2:
            crash()
        case "crash-once" if step == 2 and first == 0:
            crash()
        case "stumble" if step == first + 2:
            crash()
        case "full" if step >= 2:
            fill_disk()
        case "full-once" if step == 2 and first == 0:
            fill_disk()
        case "taken" if step == arguments.steps:
            place = json.loads(arguments.job.read_text())["version_out_uri"]
            if Path(os.environ["HMI_STORE_URL"].removeprefix("file://"), place).exists():
                say(event="failure", code="already_exists", message="Another bundle stands there.")
                sys.exit(2)
        case "refuse":
            say(event="failure", code="dataset_too_few_rows", message="Add more rows.")
            sys.exit(2)
        case "refuse-nul":
            say(event="failure", code="adapter_refused", message="There is no 'a\0b'.")
            sys.exit(2)
        case "estimate":
            accuracy = {
                "low": 0.7,
                "high": 0.9,
                "probe_accuracy": 0.75,
                "probe_ci95": [0.7, 0.8],
                "probe_rows": 99,
            }
            say(event="estimate_result", num_rows=120, num_train_rows=90, num_steps=18, seconds=30.0,
                seconds_least=20.0, adapter_bytes=1000, majority_accuracy=0.5, accuracy=accuracy)  # fmt: skip
            sys.exit(0)
        case "import" | "import-unlike":
            job = json.loads(arguments.job.read_text())
            say(event="progress", phase="comparing", step=30, num_steps=120, message="asking the libraries",
                loss=None, validation_accuracy=None, eta_s=None)  # fmt: skip
            say(event="import_result", version=bundle(job["version_out_uri"]), labels=["sport", "tech"],
                passed=arguments.behaviour == "import",
                report={"import": {"parity": {"problems": []}}})  # fmt: skip
            sys.exit(0)
        case "noise":
            say(news="a library talks")
        case "wait":
            threading.Event().wait()
        case "deaf":
            wait_for(arguments.log.with_name("go"))
            sys.exit(3)


def wait_for(file: Path) -> None:
    while not file.exists():
        time.sleep(0.01)


def end_with_parent() -> None:
    while os.read(0, 1024):
        pass
    os._exit(3)


def fill_disk() -> None:
    say(event="failure", code="store_unavailable", message="The disk is full.", retryable=True,
        for_operator="There is no room left in /scratch.")  # fmt: skip
    sys.exit(1)


def crash() -> None:
    sys.stderr.write("out of memory while reading: a secret text\n")
    sys.stderr.flush()
    os.kill(os.getpid(), signal.SIGKILL)


def say(**event: object) -> None:
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


def note(log: Path, line: str) -> None:
    with log.open("a") as file:
        file.write(line + "\n")


def bundle(uri: str) -> dict[str, object]:
    return {"uri": uri, "digest": "sha256:" + hashlib.sha256(uri.encode()).hexdigest(), "num_bytes": 100}


if __name__ == "__main__":
    main()
