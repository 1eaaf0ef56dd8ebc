"""What every method of adapters has to do for reports and imports; the rest:
tests/hmi/model/test_adapter_methods.py."""

from pathlib import Path

import pytest
import torch

from hmi.build.adapter_archive import AdapterRefused, unpack_adapter
from hmi.build.evaluation import ExactPath
from hmi.build.library_reference import LibraryPath
from hmi.build.rank_curve import cut_ranks
from hmi.model.adapter_bundle import save_adapter_bundle
from hmi.model.adapters.method import AdapterMethod
from hmi.model.adapters.methods import METHODS
from hmi.model.adapters.parameters import AdapterParameters
from hmi.model.backbone import Backbone
from tests.hmi.build.test_adapter_archive import tar_of
from tests.tiny.adapters import random_adapter, random_head
from tests.tiny.backbone import make_tiny_backbone
from wire.ids import Digest

RANKS = (1, 8, 12, 32)


@pytest.fixture(params=METHODS)
def method(request: pytest.FixtureRequest) -> AdapterMethod:
    return METHODS[request.param]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tiny")


@pytest.fixture(scope="module")
def backbone(folder: Path) -> Backbone:
    return make_tiny_backbone(folder)


@pytest.fixture
def bundle(tmp_path: Path, backbone: Backbone, method: AdapterMethod) -> Path:
    """A version as a training publishes it."""
    path = tmp_path / "bundle"
    path.mkdir()
    save_adapter_bundle(
        path,
        adapter=random_adapter(backbone.fields, seed=1, config=method.config(8, 6.0)),
        head=random_head(backbone.fields, num_labels=2, seed=1),
        labels=("no", "yes"),
        max_tokens=16,
        backbone_fields=backbone.fields,
        backbone=backbone.digest,
        tree=Digest("sha256:" + "b" * 64),
        metrics={},
    )
    return path


def test_its_archive_is_known_by_its_files(tmp_path: Path, bundle: Path, method: AdapterMethod) -> None:
    contents = {path.name: path.read_bytes() for path in bundle.iterdir()}
    assert set(method.facts.archive_files) <= set(contents), "a version that was taken away can be brought"
    (tmp_path / "unpacked").mkdir()
    unpacked = unpack_adapter(tar_of(tmp_path / "archive.tar", contents), tmp_path / "unpacked")
    assert (unpacked.method, unpacked.ignored) == (method.name, ())
    assert {path.name: path.read_bytes() for path in unpacked.folder.iterdir()} == contents


def test_an_archive_that_lacks_one_of_its_files_is_refused(
    tmp_path: Path, bundle: Path, method: AdapterMethod
) -> None:
    for lacking in method.facts.archive_files:
        contents = {
            name: (bundle / name).read_bytes() for name in method.facts.archive_files if name != lacking
        }
        with pytest.raises(AdapterRefused, match=f"has no .*{lacking}"):
            unpack_adapter(tar_of(tmp_path / "archive.tar", contents), tmp_path)


@pytest.mark.parametrize("rank", RANKS)
def test_it_is_cut_to_smaller_ranks_or_says_why_not(
    tmp_path: Path, backbone: Backbone, method: AdapterMethod, rank: int
) -> None:
    if isinstance(method.cut, str):
        assert method.cut.endswith(".") and cut_ranks(method.name, rank) == []
        return
    whole = random_adapter(backbone.fields, seed=1, config=method.config(rank, 6.0))
    for smaller in cut_ranks(method.name, rank):
        cut = method.cut(whole, smaller)
        assert (cut.config.method, cut.config.rank) == (method.name, smaller)
        method.save(tmp_path, cut, backbone.fields)
        assert method.open(tmp_path, backbone.fields).config == cut.config
        assert cut.num_bytes * rank == whole.num_bytes * smaller


@pytest.mark.slow  # loading the libraries takes seconds
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")  # the libraries' own
@pytest.mark.parametrize("rank", RANKS)
def test_its_library_gives_our_states(
    tmp_path: Path, folder: Path, backbone: Backbone, method: AdapterMethod, rank: int
) -> None:
    adapter = random_adapter(backbone.fields, seed=5, config=method.config(rank, 6.0))
    method.save(tmp_path, adapter, backbone.fields)
    documents = backbone.tokenizer.encode(["the good film was very bad", "we loved it", "no"], 64).documents
    library = LibraryPath(folder / "backbone", backbone, method, tmp_path, is_original=False)
    parameters = AdapterParameters(backbone.fields, adapter.config, seed=0)
    parameters.load_host(adapter)
    lower = ExactPath(backbone)(documents).states
    with torch.inference_mode():
        ours = backbone.upper(lower, documents.offsets, parameters)
        plain = backbone.upper(lower, documents.offsets, None)
    torch.testing.assert_close(ours, library(documents).states, atol=1e-4, rtol=0)
    assert (ours - plain).abs().max() > 0.1
