"""What the phases of a training are tried in."""

import pytest

from tests.hmi.build.training_world import TrainingWorld, make_world


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> TrainingWorld:
    return make_world(tmp_path_factory.mktemp("world"))
