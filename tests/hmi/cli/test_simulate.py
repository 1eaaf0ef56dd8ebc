"""`simulate`: a table for people, a JSON object as the last line, errors in one line."""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from hmi.cli import simulate
from hmi.cli.main import EXIT_BAD_INPUT, main
from hmi.service.settings import ServiceSettings

ROOT = Path(__file__).parents[3]


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


def test_a_load_of_nothing_has_figures_too(capsys: pytest.CaptureFixture[str]) -> None:
    """Of a low rate, before the first request came, there was a traceback alone."""
    assert main(["simulate", "--tenants", "5", "--rate", "0.001", "--seconds", "1"]) == 0
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])["figures"]
    assert figures["requests"] == figures["offered_over_capacity"] == 0
    assert figures["jain"] == figures["least_served"] == 1


def options() -> Mapping[str, object]:
    """Option -> its default."""
    parser = argparse.ArgumentParser()
    subparsers = parser.add_subparsers()
    simulate.add_parser(subparsers)
    return {
        action.option_strings[-1]: action.default
        for action in subparsers.choices["simulate"]._actions
        if action.dest != "help"
    }


def test_the_defaults_are_the_services_own() -> None:
    service = ServiceSettings.model_construct()
    defaults = options()
    assert defaults["--forwards"] == service.num_forwards
    assert defaults["--max-rows"] == service.max_batch_rows == 32
    assert defaults["--max-tokens"] == service.max_batch_tokens == 1024
    assert defaults["--max-adapters"] == service.max_batch_adapters
    assert defaults["--max-queue"] == service.max_queue_requests
    assert defaults["--deadline-s"] == service.request_deadline_s


def test_every_option_is_documented_with_its_default() -> None:
    lines = (ROOT / "docs" / "command-line.md").read_text().splitlines()
    rows = {cells[1].strip(): cells[2].strip() for line in lines if len(cells := line.split("|")) == 5}
    for option, default in options().items():
        documented = rows[f"`{option}`"]
        if option == "--forwards":
            assert documented == "as the service"
        elif default is None:
            assert documented == ""
        elif option == "--weights":
            assert documented == "1"
        else:
            shown = f"{default:,g}" if isinstance(default, (int, float)) else str(default)
            assert documented == shown, option


def test_a_closed_loop_tells_how_much_can_be_answered(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = "simulate --tenants 40 --alpha 1 --window 128 --seconds 3 --warm-s 1 --forwards 2"
    assert main(arguments.split()) == 0
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])["figures"]
    assert figures["answered_over_capacity"] == pytest.approx(1, abs=0.05)
    assert figures["busy_share"] == pytest.approx(1, abs=0.05)
    assert figures["found_on_device"] == 1
    assert 0 < figures["wait_p50_ms"] < figures["p50_ms"]
    assert 0 < figures["least_served"] <= 1


@pytest.mark.parametrize(
    "wrong",
    [
        *("--tenants 0", "--slots 3", "--disk-mb-s 0", "--weights 0", "--churn -1", "--warm-s 60"),
        *("--window 0", "--window 5 --noisy-rate 5", "--forwards 0", "--beside -1"),
        *("--seed -1", "--cv 1e9", "--noisy-rate 5 --noisy-from -5"),
    ],
)
def test_arguments_that_make_no_sense_are_one_line(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["simulate", *wrong.split()]) == EXIT_BAD_INPUT
    assert capsys.readouterr().err.startswith("hmi simulate: ")


@pytest.mark.parametrize(
    "wrong", ["--rate inf", "--seconds inf", "--step-ms nan", "--weights 1 nan", "--churn inf"]
)
def test_numbers_without_an_end_are_refused(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    """They ended in a traceback, or never."""
    with pytest.raises(SystemExit) as ended:
        main(["simulate", *wrong.split()])
    assert ended.value.code == EXIT_BAD_INPUT
    assert "is not a finite number" in capsys.readouterr().err
