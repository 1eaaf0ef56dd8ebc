"""A program that keeps wire.domains' contract and merges nothing: its tree's digest is that of what it got.

domain_program.py --log FILE [--refuse] [--loses] --job FILE --work DIR --watch-stdin
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--refuse", action="store_true")
    parser.add_argument("--loses", action="store_true")
    parser.add_argument("--job", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--watch-stdin", action="store_true", required=True)
    arguments, _ = parser.parse_known_args()
    text = arguments.job.read_text()
    with arguments.log.open("a") as log:
        log.write(text + "\n")
    job = json.loads(text)
    say(event="progress", phase="evaluating", step=1, num_steps=1, loss=None, validation_accuracy=None,
        eta_s=1.0, message="merging")  # fmt: skip
    if arguments.refuse:
        say(event="failure", code="bundle_mismatch", message="A segment is of another backbone.")
        sys.exit(2)
    if "rows_uri" in job:
        best = job["domains"][0]["domain_id"] if job["domains"] else None
        coverages = [{"domain_id": best, "trigram": 0.2, "bigram": 0.5, "unigram": 0.3}]
        say(event="suggest_result", best=best, coverages=coverages, num_texts=12)
        return
    made_of = sorted(one["digest"] for one in job["contributions"])
    digest = "sha256:" + hashlib.sha256(json.dumps([job["parent"], made_of]).encode()).hexdigest()
    rows = {"trigram": len(made_of), "unigram": 1}
    verdicts = [
        {"task_id": task["task_id"], "moves": bool(task["rows"]) and not arguments.loses,
         "num_rows": len(task["rows"]), "accuracy_before": 0.9, "accuracy_after": 0.8, "p_value": 0.01,
         "coverage_before": {}, "coverage_after": {}}
        for task in job["tasks"]
    ]  # fmt: skip
    tenants = {one["tenant_id"] for one in job["contributions"] if one["tenant_id"]}
    say(event="domain_result", tree={"uri": job["tree_out_uri"], "digest": digest, "num_bytes": 100},
        diff={"rows_before": {}, "rows_after": rows, "rows_added": rows, "rows_dropped": {}},
        verdicts=verdicts, private_shares=dict.fromkeys(sorted(tenants), 0.25))  # fmt: skip


def say(**event: object) -> None:
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
