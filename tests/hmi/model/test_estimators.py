"""Isolated rows stand for every vocabulary id; contextual states are exact states less their positions'
residuals."""

import numpy as np
import pytest
import torch

from hmi.model import estimators
from hmi.model.backbone import Backbone
from hmi.model.estimators import contextual_states, isolated_rows
from hmi.plot.ngram import Documents
from tests.tiny.backbone import WORDS, make_tiny_backbone

TEXT = " ".join(WORDS) + ". "


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    return make_tiny_backbone(tmp_path_factory.mktemp("tiny"), max_positions=24, texts=(TEXT * 4,) * 3)


class Heard:
    """Keeps what it was told."""

    def __init__(self) -> None:
        self.steps: list[tuple[int, int]] = []

    def __call__(self, message: str, step: int, num_steps: int) -> None:
        self.steps.append((step, num_steps))


def test_contextual_states_and_their_residuals_make_the_exact_states(backbone: Backbone) -> None:
    documents = backbone.tokenizer.encode(["the good film", "a very bad match"], 24).documents
    rows = contextual_states(backbone, documents)
    assert backbone.residuals.position.abs().sum() > 0
    exact = backbone.lower_states(documents)
    torch.testing.assert_close(torch.from_numpy(rows) + backbone.residuals.of(documents.offsets), exact)
    assert rows.dtype == np.float32


def test_every_id_has_the_row_of_its_token_alone(backbone: Backbone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimators, "BATCH_DOCUMENTS", 40)  # several batches, the last one not full
    heard = Heard()
    rows = isolated_rows(backbone, report=heard)
    vocab_size = backbone.fields.vocab_size
    assert rows.shape == (vocab_size, backbone.fields.hidden)
    assert heard.steps[-1] == (vocab_size, vocab_size)
    first, last = backbone.tokenizer.first_id, backbone.tokenizer.last_id
    for token in (0, 5, 77, vocab_size - 1):
        document = Documents(np.array([first, token, last], np.int32), np.array([0, 3]))
        np.testing.assert_allclose(rows[token], contextual_states(backbone, document)[1], atol=1e-4)


def test_the_frame_has_the_mean_of_its_states_where_it_belongs(backbone: Backbone) -> None:
    rows = isolated_rows(backbone, report=Heard())
    first, last = backbone.tokenizer.first_id, backbone.tokenizer.last_id
    tokens = range(backbone.fields.vocab_size)
    documents = Documents.pack([np.array([first, token, last], np.int32) for token in tokens])
    states = contextual_states(backbone, documents).reshape(len(tokens), 3, -1)
    np.testing.assert_allclose(rows[first], states[:, 0].mean(0), atol=1e-4)
    np.testing.assert_allclose(rows[last], states[:, 2].mean(0), atol=1e-4)
