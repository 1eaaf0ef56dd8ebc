"""Each kind of task, from the portal's rows to a version whose report and answers agree."""

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats  # type: ignore[import-untyped]  # it has no stubs here
from sklearn.metrics import f1_score, r2_score

from hmi.base.errors import HmiError
from hmi.build.data import LabelledRow
from hmi.build.kinds import score
from hmi.build.kinds.chosen import training_kind
from hmi.build.kinds.class_weights import positive_weights
from hmi.build.kinds.learning import TEACHER_TEMPERATURE, Evaluated
from hmi.build.kinds.multi_label import MultiLabelTraining, macro_f1
from hmi.build.kinds.score import ScoreLearning, ScoreTraining
from hmi.build.kinds.single_label import SingleLabelTraining
from hmi.build.metrics import best_threshold, micro_f1, r2
from hmi.build.offline import OfflineModel, open_offline
from hmi.build.parity import numbers_of
from hmi.kinds.counts import answer_counts
from hmi.model.heads import HostHead
from hmi.model.tokenizer import Tokenizer
from tests.hmi.build.training_world import BAD, GOOD, NEUTRAL, RECIPE, TrainingWorld, make_world
from tests.tiny.backbone import tiny_tokenizer
from wire.errors import ErrorCode
from wire.ids import BundleUri
from wire.inference import LabelAnswer, LabelsAnswer, ValueAnswer
from wire.tasks import TaskKind
from wire.training import Recipe, TrainResult

pytestmark = pytest.mark.slow  # whole trainings

Row = dict[str, Any]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> TrainingWorld:
    return make_world(tmp_path_factory.mktemp("world"))


def trained(
    world: TrainingWorld,
    folder: Path,
    kind: TaskKind,
    rows: list[Row],
    labels: tuple[str, ...] = (),
    recipe: Recipe = RECIPE,
) -> TrainResult:
    name = f"{kind.value}-{len(rows)}"
    uri = BundleUri(f"datasets/{name}/rows.jsonl")
    world.store.put_file(uri, "".join(json.dumps(row) + "\n" for row in rows).encode())
    job = world.job(uri, name=name, labels=labels, recipe=recipe, kind=kind)
    return world.train(job, folder)


def model_of(world: TrainingWorld, result: TrainResult) -> OfflineModel:
    return open_offline(world.store, result.version.uri, result.tree.uri, backbone_uri=None)


def score_rows(num_rows: int) -> list[Row]:
    """The value is 100 and 10 for every good word."""
    chance = random.Random(1)
    rows = []
    for number in range(1, num_rows + 1):
        num_good = chance.randrange(5)
        words = chance.choices(GOOD, k=num_good) + chance.choices(BAD, k=4 - num_good)
        words += chance.choices(NEUTRAL, k=2)
        chance.shuffle(words)
        rows.append({"row": number, "text": f"{' '.join(words)} {number}", "value": 100.0 + 10 * num_good})
    return rows


@pytest.fixture(scope="module")
def scored(world: TrainingWorld, tmp_path_factory: pytest.TempPathFactory) -> TrainResult:
    recipe = replace(RECIPE, epochs=20, batch_rows=8, learning_rate=3e-3)
    return trained(world, tmp_path_factory.mktemp("score"), TaskKind.SCORE, score_rows(160), recipe=recipe)


def test_a_score_is_learnt_and_reported_in_the_units_of_the_data(scored: TrainResult) -> None:
    report = scored.report
    assert report["kind"] == "score"
    assert report["r2"] > 0.4  # of six such trainings, of three seeds and both types, the worst had 0.55
    assert report["mae"] < report["train"]["mean_mae"]
    assert report["headline"] == {"name": "r2", "value": report["r2"], "ci95": report["r2_ci95"]}
    assert report["mae_ci95"][0] <= report["mae"] <= report["mae_ci95"][1] < 100
    assert 100 <= report["train"]["least"] < report["train"]["most"] <= 140
    assert (report["label_errors"]["judged"], len(report["learning_curve"]["points"])) == (160, 3)
    for kind in ("length", "coverage"):
        parts = [part for part in report["slices"] if part["kind"] == kind]
        assert sum(part["rows"] for part in parts) == report["rows"]["test"]
        off = sum(part["rows"] * part["mae"] for part in parts) / report["rows"]["test"]
        assert off == pytest.approx(report["mae"])
        assert all(part["mae_ci95"][0] <= part["mae"] <= part["mae_ci95"][1] for part in parts)
    assert set(report["left_out"]) == {"calibration", "label_sets", "plot_cost"}
    off = [abs(mistake["value"] - mistake["predicted"]) for mistake in report["mistakes"]]
    assert off == sorted(off, reverse=True)


def test_the_report_says_how_the_version_answers_without_plot(
    world: TrainingWorld, scored: TrainResult
) -> None:
    rows = {row["row"]: row["text"] for row in score_rows(160)}
    texts = [rows[row] for row in scored.report["test_rows"]]
    computing = open_offline(world.store, scored.version.uri, None, backbone_uri=None)
    served, computed = (
        [numbers_of(answer)["value"] for answer in model.answers(texts)]
        for model in (model_of(world, scored), computing)
    )
    off = [abs(one - other) / max(1.0, abs(other)) for one, other in zip(served, computed, strict=True)]
    said = scored.report["offline"]
    assert (said["rows"], said["same_label_share"]) == (len(texts), 1.0)
    assert said["max_score_difference"] == pytest.approx(max(off), abs=1e-4) and max(off) > 1e-3
    assert said["mean_score_difference"] == pytest.approx(sum(off) / len(off), abs=1e-4)


def test_a_served_score_is_the_reports(world: TrainingWorld, scored: TrainResult) -> None:
    rows = {row["row"]: row for row in score_rows(160)}
    values = scored.report["values"]
    model = model_of(world, scored)
    assert list(model.fields.value_bounds) == values["bounds"] and sum(values["counts"]) == 24
    tested = [rows[row]["text"] for row in scored.report["test_rows"]]
    assert list(answer_counts(model.answers(tested), (), values["bounds"]).scores) == values["counts"]
    mistake = scored.report["mistakes"][0]
    [answer] = model_of(world, scored).answers([rows[mistake["row"]]["text"]])
    assert isinstance(answer, ValueAnswer)
    assert answer.value == pytest.approx(mistake["predicted"], abs=0.01)


def test_metrics_of_scores_are_those_of_the_libraries() -> None:
    chance = np.random.default_rng(1)
    truth = chance.integers(0, 6, 50).astype(np.float64)
    said = np.round(truth + chance.normal(0, 1, 50), 0)
    assert r2(said, truth) == pytest.approx(r2_score(truth, said))
    assert score.pearson(said, truth) == pytest.approx(stats.pearsonr(said, truth).statistic)
    assert score.spearman(said, truth) == pytest.approx(stats.spearmanr(said, truth).statistic)
    assert score.pearson(np.ones(50), truth) == 0.0


def test_the_head_of_a_score_has_the_standardising_undone() -> None:
    train = np.array([10.0, 20.0, 30.0])
    learning = ScoreTraining().learning(train)
    outputs, targets = torch.tensor([[0.0]]), torch.tensor([20.0], dtype=torch.float64)
    assert float(learning.loss(outputs, targets)) == pytest.approx(0.0)
    fitted = learning.finish(HostHead(torch.ones(1, 4), torch.zeros(1)), outputs.numpy(), targets.numpy())
    assert float(fitted.head.bias[0]) == pytest.approx(20.0)


def test_values_are_counted_in_tenths_of_the_validation_rows() -> None:
    learning = ScoreTraining().learning(np.array([10.0, 30.0]))  # mean 20, standard deviation 10
    outputs = np.linspace(-1, 1, 101, dtype=np.float32)[:, None]
    fitted = learning.finish(HostHead(torch.ones(1, 4), torch.zeros(1)), outputs, outputs[:, 0])
    assert fitted.value_bounds == pytest.approx([12, 14, 16, 18, 20, 22, 24, 26, 28])
    alike = learning.finish(
        HostHead(torch.ones(1, 4), torch.zeros(1)), np.zeros((5, 1), np.float32), np.zeros(5)
    )
    assert alike.value_bounds == (20.0,), "equal bounds are one"


def test_who_answers_as_the_teacher_has_nothing_to_learn_of_it() -> None:
    taught = torch.tensor([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0]])
    several = MultiLabelTraining(("a", "b", "c")).learning(np.zeros((2, 3), np.float32))
    one = SingleLabelTraining(("a", "b", "c")).learning(np.array([0, 1], np.int64))
    for learning, outputs in ((several, taught), (one, taught), (ScoreLearning(0.0, 1.0), taught[:, :1])):
        assert float(learning.taught_loss(outputs, outputs)) == pytest.approx(0.0, abs=1e-6)
        assert float(learning.taught_loss(outputs + torch.eye(2, outputs.shape[1]), outputs)) > 0.01


@pytest.mark.parametrize("kind", [TaskKind.SCORE, TaskKind.MULTI_LABEL])
def test_scores_and_several_labels_have_a_teacher_too(
    world: TrainingWorld, tmp_path: Path, kind: TaskKind
) -> None:
    rows, labels = (score_rows(40), ()) if kind is TaskKind.SCORE else (topic_rows(40), TOPIC_LABELS)
    report = trained(world, tmp_path, kind, rows, labels, replace(RECIPE, distil=True, min_steps=100)).report
    assert report["recipe"]["distil"]
    assert report["plot_cost"] is not None
    assert all(np.isfinite(point["loss"]) for point in report["curve"])


def test_several_labels_are_imitated_each_for_itself() -> None:
    taught, outputs = torch.tensor([[2.0, -1.0], [0.0, 3.0]]), torch.tensor([[1.0, 1.0], [-1.0, 0.0]])
    learning = MultiLabelTraining(("a", "b")).learning(np.zeros((2, 2), np.float32))
    wanted = torch.distributions.Bernoulli(logits=taught / TEACHER_TEMPERATURE)
    said = torch.distributions.Bernoulli(logits=outputs / TEACHER_TEMPERATURE)
    expected = TEACHER_TEMPERATURE**2 * torch.distributions.kl_divergence(wanted, said).mean()
    torch.testing.assert_close(learning.taught_loss(outputs, taught), expected)


def test_a_score_that_is_no_number_is_refused_by_its_line(world: TrainingWorld, tmp_path: Path) -> None:
    with pytest.raises(HmiError) as caught:
        trained(world, tmp_path, TaskKind.SCORE, [*score_rows(4), {"row": 9, "text": "no", "label": "x"}])
    assert caught.value.code is ErrorCode.DATASET_BAD_FORMAT
    assert "line 5" in caught.value.message


def test_scores_that_are_all_equal_are_refused() -> None:
    with pytest.raises(HmiError) as caught:
        ScoreTraining().refuse_hopeless([LabelledRow(1, "a", value=2.0), LabelledRow(2, "b", value=2.0)])
    assert caught.value.code is ErrorCode.DATASET_ONE_LABEL


TOPIC_LABELS = ("film", "good")


def topic_rows(num_rows: int) -> list[Row]:
    """Texts with the words of none, one or both topics, which are its labels."""
    chance = random.Random(2)
    rows: list[Row] = []
    for number in range(1, num_rows + 1):
        topics = [topic for topic in TOPIC_LABELS if chance.random() < 0.4]
        words = topics * 3 + chance.choices(("the", "a", "of", "and"), k=2)
        chance.shuffle(words)
        rows.append({"row": number, "text": f"{' '.join(words)} {number}", "labels": topics})
    return rows


@pytest.fixture(scope="module")
def labelled(world: TrainingWorld, tmp_path_factory: pytest.TempPathFactory) -> TrainResult:
    folder = tmp_path_factory.mktemp("labels")
    recipe = replace(RECIPE, epochs=24, batch_rows=8, learning_rate=1e-2)
    return trained(world, folder, TaskKind.MULTI_LABEL, topic_rows(200), TOPIC_LABELS, recipe)


def test_several_labels_are_learnt_each_with_a_threshold(labelled: TrainResult) -> None:
    report = labelled.report
    assert report["kind"] == "multi_label"
    of_always_both = 2 * report["mean_labels"] / (report["mean_labels"] + len(TOPIC_LABELS))
    assert report["micro_f1"] > max(0.7, of_always_both)
    assert report["micro_f1_ci95"][0] <= report["micro_f1"] <= report["micro_f1_ci95"][1]
    assert 0 < report["exact_match"] <= 1
    assert [entry["label"] for entry in report["classes"]] == list(TOPIC_LABELS)
    assert all(0 < entry["threshold"] < 1 for entry in report["classes"])
    assert all(set(mistake["labels"]) != set(mistake["predicted"]) for mistake in report["mistakes"])
    for kind in ("length", "coverage"):
        parts = [part for part in report["slices"] if part["kind"] == kind]
        assert sum(part["rows"] for part in parts) == report["rows"]["test"]
        exact = sum(part["rows"] * part["accuracy"] for part in parts) / report["rows"]["test"]
        assert exact == pytest.approx(report["exact_match"])


def test_the_scores_of_several_labels_are_calibrated_each_by_a_map_of_its_own(labelled: TrainResult) -> None:
    report = labelled.report
    found, num_scores = report["calibration"], report["rows"]["test"] * len(TOPIC_LABELS)
    for bins, ece in ((found["bins_before"], found["ece_before"]), (found["bins"], found["ece"])):
        assert sum(one["rows"] for one in bins) == num_scores
        gaps = sum(one["rows"] * abs(one["mean_score"] - one["accuracy"]) for one in bins) / num_scores
        assert gaps == pytest.approx(ece)
    assert found["ece"] != found["ece_before"]
    assert all(0 <= entry["ece"] <= 1 and 0 <= entry["ece_before"] <= 1 for entry in report["classes"])
    assert set(report["left_out"]) == {"label_sets", "plot_cost"}


@pytest.mark.parametrize("weighs", [False, True])
def test_timid_and_weighted_scores_become_honest_and_say_the_same_labels(weighs: bool) -> None:
    """One label's outputs are half as large as the log odds, the other's rare and too high by its weight."""
    chance = np.random.default_rng(1)
    odds = chance.normal(size=(20_000, 2)) * 2 - np.array([0.0, 3.0])
    truth = chance.random(odds.shape) < 1 / (1 + np.exp(-odds))
    marks = truth.astype(np.float32)
    weights = positive_weights(marks)
    assert weights is not None and weights[0] < 1.2 and weights[1] > 1.8
    raised = np.log(weights.numpy()) if weighs else 0.0
    outputs = (odds * np.array([0.5, 1.0]) + raised).astype(np.float32)
    kind = MultiLabelTraining(("even", "rare"))
    learning = kind.learning(marks, weighs_classes=weighs)
    plain = HostHead(torch.eye(2), torch.zeros(2))  # its input is its output
    fitted = learning.finish(plain, outputs, marks)
    served = outputs @ fitted.head.weight.numpy().T + fitted.head.bias.numpy()
    np.testing.assert_allclose(served, odds, atol=0.5)
    assert [one.slope for one in fitted.label_maps] == pytest.approx([2.0, 1.0], abs=0.1)
    evaluated = Evaluated(
        rows=[LabelledRow(row, "a", labels=()) for row in range(len(marks))],
        encoded=Tokenizer(tiny_tokenizer()).encode(["a"], 8),
        outputs=served.astype(np.float32),
        targets=marks,
        train_targets=None,
        row_coverage=np.zeros((len(marks), 4)),
        fitted=fitted,
        seed=1,
    )
    found = kind.figures(evaluated)
    assert found.calibration is not None
    assert found.calibration.ece < 0.01 < found.calibration.ece_before
    assert [one.ece < 0.02 for one in found.classes] == [True, True]
    assert found.classes[0].ece_before is not None and found.classes[0].ece_before > 0.05
    assert kind.figures(replace(evaluated, fitted=replace(fitted, label_maps=()))).calibration is None


def test_rare_labels_weigh_more_and_even_ones_all_the_same() -> None:
    assert positive_weights(np.array([[1, 0], [0, 1], [1, 1]], np.float32)) is None
    marks = np.zeros((100, 3), np.float32)
    marks[:50, 0], marks[:10, 1] = 1, 1  # the third has no row
    found = positive_weights(marks)
    assert found is not None
    assert found.tolist() == pytest.approx([1.0, 3.0, 99**0.5])
    learning = MultiLabelTraining(("a", "b", "c")).learning(marks, weighs_classes=True)
    given, lacking = torch.tensor([[0.0, 1.0, 0.0]]), torch.zeros(1, 3)
    outputs = torch.zeros(1, 3)
    more = float(learning.loss(outputs, given)) - float(learning.loss(outputs, lacking))
    assert more == pytest.approx(2 * np.log(2), abs=1e-5)
    plain = MultiLabelTraining(("a", "b", "c")).learning(marks, weighs_classes=False)
    assert float(plain.loss(outputs, given)) == pytest.approx(3 * np.log(2), abs=1e-5)
    usual = MultiLabelTraining(("a", "b", "c")).learning(marks)
    assert float(usual.loss(outputs, given)) == pytest.approx(5 * np.log(2), abs=1e-5)


def test_served_labels_are_those_whose_score_reaches_the_threshold(
    world: TrainingWorld, labelled: TrainResult
) -> None:
    model = model_of(world, labelled)
    rows = [row for row in topic_rows(200) if row["row"] in labelled.report["test_rows"]]
    answers = model.answers([row["text"] for row in rows])
    exact = 0
    for row, answer in zip(rows, answers, strict=True):
        assert isinstance(answer, LabelsAnswer)
        above = zip(TOPIC_LABELS, model.fields.thresholds, strict=True)
        assert answer.labels == [label for label, least in above if answer.scores[label] >= least]
        exact += answer.labels == row["labels"]
    assert exact / len(rows) == labelled.report["exact_match"]


def test_the_best_threshold_lies_between_the_scores_that_it_parts() -> None:
    scores = np.array([0.9, 0.2, 0.7, 0.4], np.float32)
    assert best_threshold(scores, np.array([True, False, True, False])) == pytest.approx(0.55)
    assert best_threshold(scores, np.zeros(4, np.bool_)) == 0.5
    tied = np.array([0.5, 0.5, 0.1], np.float32)
    assert best_threshold(tied, np.array([True, False, False])) == pytest.approx(0.3)


def test_f1_of_several_labels_is_that_of_the_library() -> None:
    chance = np.random.default_rng(3)
    truth, said = chance.random((40, 5)) < 0.3, chance.random((40, 5)) < 0.3
    assert micro_f1(said, truth) == pytest.approx(f1_score(truth, said, average="micro"))
    assert macro_f1(said, truth) == pytest.approx(f1_score(truth, said, average="macro"))


def test_of_several_labels_there_must_be_two() -> None:
    """No bundle has fewer: told before anything is trained."""
    with pytest.raises(HmiError, match="all rows together have 1 label") as caught:
        MultiLabelTraining(("sport",)).refuse_hopeless([LabelledRow(1, "a", labels=("sport",))])
    assert caught.value.code is ErrorCode.DATASET_ONE_LABEL


def test_a_label_that_the_job_does_not_know_is_refused() -> None:
    kind = MultiLabelTraining(TOPIC_LABELS)
    assert kind.problem(LabelledRow(1, "a", labels=("sport", "golf"))) is not None
    assert kind.problem(LabelledRow(1, "a", label="sport")) is not None
    assert kind.problem(LabelledRow(1, "a", labels=())) is None


def pair_rows(num_rows: int) -> list[Row]:
    """Two texts that agree or not: both good or both bad, or one of each."""
    chance = random.Random(3)
    rows: list[Row] = []
    for number in range(1, num_rows + 1):
        is_good, agrees = chance.random() < 0.5, number % 2 == 0
        first = chance.choices(GOOD if is_good else BAD, k=2)
        second = chance.choices(GOOD if is_good == agrees else BAD, k=2)
        label = "same" if agrees else "other"
        rows.append(
            {"row": number, "text": f"{' '.join(first)} {number}", "pair": " ".join(second), "label": label}
        )
    return rows


def test_a_pair_of_texts_is_trained_looked_up_and_answered(world: TrainingWorld, tmp_path: Path) -> None:
    rows = pair_rows(80)
    result = trained(world, tmp_path, TaskKind.SENTENCE_PAIR, rows, ("other", "same"))
    report = result.report
    assert report["kind"] == "sentence_pair"
    assert report["rows"]["test"] == len(report["test_rows"]) > 5
    tested = [row for row in rows if row["row"] in report["test_rows"]]
    others = {row["pair"] for row in rows if row["row"] not in report["test_rows"]}
    of_test = sum(row["pair"] in others for row in tested)
    assert report["rows"]["sharing_text"] <= of_test < len(tested) / 2, "as good as none by chance"
    model = model_of(world, result)
    held_out = [row for row in rows if row["row"] in report["test_rows"]]
    answers = model.answers([(row["text"], row["pair"]) for row in held_out])
    right = [
        isinstance(answer, LabelAnswer) and answer.label == row["label"]
        for row, answer in zip(held_out, answers, strict=True)
    ]
    assert sum(right) / len(right) == report["accuracy"]


def test_a_row_without_its_second_text_is_refused() -> None:
    kind = training_kind(TaskKind.SENTENCE_PAIR, ("other", "same"))
    assert kind.problem(LabelledRow(1, "a", "same")) is not None
    assert kind.problem(LabelledRow(1, "a", "same", pair="b")) is None


def test_a_pair_is_computed_as_the_library_does_with_token_types(world: TrainingWorld) -> None:
    backbone = world.backbone
    encoded = backbone.tokenizer.encode([("the film", "was very good"), "a match"], 16)
    types = backbone.token_types(encoded.documents)
    assert types is not None
    first = int(encoded.documents.lengths[0])
    middle = encoded.documents.token_ids[:first].tolist().index(backbone.tokenizer.last_id)
    assert types[: middle + 1].tolist() == [0] * (middle + 1)
    assert types[middle + 1 : first].tolist() == [1] * (first - middle - 1)
    assert not types[first:].any()
    assert backbone.lower is not None
    expected = backbone.lower(encoded.documents, types)
    torch.testing.assert_close(backbone.lower_states(encoded.documents), expected)
    assert backbone.token_types(backbone.tokenizer.encode(["one text"], 16).documents) is None


def test_of_a_pair_that_is_too_long_the_longer_text_is_cut(world: TrainingWorld) -> None:
    tokenizer = world.backbone.tokenizer
    short, long = "the film", "a very good match of the team " * 5
    for pair in ((short, long), (long, short)):
        encoded = tokenizer.encode([pair], 12)
        ids = encoded.documents.token_ids.tolist()
        assert len(ids) == 12 and bool(encoded.truncated[0])
        assert ids.count(tokenizer.last_id) == 2 and ids[-1] == tokenizer.last_id
        whole = tokenizer.encode([short], 12).documents.token_ids[1:-1].tolist()
        middle = ids.index(tokenizer.last_id)
        assert whole in (ids[1:middle], ids[middle + 1 : -1])
