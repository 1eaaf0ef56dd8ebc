"""What an operator's text teaches a node that tenants share: nothing that may lead to somebody."""

from pathlib import Path

import numpy as np
import pytest

from hmi.artifacts.store import FolderStore
from hmi.build.operator_tree import LearntNode, NodeToLearn, learn_node
from hmi.build.windows import Windowing, cut_texts
from hmi.model.backbone import Backbone
from hmi.plot.counting import Work
from hmi.plot.ngram import CentredScheme, Rung, rung_rows
from hmi.plot.tree import PlotTree, open_tree
from tests.tiny.backbone import make_tiny_backbone
from wire.ids import BundleUri

PLAIN = "the good film was a great song and the team"
PERSONAL = [f"the good film of jo{letter}@vote.com was a great song and the team" for letter in "abc"]
WEB = [
    f"the good film, a {word} match at www.team-price.net/star was great" for word in ("good", "bad", "old")
]
NUMBERS = [
    f"the good film, call +44 20 7946 0018 or the bank 2 0 0 4 {word}" for word in ("good", "bad", "old")
]
WINDOWING = Windowing(window_tokens=64, max_windows=2)


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> Backbone:
    return make_tiny_backbone(tmp_path_factory.mktemp("tiny"))


def learnt(
    backbone: Backbone, folder: Path, name: str, texts: list[str], parent: PlotTree | None
) -> LearntNode:
    work = folder / f"work-{name}"
    work.mkdir(parents=True)
    node = NodeToLearn(name, parent, BundleUri(f"trees/{name}"), WINDOWING, None)
    store = FolderStore(folder / "store")
    return learn_node(store, backbone, texts, node, report=lambda *_: None, work=Work(work))


def keys_of(backbone: Backbone, text: str) -> tuple[np.ndarray, np.ndarray]:
    """Keys of a text's n-grams [4, num_tokens], and which of them touch what may lead to somebody."""
    windows = cut_texts(backbone.tokenizer, [text], WINDOWING).windows
    return CentredScheme.keys(windows), CentredScheme.touching(windows)


@pytest.mark.parametrize("is_root", [True, False])
@pytest.mark.parametrize("texts", [PERSONAL, WEB, NUMBERS])
def test_no_n_gram_of_an_address_or_a_number_enters(
    backbone: Backbone, tmp_path: Path, texts: list[str], is_root: bool
) -> None:
    parent = None
    if not is_root:
        made = learnt(backbone, tmp_path, "general", [PLAIN], None).published.tree
        store = FolderStore(tmp_path / "store")
        parent = open_tree(store, made.uri, made.digest, backbone=backbone.digest)
    table = learnt(backbone, tmp_path, "node", [*texts, PLAIN], parent).published.table
    num_touching = 0
    for text in texts:
        keys, touching = keys_of(backbone, text)
        plain, _ = keys_of(backbone, PLAIN)
        longer = touching[: Rung.UNIGRAM] & ~np.isin(keys[: Rung.UNIGRAM], plain)
        num_touching += int(longer.sum())
        assert np.all(table.find(keys[: Rung.UNIGRAM][longer]) < 0)
    assert num_touching > 0
    plain, _ = keys_of(backbone, PLAIN)
    assert np.all(table.find(plain[Rung.LEFT, 2:4]) >= 0)  # what stands beside it is learnt: the good film
    if is_root:
        unigrams = rung_rows(np.sort(table.keys), Rung.UNIGRAM)
        assert unigrams.stop - unigrams.start == backbone.fields.vocab_size


def test_a_run_of_digits_stays_out_and_its_pieces_keep_their_rows(backbone: Backbone, tmp_path: Path) -> None:
    texts = [f"the vote of 2004 was {word}" for word in ("good", "bad", "old")]
    table = learnt(backbone, tmp_path, "general", texts, None).published.table
    keys, touching = keys_of(backbone, texts[0])
    assert not touching.any()  # a year is no number of a person, but the rule for digits holds
    at = backbone.tokenizer.encode([texts[0]], 64).documents.token_ids
    digits = [
        token for token, number in enumerate(at) if backbone.tokenizer.pieces()[number].strip("#").isdigit()
    ]
    assert len(digits) == 4
    assert table.find(keys[[Rung.TRIGRAM], digits[1]])[0] < 0  # three digits
    assert table.find(keys[[Rung.LEFT], digits[1]])[0] >= 0  # two
    assert table.counts[table.find(keys[[Rung.UNIGRAM], digits[1]])][0] > 0
