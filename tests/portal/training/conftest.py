"""A task of acme's below the general tree, and a dataset to train it on."""

import pytest

from portal.catalog.models import Task
from portal.datasets.models import Dataset
from tests.fakes.portal import Cast, make_dataset, make_general, make_task


@pytest.fixture
def task(cast: Cast) -> Task:
    make_general()
    return make_task(cast.acme.tenant)


@pytest.fixture
def dataset(cast: Cast) -> Dataset:
    return make_dataset(cast.acme.tenant)
