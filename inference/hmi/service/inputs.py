"""Do the inputs of a call suit the task's kind?"""

from collections.abc import Sequence

from hmi.base.errors import InvalidInput
from hmi.kinds.answers import answers_of
from hmi.model.tokenizer import Text
from wire.artifacts import AdapterFields

MAX_SHOWN = 10


def check_inputs(texts: Sequence[Text], fields: AdapterFields) -> None:
    """Raise InvalidInput where the task takes single texts and a pair came, or the other way round."""
    has_pairs = answers_of(fields.kind).has_pairs
    wrong = [index for index, text in enumerate(texts) if isinstance(text, tuple) != has_pairs]
    if wrong:
        right = '{"text": "...", "pair": "..."}: this task reads two texts' if has_pairs else "a text"
        raise InvalidInput(
            f"input {wrong[0]} must be {right}",
            param=f"inputs[{wrong[0]}]",
            details={"inputs": wrong[:MAX_SHOWN]},
        )
