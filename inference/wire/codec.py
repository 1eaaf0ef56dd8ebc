"""Strict JSON for this package's frozen dataclasses: unknown, missing and mistyped fields are refused."""

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from enum import Enum
from typing import Any, TypeVar

T = TypeVar("T")


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
    return typing.cast(T, _decode(cls, plain, ""))


def _decode(kind: Any, value: Any, path: str) -> Any:
    kind = getattr(kind, "__supertype__", kind)
    origin = typing.get_origin(kind)
    if kind is Any or kind is object:
        return value
    if origin in (typing.Union, types.UnionType):
        return _decode_optional(kind, value, path)
    if origin in (list, tuple):
        return _decode_sequence(kind, origin, value, path)
    if origin in (dict, Mapping) or (isinstance(origin, type) and issubclass(origin, Mapping)):
        item = typing.get_args(kind)[1]
        return {k: _decode(item, v, f"{path}.{k}") for k, v in _expect(dict, value, path).items()}
    if dataclasses.is_dataclass(kind):
        return _decode_dataclass(kind, value, path)
    if isinstance(kind, type) and issubclass(kind, Enum):
        try:
            return kind(value)
        except ValueError as exc:
            raise WireError(path, f"{value!r} is not one of {[member.value for member in kind]}") from exc
    if kind is float and type(value) is int:
        return float(value)
    return _expect(kind, value, path)


def _decode_optional(kind: Any, value: Any, path: str) -> Any:
    members = [m for m in typing.get_args(kind) if m is not type(None)]
    if value is None and len(members) < len(typing.get_args(kind)):
        return None
    if len(members) != 1:
        raise TypeError(f"{path}: only 'X | None' is supported, got {kind}")
    return _decode(members[0], value, path)


def _decode_sequence(kind: Any, origin: Any, value: Any, path: str) -> Any:
    items = _expect(list, value, path)
    item_kind = typing.get_args(kind)[0]
    return origin(_decode(item_kind, item, f"{path}[{i}]") for i, item in enumerate(items))


def _decode_dataclass(kind: Any, value: Any, path: str) -> Any:
    plain = _expect(dict, value, path)
    hints = typing.get_type_hints(kind)
    fields = {f.name: f for f in dataclasses.fields(kind)}
    unknown = sorted(set(plain) - set(fields))
    if unknown:
        raise WireError(path, f"unknown field {unknown[0]!r}")
    given = {}
    for name, field in fields.items():
        if name in plain:
            given[name] = _decode(hints[name], plain[name], f"{path}.{name}" if path else name)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise WireError(path, f"field {name!r} is missing")
    return kind(**given)


def _expect(kind: Any, value: Any, path: str) -> Any:
    if type(value) is not kind:
        raise WireError(path, f"expected {getattr(kind, '__name__', kind)}, got {type(value).__name__}")
    return value
