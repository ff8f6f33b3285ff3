"""Read a snapshot from a file, and refuse what is damaged or newer with a sentence that says where."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from graphdiag.diagnosis.finding import Verdict
from graphdiag.errors import SourceError
from graphdiag.modeldiff.snapshot import (
    SCHEMA,
    FindingRecord,
    LayerRecord,
    NestedRecord,
    Ops,
    Snapshot,
    TakenTensor,
    sources_of,
)
from graphdiag.results.migration import current
from graphdiag.source_names import scheme_of
from graphdiag.sources.files import LARGEST_SAVED, read_regular
from graphdiag.sources.keras_settings import is_deep

_FAMILY, _, _NEWEST = SCHEMA.partition("/")
_CODE = re.compile("[A-Z]+[0-9]+")
_HEAD = 200
"""Bytes at the start of a file in which its schema stands."""


def is_snapshot(path: str | Path) -> bool:
    """Whether a file begins as a snapshot does, whole or not."""
    return begins_as(path, _FAMILY)


def begins_as(path: str | Path, family: str) -> bool:
    """Whether a file begins as JSON with a schema of some family does: ``graphdiag.snapshot`` of any number."""
    where = Path(path)
    try:
        if scheme_of(path) or not where.is_file():
            return False
        with where.open("rb") as file:
            start = file.read(_HEAD)
    except (OSError, ValueError):
        return False
    return start.lstrip().startswith(b"{") and f'"{family}/'.encode() in start


def read(path: str | Path) -> Snapshot:
    """Read a snapshot.

    Args:
        path: A file that ``graphdiag snapshot`` wrote.

    Returns:
        The snapshot; every id that it names is one of its layers.

    Raises:
        SourceError: The file cannot be read, is not a snapshot, one of a newer graphdiag, or damaged.
    """
    try:
        text = read_regular(Path(path), LARGEST_SAVED).decode("utf-8")
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise SourceError(f"{path} is not a snapshot: it is not text; make one with graphdiag snapshot.") from error
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f", line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise SourceError(f"{path}{where}: this is not complete JSON; take the snapshot again.") from error
    try:
        return from_dict(data)
    except SourceError as error:
        raise SourceError(f"{path}: {error}") from error


def from_dict(data: Any) -> Snapshot:
    """Turn the data of `Snapshot.to_dict` into a snapshot.

    Args:
        data: Parsed JSON.

    Returns:
        The snapshot.

    Raises:
        SourceError: The data is not a snapshot, one of a newer schema, or contradicts itself.
    """
    data = current(data)
    _check_schema(data)
    top = _Reader(data, "the snapshot")
    layers = {layer.id: layer for layer in map(_layer, top.entries("layers"))}
    nested = {model.id: model for model in map(_nested, top.entries("nested"))}
    ops = data.get("ops")
    snapshot = Snapshot(
        model_name=top.text("model"),
        layers=layers,
        nested=nested,
        inputs=top.texts("inputs"),
        outputs=top.texts("outputs"),
        ops=None if ops is None else _ops_of_no_layer(_Reader(ops, "ops")),
        findings=tuple(map(_finding, top.entries("findings"))),
        by_scope=top.flag("by_scope"),
        version=top.text("graphdiag"),
        stack=top.text("stack", ""),
        # Earlier files say only from which layers a layer takes.
        tensors=top.flag("tensors", False),
        gives=top.tensors("gives"),
        input_keys=top.texts("input_keys") if "input_keys" in data else None,
        output_keys=top.texts("output_keys") if "output_keys" in data else None,
    )
    if len(layers) != len(data["layers"]) or len(nested) != len(data["nested"]):
        raise _damaged("two layers have the same id")
    named = [*snapshot.inputs, *snapshot.outputs, *(source for source, _ in snapshot.edges)]
    unknown = next((id_ for id_ in named if id_ not in layers), None)
    if unknown is not None:
        raise _damaged(f"it names a layer {unknown!r}, which is none of its layers")
    for layer in layers.values():
        if layer.takes and sources_of(layer.takes) != layer.sources:
            raise _damaged(f"the tensors that {layer.id!r} takes come from other layers than it says")
    if snapshot.gives and sources_of(snapshot.gives) != snapshot.outputs:
        raise _damaged("the tensors that the model gives come from other layers than it says")
    if ops is not None and ops.get("total") != snapshot.total_ops:
        raise _damaged(f"its ops are {snapshot.total_ops} and not {ops.get('total')!r}")
    return snapshot


def _check_schema(data: Any) -> None:
    schema = data.get("schema") if isinstance(data, Mapping) else None
    if schema == SCHEMA:
        return
    family, _, number = schema.partition("/") if isinstance(schema, str) else ("", "", "")
    if family != _FAMILY:
        raise SourceError("this is not a snapshot of graphdiag; make one with graphdiag snapshot SOURCE -o FILE.")
    if number.isdecimal() and int(number[:9]) > int(_NEWEST):
        raise SourceError(
            f"this is a snapshot of schema {schema}, and this graphdiag knows {SCHEMA}; upgrade graphdiag."
        )
    raise _damaged(f"its schema is {schema!r}")


def _damaged(what: str) -> SourceError:
    return SourceError(f"the snapshot is damaged: {what}; take it again with graphdiag snapshot.")


class _Reader:
    """Typed access to one JSON object; what has the wrong type ends in a message that says where."""

    def __init__(self, data: Any, where: str) -> None:
        if not isinstance(data, dict):
            raise _damaged(f"{where} is not an object")
        self._data, self._where = data, where

    def text(self, key: str, default: str | None = None) -> str:
        value = self._data.get(key, default)
        if not isinstance(value, str):
            raise self._wrong(key)
        return value

    def code(self, key: str) -> str:
        value = self.text(key)
        if not _CODE.fullmatch(value):
            raise self._wrong(key)
        return value

    def verdict(self, key: str) -> str:
        value = self.text(key)
        if value not in {verdict.value for verdict in Verdict}:
            raise self._wrong(key)
        return value

    def number(self, key: str) -> int | None:
        value = self._data.get(key)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
            raise self._wrong(key)
        return value

    def flag(self, key: str, default: bool | None = None) -> bool:
        value = self._data.get(key, default)
        if not isinstance(value, bool):
            raise self._wrong(key)
        return value

    def texts(self, key: str, default: Iterable[str] | None = None) -> tuple[str, ...]:
        value = self._data.get(key, default)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._wrong(key)
        return tuple(value)

    def tensors(self, key: str) -> tuple[TakenTensor, ...]:
        value = self._data.get(key, [])
        if not isinstance(value, list):
            raise self._wrong(key)
        return tuple(_tensor(item, f"{self._where}.{key}[{number}]") for number, item in enumerate(value))

    def settings(self, key: str) -> Mapping[str, Any] | None:
        value = self._data.get(key)
        if value is not None and (not isinstance(value, dict) or is_deep(value)):
            raise self._wrong(key)
        return value

    def entries(self, key: str) -> Iterator[_Reader]:
        value = self._data.get(key)
        if not isinstance(value, list):
            raise self._wrong(key)
        return (_Reader(item, f"{key}[{number}]") for number, item in enumerate(value))

    def ops(self, key: str) -> Ops:
        return _Reader(self._data.get(key, {}), f"{self._where}.{key}").counts()

    def counts(self) -> Ops:
        return {key: self.number(key) or 0 for key in self._data}

    def members(self, key: str) -> Mapping[str, _Reader]:
        value = self._data.get(key)
        if not isinstance(value, dict):
            raise self._wrong(key)
        return {name: _Reader(item, f"{self._where}.{key}") for name, item in value.items()}

    def pairs(self, key: str) -> tuple[tuple[str, str], ...]:
        value = self._data.get(key)
        if not isinstance(value, list):
            raise self._wrong(key)
        pairs = []
        for item in value:
            if not isinstance(item, list) or len(item) != 2 or not all(isinstance(end, str) for end in item):
                raise self._wrong(key)
            pairs.append((item[0], item[1]))
        return tuple(pairs)

    def _wrong(self, key: str) -> SourceError:
        return _damaged(f"{self._where} has no usable {key!r}")


def _layer(entry: _Reader) -> LayerRecord:
    return LayerRecord(
        id=entry.text("id"),
        class_name=entry.text("class", ""),
        output_shape=entry.text("shape", ""),
        parameters=entry.number("parameters"),
        calls=_calls(entry),
        path=entry.texts("path", []),
        sources=entry.texts("from", []),
        ops=entry.ops("ops"),
        takes=entry.tensors("takes"),
        settings=entry.settings("settings"),
    )


def _tensor(item: Any, where: str) -> TakenTensor:
    if isinstance(item, str):
        return TakenTensor(item)
    entry = _Reader(item, where)
    return TakenTensor(
        entry.text("layer"),
        entry.number("output") or 0,
        entry.number("call") or 0,
        entry.text("argument", ""),
        entry.number("at") or 0,
    )


def _nested(entry: _Reader) -> NestedRecord:
    return NestedRecord(
        id=entry.text("id"),
        class_name=entry.text("class", ""),
        calls=_calls(entry),
        path=entry.texts("path", []),
        ops=entry.ops("ops"),
        settings=entry.settings("settings"),
    )


def _calls(entry: _Reader) -> int:
    calls = entry.number("calls")
    return 1 if calls is None else calls


def _finding(entry: _Reader) -> FindingRecord:
    return FindingRecord(entry.code("code"), entry.verdict("verdict"), entry.pairs("edges"), entry.texts("culprits"))


def _ops_of_no_layer(entry: _Reader) -> Mapping[str, Ops]:
    return {role: ops.counts() for role, ops in entry.members("of_no_layer").items()}
