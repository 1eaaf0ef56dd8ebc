"""Strict JSON for this package's frozen dataclasses: unknown, missing and mistyped fields are refused."""

import dataclasses
import functools
import json
import types
import typing
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, TypeVar

T = TypeVar("T")

_SCALARS = (str, int, float, bool, type(None))


class WireError(ValueError):
    """A message that does not have the agreed shape; ``path`` says where."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path or 'message'}: {problem}")
        self.path = path
        self.problem = problem


def to_json(message: Any) -> str:
    """One line of canonical JSON: keys sorted, no white space, no NaN."""
    return json.dumps(
        to_plain(message), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def to_plain(value: Any) -> Any:
    """A dataclass, or a tree of them, as dicts, lists and scalars."""
    if type(value) in _SCALARS:
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(k): to_plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(v) for v in value]
    return value


def from_json(cls: type[T], text: str | bytes) -> T:
    """Decode ``text`` as ``cls``; raises WireError on anything else than exactly that shape."""
    try:
        plain = json.loads(text)
    except ValueError as exc:
        raise WireError("", f"not JSON ({exc})") from exc
    return from_plain(cls, plain)


def from_plain(cls: type[T], plain: Any) -> T:
    """As from_json, from what json.loads gave."""
    decode: Decoder = _decoder(typing.cast(Any, cls))
    return typing.cast(T, decode(plain, ""))


Decoder = Callable[[Any, str], Any]
"""From what json.loads gave, and where in the message it stands."""


@functools.cache
def _decoder(kind: Any) -> Decoder:
    """What decodes a ``kind``: made once, since looking at annotations takes far longer than decoding."""
    kind = getattr(kind, "__supertype__", kind)
    origin = typing.get_origin(kind)
    if kind is Any or kind is object:
        return lambda value, path: value
    if origin in (typing.Union, types.UnionType):
        return _optional(kind)
    if origin in (list, tuple):
        return _sequence(origin, typing.get_args(kind)[0])
    if origin in (dict, Mapping) or (isinstance(origin, type) and issubclass(origin, Mapping)):
        return _mapping(typing.get_args(kind)[1])
    if dataclasses.is_dataclass(kind):
        return _dataclass(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _enum(kind)
    if kind is float:
        return lambda value, path: float(value) if type(value) is int else _expect(float, value, path)
    return functools.partial(_expect, kind)


def _optional(kind: Any) -> Decoder:
    args = typing.get_args(kind)
    members = [member for member in args if member is not type(None)]
    if len(members) != 1 or len(members) == len(args):
        raise TypeError(f"only 'X | None' is supported, got {kind}")
    decode = _decoder(members[0])
    return lambda value, path: None if value is None else decode(value, path)


def _sequence(origin: Any, item: Any) -> Decoder:
    decode = _decoder(item)

    def decode_sequence(value: Any, path: str) -> Any:
        items = _expect(list, value, path)
        return origin(decode(one, f"{path}[{number}]") for number, one in enumerate(items))

    return decode_sequence


def _mapping(item: Any) -> Decoder:
    decode = _decoder(item)

    def decode_mapping(value: Any, path: str) -> Any:
        return {key: decode(one, f"{path}.{key}") for key, one in _expect(dict, value, path).items()}

    return decode_mapping


def _enum(kind: type[Enum]) -> Decoder:
    def decode_enum(value: Any, path: str) -> Any:
        try:
            return kind(value)
        except ValueError as exc:
            raise WireError(path, f"{value!r} is not one of {[member.value for member in kind]}") from exc

    return decode_enum


def _dataclass(kind: Any) -> Decoder:
    hints = typing.get_type_hints(kind)
    decoders = {field.name: _decoder(hints[field.name]) for field in dataclasses.fields(kind)}
    required = {
        field.name
        for field in dataclasses.fields(kind)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    }

    def decode_dataclass(value: Any, path: str) -> Any:
        plain = _expect(dict, value, path)
        unknown = sorted(plain.keys() - decoders.keys())
        if unknown:
            raise WireError(path, f"unknown field {unknown[0]!r}")
        given = {}
        for name, decode in decoders.items():
            if name in plain:
                given[name] = decode(plain[name], f"{path}.{name}" if path else name)
            elif name in required:
                raise WireError(path, f"field {name!r} is missing")
        return kind(**given)

    return decode_dataclass


def _expect(kind: Any, value: Any, path: str) -> Any:
    if type(value) is not kind:
        raise WireError(path, f"expected {getattr(kind, '__name__', kind)}, got {type(value).__name__}")
    return value
