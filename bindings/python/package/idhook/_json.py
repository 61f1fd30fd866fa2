"""JSON to the typed results and back. Names are camel case in JSON and snake case here."""

from __future__ import annotations

import dataclasses
import functools
import re
import types
import typing
from collections.abc import Mapping
from typing import Any, TypeVar

T = TypeVar("T")


def _camel(name: str) -> str:
    return re.sub(r"_+(.)", lambda found: found[1].upper(), name)


@functools.lru_cache(maxsize=None)
def _fields(kind: type[Any]) -> tuple[tuple[str, str, Any], ...]:
    """The fields of a dataclass: name here, name in JSON, type."""
    hints = typing.get_type_hints(kind)
    return tuple(
        (field.name, field.metadata.get("json", _camel(field.name)), hints[field.name])
        for field in dataclasses.fields(kind)
        if field.name != "extra"
    )


def read(kind: type[T], value: Any) -> T:
    """A JSON value as ``kind``. A server may send what no version of this package knows: what does not fit is passed on as it is."""
    return typing.cast(T, _read(kind, value))


def _read(kind: Any, value: Any) -> Any:
    origin = typing.get_origin(kind)
    if value is None:
        return None
    if origin in (typing.Union, types.UnionType):
        kinds = [one for one in typing.get_args(kind) if one is not type(None)]
        return _read(kinds[0], value) if len(kinds) == 1 else value
    if origin is list:
        (item,) = typing.get_args(kind)
        # SDDC Manager's `directoryList` may be a single object.
        return [_read(item, one) for one in (value if isinstance(value, list) else [value])]
    if origin is dict and isinstance(value, Mapping):
        return {name: _read(typing.get_args(kind)[1], one) for name, one in value.items()}
    if dataclasses.is_dataclass(kind) and isinstance(value, Mapping):
        rest = dict(value)
        given = {name: _read(hint, rest.pop(key, None)) for name, key, hint in _fields(typing.cast(Any, kind))}
        if any(field.name == "extra" for field in dataclasses.fields(kind)):
            given["extra"] = rest
        return typing.cast(Any, kind)(**given)
    return value


def write(value: Any) -> Any:
    """A dataclass, or what holds some, as JSON. ``None`` is left out."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {key: write(getattr(value, name)) for name, key, _ in _fields(type(value))}
        given = {key: one for key, one in fields.items() if one is not None}
        return {**getattr(value, "extra", {}), **given}
    if isinstance(value, Mapping):
        return {name: write(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [write(one) for one in value]
    return value
