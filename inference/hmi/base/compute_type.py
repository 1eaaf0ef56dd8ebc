"""Which type of numbers a setting asks the upper layers and adapters to be computed in."""

from enum import StrEnum


class ComputeType(StrEnum):
    """A setting's choice."""

    AUTO = "auto"  # bfloat16 where the processor, or the GPU, multiplies matrices of it, else float32
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
