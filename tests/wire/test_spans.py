"""Tags of every scheme say the same spans; what a scheme does not allow is told."""

import pytest

from wire.spans import Span, TagScheme, scheme_of, tagged_text

TOKENS = ("Ada", "Lovelace", "met", "Bob", "Eve", "in", "Rome")
SPANS = (Span(0, 12, "PER"), Span(17, 20, "PER"), Span(21, 24, "PER"), Span(28, 32, "LOC"))
WRITTEN = {
    TagScheme.IOB1: "I-PER I-PER O I-PER B-PER O I-LOC",
    TagScheme.IOB2: "B-PER I-PER O B-PER B-PER O B-LOC",
    TagScheme.BIOES: "B-PER E-PER O S-PER S-PER O S-LOC",
}


@pytest.mark.parametrize("scheme", TagScheme)
def test_each_scheme_is_known_by_its_tags_and_says_the_same_spans(scheme: TagScheme) -> None:
    tags = WRITTEN[scheme].split()
    assert scheme_of([tags]) is scheme
    found = tagged_text(TOKENS, tags, scheme)
    assert found.text == "Ada Lovelace met Bob Eve in Rome"
    assert found.spans == SPANS
    assert found.misplaced is None


def test_other_names_of_the_same_tags_are_read_alike() -> None:
    tags = ["B-PER", "L-PER", "O", "U-PER", "U-PER", "O", "U-LOC"]
    assert scheme_of([tags]) is TagScheme.BIOES
    assert tagged_text(TOKENS, tags, TagScheme.BIOES).spans == SPANS


def test_tags_without_a_prefix_are_spans_of_like_neighbours() -> None:
    tags = ["PER", "PER", "O", "PER", "PER", "O", "LOC"]
    assert tagged_text(TOKENS, tags, scheme_of([tags])).spans[1] == Span(17, 24, "PER")


@pytest.mark.parametrize(
    ("scheme", "tags", "misplaced"),
    [
        (TagScheme.IOB2, "O I-PER", "I-PER after O"),
        (TagScheme.IOB2, "B-LOC I-PER", "I-PER after B-LOC"),
        (TagScheme.IOB2, "I-PER O", "I-PER at the beginning"),
        (TagScheme.IOB1, "O B-PER", "B-PER after O"),
        (TagScheme.BIOES, "B-PER O", "O after B-PER"),
        (TagScheme.BIOES, "S-PER I-PER", "I-PER after S-PER"),
        (TagScheme.BIOES, "O B-PER", "B-PER at the end"),
    ],
)
def test_a_tag_that_cannot_stand_where_it_stands_is_told(
    scheme: TagScheme, tags: str, misplaced: str
) -> None:
    found = tagged_text(("a", "b"), tags.split(), scheme)
    assert found.misplaced == misplaced
    assert found.spans, "it is read as the beginning of a span all the same"
