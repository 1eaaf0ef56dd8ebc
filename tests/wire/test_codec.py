"""The strict codec gives back what it was given and refuses anything else, saying where."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire import artifacts, codec, training, usage
from wire.artifacts import BundleKind, BundleManifest, BundleRef, FileEntry, PlotTreeFields, TreeNode
from wire.codec import WireError, from_json, from_plain, to_json
from wire.ids import BundleUri, Digest


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Inner:
    number: int
    share: float


@dataclass(frozen=True)
class Outer:
    name: str
    colour: Colour
    inner: Inner
    items: tuple[Inner, ...]
    names: list[str]
    by_name: dict[str, Inner]
    anything: Any
    maybe: Inner | None = None
    is_set: bool = False


inners = st.builds(Inner, st.integers(), st.floats(allow_nan=False, allow_infinity=False))
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
outers = st.builds(
    Outer,
    name=st.text(),
    colour=st.sampled_from(Colour),
    inner=inners,
    items=st.lists(inners, max_size=3).map(tuple),
    names=st.lists(st.text(), max_size=3),
    by_name=st.dictionaries(st.text(), inners, max_size=3),
    anything=plain,
    maybe=st.none() | inners,
    is_set=st.booleans(),
)


@given(message=outers)
def test_what_is_written_is_read_back(message: Outer) -> None:
    assert from_json(Outer, to_json(message)) == message


@given(message=outers)
def test_equal_messages_have_one_text_only(message: Outer) -> None:
    text = to_json(message)
    assert to_json(from_json(Outer, text)) == text
    assert "\n" not in text


EXAMPLE = Outer("n", Colour.RED, Inner(1, 0.5), (Inner(2, 1.0),), ["a"], {"k": Inner(3, 0.0)}, None)


@pytest.mark.parametrize(
    ("change", "path", "problem"),
    [
        ({"name": 1}, "name", "expected str, got int"),
        ({"is_set": 1}, "is_set", "expected bool, got int"),
        ({"colour": "green"}, "colour", "is not one of"),
        ({"inner": {"number": True, "share": 0.5}}, "inner.number", "expected int, got bool"),
        ({"inner": {"number": 1}}, "inner", "field 'share' is missing"),
        ({"inner": {"number": 1, "share": 0.5, "more": 1}}, "inner", "unknown field 'more'"),
        ({"items": [{"number": 1, "share": "x"}]}, "items[0].share", "expected float, got str"),
        ({"items": {}}, "items", "expected list, got dict"),
        ({"by_name": {"k": 1}}, "by_name.k", "expected dict, got int"),
        ({"maybe": 1}, "maybe", "expected dict, got int"),
        ({"extra": 1}, "", "unknown field 'extra'"),
    ],
)
def test_anything_else_is_refused_and_the_place_is_named(
    change: dict[str, Any], path: str, problem: str
) -> None:
    message = codec.to_plain(EXAMPLE) | change
    with pytest.raises(WireError) as caught:
        from_plain(Outer, message)
    assert caught.value.path == path
    assert problem in caught.value.problem


def test_a_missing_field_is_refused_unless_it_has_a_default() -> None:
    message = codec.to_plain(EXAMPLE)
    del message["maybe"]
    assert from_plain(Outer, message) == EXAMPLE
    del message["name"]
    with pytest.raises(WireError, match="field 'name' is missing"):
        from_plain(Outer, message)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"a":1', "nonsense"])
def test_text_that_is_no_message_is_refused(text: str) -> None:
    with pytest.raises(WireError):
        from_json(Outer, text)


def test_a_whole_number_may_stand_for_a_float_but_not_the_other_way_round() -> None:
    assert from_plain(Inner, {"number": 1, "share": 2}) == Inner(1, 2.0)
    with pytest.raises(WireError, match="expected int, got float"):
        from_plain(Inner, {"number": 1.0, "share": 2.0})


def test_numbers_that_json_does_not_have_are_not_written() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json(Inner(1, float("nan")))


def test_a_type_that_the_codec_cannot_tell_apart_is_our_own_mistake() -> None:
    @dataclass(frozen=True)
    class Unclear:
        value: int | str

    with pytest.raises(TypeError, match=r"only 'X | None'"):
        from_plain(Unclear, {"value": 1})


def test_the_manifests_of_all_bundles_survive_the_way_through_json() -> None:
    digest = Digest("sha256:" + "a" * 64)
    ref = BundleRef(BundleUri("s/1"), digest)
    fields = PlotTreeFields(digest, (TreeNode("general", BundleUri("t/1"), digest, (ref,)),))
    manifest = BundleManifest(
        BundleKind.PLOT_TREE, 1, {"a.npy": FileEntry(3, "0" * 64)}, codec.to_plain(fields)
    )
    again = from_json(BundleManifest, to_json(manifest))
    assert again == manifest
    assert from_plain(PlotTreeFields, again.fields) == fields


def test_every_wire_dataclass_is_frozen() -> None:
    for module in (artifacts, training, usage):
        for value in vars(module).values():
            if isinstance(value, type) and hasattr(value, "__dataclass_params__"):
                assert value.__dataclass_params__.frozen, value


def test_json_in_plain_form_has_only_what_json_has() -> None:
    assert json.loads(to_json(EXAMPLE)) == codec.to_plain(EXAMPLE)
