"""How a recipe is followed on so many rows: what of it the number of steps decides."""

from dataclasses import replace

from wire.training import Recipe

MIN_DISTILLED_STEPS = 100
"""A training of fewer steps learns from its labels alone: it has no time to imitate a teacher, nor had the
teacher, which is trained by the same recipe, to learn anything (docs/decisions/0002)."""


def settled(recipe: Recipe, *, num_rows: int) -> Recipe:
    """``recipe`` with as many epochs as ``num_rows`` training rows need for its least number of steps, and
    without a teacher where there are too few steps even so, or rows enough. Settled once more, it stays as it
    is."""
    per_epoch = -(-num_rows // recipe.batch_rows)
    epochs = max(recipe.epochs, -(-recipe.min_steps // per_epoch))
    pays = epochs * per_epoch >= MIN_DISTILLED_STEPS and num_rows <= recipe.max_distilled_rows
    return replace(recipe, epochs=epochs, distil=recipe.distil and pays)
