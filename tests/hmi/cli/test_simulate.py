"""`simulate`: a table for people, a JSON object as the last line, errors in one line."""

import json

import pytest

from hmi.cli.main import EXIT_BAD_INPUT, main


def test_it_ends_with_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = "simulate --tenants 50 --zipf 1 --rate 30 --seconds 5 --noisy-rate 10 --weights 1 2"
    assert main(arguments.split()) == 0
    lines = capsys.readouterr().out.splitlines()
    result = json.loads(lines[-1])
    figures = result["figures"]
    assert figures["requests"] == figures["answered"] + figures["refused"] + figures["late"] > 100
    assert figures["lost"] == 0
    assert result["arguments"]["zipf"] == 1
    assert any(line.startswith("p99 ms") for line in lines)


@pytest.mark.parametrize("wrong", ["--tenants 0", "--slots 3", "--disk-mb-s 0", "--weights 0", "--churn -1"])
def test_arguments_that_make_no_sense_are_one_line(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", *wrong.split()]) == EXIT_BAD_INPUT
    assert capsys.readouterr().err.startswith("hmi simulate: ")
