"""Answers without a service: several models read one path's states, in the type that they are asked for."""

import numpy as np
import pytest
import torch

from hmi.build.evaluation import BATCH_ROWS, ExactPath, LowerStates, TaskModel, predict, predict_each
from hmi.model.backbone import Backbone
from hmi.plot.ngram import Documents
from tests.tiny.adapters import random_adapter, random_head


@pytest.fixture(scope="module")
def documents() -> Documents:
    random = np.random.default_rng(1)
    lengths = random.integers(3, 9, BATCH_ROWS + 5)
    return Documents.pack([random.integers(5, 20, length).astype(np.int32) for length in lengths])


class Counted:
    """An ExactPath that counts the documents it has computed."""

    def __init__(self, backbone: Backbone) -> None:
        self._path = ExactPath(backbone)
        self.num_documents = 0

    def __call__(self, documents: Documents) -> LowerStates:
        self.num_documents += documents.num_documents
        return self._path(documents)


def model(backbone: Backbone, seed: int, dtype: torch.dtype = torch.float32) -> TaskModel:
    adapter = random_adapter(backbone.fields, seed=seed)
    return TaskModel(
        backbone, adapter, random_head(backbone.fields, num_labels=seed + 1, seed=seed), dtype=dtype
    )


def test_models_that_read_the_same_states_answer_as_each_alone_and_have_them_computed_once(
    backbone: Backbone, documents: Documents
) -> None:
    path, told = Counted(backbone), list[int]()
    models = [model(backbone, 1), model(backbone, 2)]
    together = predict_each(path, models, documents, on_documents=told.append)
    assert path.num_documents == documents.num_documents
    assert told == [BATCH_ROWS, documents.num_documents]
    for answers, one in zip(together, models, strict=True):
        alone = predict(ExactPath(backbone), one, documents, on_documents=lambda done: None)
        np.testing.assert_array_equal(answers.outputs, alone.outputs)
        assert answers.coverage == alone.coverage


def test_answers_in_the_type_that_serves_are_those_of_float32_within_its_roundings(
    backbone: Backbone, documents: Documents
) -> None:
    exact, rounded = (
        predict(
            ExactPath(backbone), model(backbone, 2, dtype), documents, on_documents=lambda done: None
        ).outputs
        for dtype in (torch.float32, torch.bfloat16)
    )
    assert rounded.dtype == np.float32
    assert 0 < np.abs(rounded - exact).max() < 0.1 * exact.std()
