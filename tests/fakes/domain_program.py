"""A program that keeps wire.domains' contract and merges nothing: its tree's digest is that of what it got.

domain_program.py --log FILE [--refuse] [--loses] [--splits] --job FILE --work DIR --watch-stdin
"""

import argparse
import array
import base64
import hashlib
import json
import sys
import zlib
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--refuse", action="store_true")
    parser.add_argument("--loses", action="store_true")
    parser.add_argument("--splits", action="store_true")
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
        split = split_of([one["domain_id"] for one in job["domains"]]) if arguments.splits else None
        say(event="suggest_result", best=best, coverages=coverages, num_texts=12, split=split)
        return
    made_of = sorted(one["digest"] for one in job["contributions"])
    digest = "sha256:" + hashlib.sha256(json.dumps([job["parent"]["digest"], made_of]).encode()).hexdigest()
    rows = {"trigram": len(made_of), "unigram": 1}
    verdicts = [
        {"task_id": task["task_id"], "moves": bool(task["rows"]) and not arguments.loses,
         "num_rows": len(task["rows"]), "metric": "accuracy" if task["rows"] else None,
         "accuracy_before": 0.9 if task["rows"] else None,
         "accuracy_after": 0.8 if task["rows"] else None, "p_value": 0.01 if task["rows"] else None,
         "coverage_before": {}, "coverage_after": {}}
        for task in job["tasks"]
    ]  # fmt: skip
    tenants = {one["tenant_id"] for one in job["contributions"] if one["tenant_id"]}
    say(event="domain_result", tree={"uri": job["tree_out_uri"], "digest": digest, "num_bytes": 100},
        diff={"rows_before": {}, "rows_after": rows, "rows_added": rows, "rows_dropped": {}},
        verdicts=verdicts, private_shares=dict.fromkeys(sorted(tenants), 0.25))  # fmt: skip


def split_of(domains: list[str]) -> dict[str, object]:
    """The rows in lines 2 to 13 go to the first domain, those in lines 14 to 21 to the second."""
    parts = [
        {"domain_id": domain, "num_rows": len(rows), "coverage": 0.7, "coverage_together": together,
         "examples": list(rows[:2]), "rows": packed(rows)}
        for domain, rows, together in zip(domains, (range(2, 14), range(14, 22)), (0.7, 0.5), strict=True)
    ]  # fmt: skip
    return {"parts": parts, "coverage": 0.7, "coverage_together": 0.62}


def packed(rows: range) -> str:
    """As wire.row_numbers does it, which this program cannot import."""
    steps = array.array("I", [rows[0], *[1] * (len(rows) - 1)])
    return base64.b64encode(zlib.compress(steps.tobytes())).decode()


def say(**event: object) -> None:
    sys.stdout.write(json.dumps(event) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
