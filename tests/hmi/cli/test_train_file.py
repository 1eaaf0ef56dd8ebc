"""``train --data``, ``predict``, ``evaluate``, ``export``: from a labelled file to offline answers, without
the platform."""

import csv
import json
import shutil
from pathlib import Path

import pytest

from hmi.cli.main import EXIT_BAD_INPUT, EXIT_FAILURE, EXIT_OK, main
from tests.hmi.build.training_world import invented_rows
from tests.tiny.backbone import make_tiny_checkpoint

pytestmark = pytest.mark.slow  # whole trainings

Capture = pytest.CaptureFixture[str]
ROWS = invented_rows(60)


def write_csv(
    path: Path, rows: list[tuple[str, str]], *, header: tuple[str, str] = ("text", "label")
) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A version trained from a file, on a tiny backbone."""
    folder = tmp_path_factory.mktemp("local")
    arguments = [
        *("train", "--data", str(write_csv(folder / "reviews.csv", ROWS)), "--domain", "films"),
        *("--out", str(folder / "out"), "--backbone", str(make_tiny_checkpoint(folder / "checkpoint"))),
        *("--max-tokens", "16", "--epochs", "2", "--learning-rate", "0.01", "--rank", "4"),
    ]
    assert main(arguments) == EXIT_OK
    return folder / "out"


def test_the_folder_holds_report_and_version_and_says_the_same_again(exported: Path, capsys: Capture) -> None:
    report = json.loads((exported / "report.json").read_text())
    assert report["recipe"]["rank"] == 4
    assert len(report["test_rows"]) == report["rows"]["test"]
    assert not (exported / "work").exists()
    assert main(["predict", "--bundle", str(exported)]) == EXIT_OK
    parity = json.loads(capsys.readouterr().out)
    assert parity["agrees"]
    assert parity["rows"] == parity["same_label"] == report["rows"]["test"]
    assert parity["max_score_difference"] <= 1e-5


def test_evaluate_gives_the_reports_figures_on_its_test_rows(
    exported: Path, tmp_path: Path, capsys: Capture
) -> None:
    report = json.loads((exported / "report.json").read_text())
    rows = [ROWS[number - 1] for number in report["test_rows"]]
    data = write_csv(tmp_path / "test.csv", rows)
    assert main(["evaluate", "--bundle", str(exported), "--data", str(data)]) == EXIT_OK
    figures = json.loads(capsys.readouterr().out)
    assert figures["accuracy"] == report["accuracy"]
    assert figures["confusion"] == report["confusion"]
    assert figures["ece"] == pytest.approx(report["ece"])


def test_predict_answers_each_text_of_a_file(exported: Path, tmp_path: Path, capsys: Capture) -> None:
    data = tmp_path / "new.jsonl"
    data.write_text('{"body": "the film was loved"}\n{"body": "😀 مرحبا \\u0007"}\n')
    assert (
        main(["predict", "--bundle", str(exported), "--data", str(data), "--text-column", "body"]) == EXIT_OK
    )
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [answer["row"] for answer in answers] == [1, 2]
    assert all(sum(answer["scores"].values()) == pytest.approx(1.0) for answer in answers)


def test_an_exported_copy_predicts_the_same(
    exported: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HMI_STORE_URL", (exported / "store").as_uri())
    copy = tmp_path / "copy"
    assert (
        main(["export", "--bundle-uri", "version", "--tree-uri", "trees/domain", "--out", str(copy)])
        == EXIT_OK
    )
    assert not list((copy / "store").rglob("*segment*"))
    capsys.readouterr()
    expected = str(exported / "expected.jsonl")
    assert main(["predict", "--bundle", str(copy), "--expected", expected]) == EXIT_OK
    assert json.loads(capsys.readouterr().out)["max_score_difference"] == 0.0


def test_other_scores_than_expected_end_with_a_failure(
    exported: Path, tmp_path: Path, capsys: Capture
) -> None:
    expected = tmp_path / "expected.jsonl"
    expected.write_text('{"text": "the film", "scores": {"negative": 0.999, "positive": 0.001}}\n')
    assert main(["predict", "--bundle", str(exported), "--expected", str(expected)]) == EXIT_FAILURE
    assert not json.loads(capsys.readouterr().out)["agrees"]


def sentence(number: int) -> list[tuple[str, str]]:
    """Tokens with tags: good films are praised."""
    praised = [("the", "O"), ("good", "B-praise"), ("film", "I-praise")]
    return [
        *praised,
        ("of", "O"),
        *[(word, "O") for word in ("new", "old", "song")[: number % 4]],
        (str(number), "O"),
    ]


def test_spans_are_trained_from_columns_evaluated_and_predicted_again(
    tmp_path: Path, capsys: Capture
) -> None:
    data, sentences = tmp_path / "praise.conll", [sentence(number) for number in range(40)]
    lines = ["".join(f"{token} {tag}\n" for token, tag in tagged) + "\n" for tagged in sentences]
    data.write_text("-DOCSTART- O\n\n" + "".join(lines))
    out = tmp_path / "out"
    checkpoint = make_tiny_checkpoint(tmp_path / "checkpoint", weight_scale=0.1)
    arguments = [
        *("train", "--data", str(data), "--domain", "films", "--kind", "token_classification"),
        *("--out", str(out), "--backbone", str(checkpoint), "--no-distil"),
        *(
            "--max-tokens",
            "16",
            "--epochs",
            "4",
            "--batch-rows",
            "4",
            "--learning-rate",
            "0.02",
            "--rank",
            "4",
        ),
    ]
    assert main(arguments) == EXIT_OK
    summary = json.loads(capsys.readouterr().out)
    assert summary["span_f1"] == summary["headline"]["value"] > 0.5
    assert main(["predict", "--bundle", str(out)]) == EXIT_OK
    assert json.loads(capsys.readouterr().out)["agrees"]
    report = json.loads((out / "report.json").read_text())
    rows = [
        {
            "text": " ".join(token for token, _ in sentences[n - 1]),
            "spans": [{"start": 4, "end": 13, "label": "praise"}],
        }
        for n in report["test_rows"]
    ]
    held_out = tmp_path / "held_out.jsonl"
    held_out.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert main(["evaluate", "--bundle", str(out), "--data", str(held_out)]) == EXIT_OK
    figures = json.loads(capsys.readouterr().out)
    assert {name: figures[name] for name in ("span_f1", "exact_match", "token_accuracy")} == {
        name: report[name] for name in ("span_f1", "exact_match", "token_accuracy")
    }
    expected = tmp_path / "expected.jsonl"
    expected.write_text(json.dumps({"text": rows[0]["text"], "spans": []}) + "\n")
    assert main(["predict", "--bundle", str(out), "--expected", str(expected)]) == EXIT_FAILURE
    assert main(["predict", "--bundle", str(out), "--data", str(data)]) == EXIT_OK
    for spans, said in (
        ([{"start": 4, "end": 13, "label": "blame"}], "row 1: it has the label 'blame', which the version"),
        ([{"start": start, "end": 13, "label": "praise"} for start in (4, 9)], "row 1: its spans are"),
    ):
        held_out.write_text(json.dumps({**rows[0], "spans": spans}) + "\n")
        assert main(["evaluate", "--bundle", str(out), "--data", str(held_out)]) == EXIT_BAD_INPUT
        assert said in capsys.readouterr().err


def test_a_folder_with_a_version_is_not_trained_over(exported: Path, tmp_path: Path, capsys: Capture) -> None:
    data = write_csv(tmp_path / "data.csv", ROWS)
    arguments = ["train", "--data", str(data), "--domain", "films", "--out", str(exported)]
    assert main(arguments) == EXIT_BAD_INPUT
    assert "another --out" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("one", "Sport"), ("two", " sport")], "'Sport' and 'sport'"),
        ([("one", "a"), ("two", "")], "row 2: its field 'label' is empty"),
        ([("one", "a"), (" ", "b")], "row 2: its field 'text' is empty"),
        ([], "has no rows"),
    ],
)
def test_bad_rows_are_refused_with_what_is_wrong(
    rows: list[tuple[str, str]], said: str, tmp_path: Path, capsys: Capture
) -> None:
    data = write_csv(tmp_path / "data.csv", rows)
    arguments = ["train", "--data", str(data), "--domain", "films", "--out", str(tmp_path / "out")]
    assert main(arguments) == EXIT_BAD_INPUT
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(("option", "value"), [("--seed", "-1"), ("--learning-rate", "nan"), ("--rank", "0")])
def test_a_recipe_that_cannot_be_followed_is_refused_before_any_work(
    option: str, value: str, tmp_path: Path, capsys: Capture
) -> None:
    data, out = write_csv(tmp_path / "data.csv", ROWS), tmp_path / "out"
    arguments = ["train", "--data", str(data), "--domain", "films", "--out", str(out), option, value]
    assert main(arguments) == EXIT_BAD_INPUT
    assert f"the recipe's {option[2:].replace('-', '_')} is {value}" in capsys.readouterr().err
    assert not out.exists()


def test_a_missing_column_names_those_that_are_there(tmp_path: Path, capsys: Capture) -> None:
    data = write_csv(tmp_path / "data.csv", [("x", "y")], header=("body", "topic"))
    arguments = ["train", "--data", str(data), "--domain", "films", "--out", str(tmp_path / "out")]
    assert main(arguments) == EXIT_BAD_INPUT
    assert "no field 'text', but 'body', 'topic'" in capsys.readouterr().err


def test_a_ragged_row_is_refused(tmp_path: Path, capsys: Capture) -> None:
    data = tmp_path / "data.csv"
    data.write_text("text,label\none,a\ntwo,b,c\n")
    arguments = ["train", "--data", str(data), "--domain", "films", "--out", str(tmp_path / "out")]
    assert main(arguments) == EXIT_BAD_INPUT
    assert "row 2: it has 3 fields, the header 2" in capsys.readouterr().err


def test_each_use_of_the_command_says_what_it_lacks(tmp_path: Path, capsys: Capture) -> None:
    data = write_csv(tmp_path / "data.csv", ROWS)
    assert main(["train", "--data", str(data), "--domain", "films"]) == EXIT_BAD_INPUT
    assert "--out is missing" in capsys.readouterr().err
    assert main(["train", "--job", "job.json"]) == EXIT_BAD_INPUT
    assert "--work is missing" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")  # the peft library's own
def test_an_exported_adapter_is_imported_and_answers_the_same(
    exported: Path, tmp_path: Path, capsys: Capture
) -> None:
    adapter = shutil.copytree(exported / "store" / "version", tmp_path / "adapter")
    shutil.copy(exported / "expected.jsonl", adapter)
    out = tmp_path / "out"
    arguments = ["import", "--adapter", str(adapter), "--bundle", str(exported), "--out", str(out)]
    data = write_csv(tmp_path / "reviews.csv", ROWS)
    assert main([*arguments, "--data", str(data), "--min-agreement", "0"]) == EXIT_OK
    said = json.loads(capsys.readouterr().out)
    assert said["passed"]
    assert said["expected"]["plot"]["agrees"]
    report = json.loads((out / "report.json").read_text())
    trained = json.loads((exported / "report.json").read_text())
    assert set(trained["test_rows"]) < set(report["test_rows"])
    expected = str(adapter / "expected.jsonl")
    assert main(["predict", "--bundle", str(out), "--expected", expected]) == EXIT_OK
    assert json.loads(capsys.readouterr().out)["max_score_difference"] < 1e-6
    assert main(arguments) == EXIT_BAD_INPUT  # it stands there already


def test_an_adapter_that_is_none_is_refused(exported: Path, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "adapter").mkdir()
    arguments = ["--bundle", str(exported), "--out", str(tmp_path / "out")]
    assert main(["import", "--adapter", str(tmp_path / "adapter"), *arguments]) == EXIT_BAD_INPUT
    assert "adapter_config.json" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
