"""What enters a shared node: the k-tenant rule over segments, against a dictionary as the oracle."""

import random
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hmi.build.shared_node import Contributed, SharedNode, shared_node
from hmi.plot.estimate import build_table
from hmi.plot.leave_one_out import LeaveOneOutLookup, NodeEvidence
from hmi.plot.merge import contains, merge_segments, taken_apart
from hmi.plot.ngram import Rung
from hmi.plot.segment import Segment, open_segment, text_hash, write_segment
from tests.hmi.plot.worlds import HIDDEN as WIDTH
from tests.hmi.plot.worlds import VOCAB, World, counted, pack, random_text, segment_of
from wire.artifacts import SegmentFields
from wire.ids import DatasetId, Digest, TenantId

BACKBONE, HIDDEN = Digest("sha256:" + "b" * 64), 4


def segment(name: str, rows: dict[int, int]) -> Segment:
    """``rows``: key -> count; means follow from name and key."""
    keys = np.array(sorted(rows), np.uint64)
    means = np.array(
        [
            [random.Random(f"{name}{key}{i}").randrange(-3000, 3000) for i in range(HIDDEN)]
            for key in sorted(rows)
        ],
        np.int16,
    ).reshape(len(rows), HIDDEN)
    counts = np.array([rows[key] for key in sorted(rows)], np.uint32)
    fields = SegmentFields(BACKBONE, DatasetId(name), 1, sum(rows.values()), 2)
    documents = np.array([text_hash(name)], np.uint64)
    return Segment(fields, keys, counts, counts.astype(np.int64) * 7, means, documents)


def fold(contributed: list[Contributed], min_tenants: int = 3) -> SharedNode:
    return shared_node(
        contributed, dataset_id=DatasetId("shared"), backbone=BACKBONE, hidden=HIDDEN, min_tenants=min_tenants
    )


tenants = st.sampled_from([None, TenantId("a"), TenantId("b"), TenantId("c"), TenantId("d")])
contents = st.dictionaries(st.integers(1, 12), st.integers(1, 5), min_size=1, max_size=8)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(tenants, contents), min_size=1, max_size=7), st.integers(1, 4), st.randoms())
def test_it_keeps_what_enough_tenants_or_the_operator_contributed(
    given_segments: list[tuple[TenantId | None, dict[int, int]]], k: int, chance: random.Random
) -> None:
    contributed = [
        Contributed(tenant, segment(f"dataset-{i}", rows)) for i, (tenant, rows) in enumerate(given_segments)
    ]
    node = fold(contributed, k).segment
    who: dict[int, set[TenantId | None]] = defaultdict(set)
    count: dict[int, int] = defaultdict(int)
    for tenant, rows in given_segments:
        for key, number in rows.items():
            who[key].add(tenant)
            count[key] += number
    wanted = sorted(key for key in who if None in who[key] or len(who[key]) >= k)
    assert node.keys.tolist() == wanted
    assert node.counts.tolist() == [count[key] for key in wanted]
    for row, key in enumerate(wanted):
        total = sum(
            int(one.segment.counts[at]) * one.segment.means[at].astype(np.int64)
            for one in contributed
            for at in np.flatnonzero(one.segment.keys == key)
        )
        assert np.all(np.abs(node.means[row] - np.asarray(total) / count[key]) <= 0.5)
    chance.shuffle(contributed)
    again = fold(contributed, k).segment
    assert np.array_equal(again.keys, node.keys)
    assert np.array_equal(again.means, node.means)


def test_a_text_that_several_tenants_gave_is_left_out_of_the_sum_as_often() -> None:
    """Each of three datasets has the text 0, whose words no other text has: a training of the first that
    looks it up finds nothing of it."""
    random_states = np.random.default_rng(5)
    texts = [random_text(random_states, [12]) for _ in range(4)]
    texts = [
        replace(text, windows=((1, 2) * 6,) if number == 0 else ((3, 4) * 6,))
        for number, text in enumerate(texts)
    ]
    isolated = random_states.normal(size=(VOCAB, WIDTH)).astype(np.float32)
    world = World(tuple(texts), (), isolated)
    given_by = [segment_of(world, (0, number), name) for number, name in enumerate("abc", start=1)]
    node = shared_node(
        [Contributed(TenantId(one.fields.dataset_id), one) for one in given_by],
        dataset_id=DatasetId("shared"),
        backbone=BACKBONE,
        hidden=WIDTH,
        min_tenants=3,
    ).segment
    root = build_table(merge_segments([]), backbone=BACKBONE, hidden=WIDTH, parents=(), isolated=isolated)
    table = build_table(
        merge_segments([node]), backbone=BACKBONE, hidden=WIDTH, parents=(root,), isolated=None
    )
    assert contains(node, given_by[0]) and node.fields.num_documents == 4
    documents, _ = pack([texts[0]])
    for evidence in (taken_apart(node, given_by[0]), (node,)):
        lookup = LeaveOneOutLookup([NodeEvidence((), root), NodeEvidence(evidence, table)], isolated)
        out = np.empty((documents.num_tokens, WIDTH), np.float32)
        answers = lookup.lookup(documents, np.zeros(1, np.uint64), counted([texts[0]]), out)
        assert set(answers.rung.tolist()) == {Rung.UNIGRAM} and set(answers.node.tolist()) == {0}
        np.testing.assert_allclose(out, isolated[documents.token_ids], atol=1e-6)


def test_two_datasets_of_one_tenant_are_one_tenant() -> None:
    a, b = TenantId("a"), TenantId("b")
    node = fold([Contributed(a, segment("1", {7: 2})), Contributed(a, segment("2", {7: 2})),
                 Contributed(b, segment("3", {7: 2}))])  # fmt: skip
    assert len(node.segment.keys) == 0


def test_a_tenant_who_has_an_n_gram_in_addresses_alone_does_not_count() -> None:
    tenants = [TenantId(name) for name in "abc"]
    plain = [Contributed(tenant, segment(f"{tenant}", {7: 3, 9: 2})) for tenant in tenants]
    assert fold(plain).segment.keys.tolist() == [7, 9]
    inside = replace(plain[2].segment, in_span=np.array([2, 0], np.uint32))  # one of 7's three is outside
    node = fold([*plain[:2], replace(plain[2], segment=inside)])
    assert node.segment.keys.tolist() == [9]
    assert node.private_shares[tenants[2]] == 0.5
    own = fold([Contributed(None, inside)])
    assert own.segment.keys.tolist() == [9]


def test_tenants_hear_what_stayed_private() -> None:
    a, b, c = TenantId("a"), TenantId("b"), TenantId("c")
    node = fold([Contributed(a, segment("1", {1: 1, 2: 1, 3: 1, 4: 1})),
                 Contributed(b, segment("2", {1: 1, 2: 1})),
                 Contributed(c, segment("3", {1: 1}))])  # fmt: skip
    assert node.segment.keys.tolist() == [1]
    assert node.private_shares == {a: 0.75, b: 0.5, c: 0.0}


def test_what_a_shared_node_is_made_from_can_be_opened_again(tmp_path: Path) -> None:
    """By a training in a domain below it, which leaves its own documents out of every node."""
    node = fold([Contributed(None, segment("own", {3: 2, 5: 1}))])
    digest = write_segment(node.segment, tmp_path / "s")
    opened = open_segment(tmp_path / "s", digest, backbone=BACKBONE)
    assert opened.keys.tolist() == [3, 5]
