"""A split is found where texts really belong to two domains, and not where chance spreads them."""

import numpy as np
import pytest

from hmi.build.domain_split import KnownTexts, best_of, halves, parts_of
from wire.ids import DomainId

FILMS, PRESS, SPORT = DomainId("films"), DomainId("press"), DomainId("sport")


def _known(*means: float, seed: int, num_tokens: int = 15) -> KnownTexts:
    """A text each, of which a domain knows about so much; each half is as noisy as so few tokens are."""
    chosen = np.random.default_rng(seed)
    first, second = (chosen.binomial(num_tokens, means) / num_tokens for _ in range(2))
    return KnownTexts((first + second) / 2, (first, second))


def test_two_kinds_of_text_are_two_parts_the_larger_first() -> None:
    films = [0.7] * 120 + [0.5] * 60
    press = [0.5] * 120 + [0.7] * 60
    known = {
        PRESS: _known(*press, seed=1),
        FILMS: _known(*films, seed=2),
        SPORT: _known(*[0.5] * 180, seed=3),
    }
    assert parts_of(known) == (FILMS, PRESS)


@pytest.mark.parametrize("seed", range(5))
def test_chance_alone_makes_no_parts_though_the_best_of_three_looks_better(seed: int) -> None:
    known = {
        name: _known(*[0.6 + lead] * 200, seed=10 * seed + number)
        for number, (name, lead) in enumerate([(FILMS, 0.03), (PRESS, 0.0), (SPORT, 0.0)])
    }
    whole = np.stack([one.whole for one in known.values()])
    assert whole.max(axis=0).mean() - whole[0].mean() > 0.04, "what a careless rule would call a gain"
    assert parts_of(known) == (FILMS,)


def test_a_few_strays_are_no_part() -> None:
    films, press = [0.7] * 300 + [0.3] * 8, [0.3] * 300 + [0.7] * 8
    assert parts_of({FILMS: _known(*films, seed=1), PRESS: _known(*press, seed=2)}) == (FILMS,)


def test_without_a_domain_there_is_nothing_to_split_among() -> None:
    assert parts_of({}) == ()


def test_what_two_know_alike_stays_with_the_first() -> None:
    assert best_of(np.array([[0.5, 0.2, 0.9], [0.5, 0.4, 0.1]])).tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("the film is good", ("the film", " is good")),
        ("one longword", ("one", " longword")),
        ("unbroken", ("unbr", "oken")),
        ("", ("", "")),
    ],
)
def test_a_text_is_cut_between_words(text: str, cut: tuple[str, str]) -> None:
    assert halves(text) == cut
