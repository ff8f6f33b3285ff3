"""A snapshot: what a graph looked like, small and stable enough to be committed beside the code.

It holds each layer with what it takes, the op types that each layer made, and the findings; no op names, no paths of
the machine and no dates. The same model gives the same bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from graphdiag.diagnosis.finding import Verdict
from graphdiag.errors import SourceError
from graphdiag.modeldiff.json_text import one_item_a_line
from graphdiag.results.migration import current
from graphdiag.results.renderable import Renderable
from graphdiag.sources.files import LARGEST_SAVED, read_regular
from graphdiag.sources.opened import SourceLine

SCHEMA = "graphdiag.snapshot/2"
_FAMILY, _, _NEWEST = SCHEMA.partition("/")
_CODE = re.compile("[A-Z]+[0-9]+")
_HEAD = 200
"""Bytes at the start of a file in which its schema stands."""

Ops = Mapping[str, int]
"""Number of ops by type."""


@dataclass(frozen=True)
class LayerRecord:
    """One layer.

    Attributes:
        id: Unique in the snapshot: the names of the nested models around it and its own name, joined by ``/``.
        class_name: Keras class; empty where name scopes stand for layers.
        output_shape: As text, ``(None, 64)``; empty when the source does not record it.
        parameters: Number of weights; ``None`` when the source does not record it.
        calls: How often the layer is called.
        path: Names of the nested models that hold it, outermost first.
        sources: Ids of the layers whose outputs it takes, in the order in which it takes them.
        ops: What it made in the op graph.
    """

    id: str
    class_name: str = ""
    output_shape: str = ""
    parameters: int | None = None
    calls: int = 1
    path: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    ops: Ops = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The layer's own name, without the nested models around it."""
        return _own_name(self.id, self.path)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready data; what is not recorded or usual is left out."""
        return _without_defaults(
            id=self.id,
            **{"class": self.class_name},
            shape=self.output_shape,
            parameters=self.parameters,
            calls=self.calls,
            path=list(self.path),
            **{"from": list(self.sources)},
            ops=dict(sorted(self.ops.items())),
        )


@dataclass(frozen=True)
class NestedRecord:
    """A model used as a layer; the attributes are those of `LayerRecord`. Its layers are records of their own."""

    id: str
    class_name: str = ""
    calls: int = 1
    path: tuple[str, ...] = ()
    ops: Ops = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The model's own name."""
        return _own_name(self.id, self.path)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready data; what is usual is left out."""
        return _without_defaults(
            id=self.id,
            **{"class": self.class_name},
            calls=self.calls,
            path=list(self.path),
            ops=dict(sorted(self.ops.items())),
        )


@dataclass(frozen=True)
class FindingRecord:
    """One finding: its code and verdict, the layer edges that it explains, and the ops or layers that cause it.

    An op is called by the id of the layer that owns it and its name within that layer; a scope by its layer's id.
    """

    code: str
    verdict: str
    edges: tuple[tuple[str, str], ...] = ()
    culprits: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready data."""
        return {
            "code": self.code,
            "verdict": self.verdict,
            "edges": [list(edge) for edge in self.edges],
            "culprits": list(self.culprits),
        }


@dataclass(frozen=True)
class Snapshot(Renderable):
    """What a graph looked like.

    Attributes:
        model_name: Keras name of the model; empty without a layer graph.
        layers: Layer by id, in Keras's order; without a layer graph, the name scopes that stand for layers.
        nested: Nested model by id, outermost first.
        inputs: Ids of the model's inputs, in the order in which it takes them.
        outputs: Ids of the layers that give the model's outputs, in order.
        ops: Ops of no layer, by role (``training``, ``saving``; empty for none), then by type; ``None`` when the
            source has no op graph.
        findings: What was found, in a fixed order.
        by_scope: Whether name scopes stand for layers.
        version: The graphdiag that took the snapshot.
        locations: Where each layer is made, where the model was run; not saved, and no part of what is compared.
    """

    result_type: ClassVar[str] = "snapshot"

    model_name: str
    layers: Mapping[str, LayerRecord]
    nested: Mapping[str, NestedRecord] = field(default_factory=dict)
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    ops: Mapping[str, Ops] | None = None
    findings: tuple[FindingRecord, ...] = ()
    by_scope: bool = False
    version: str = ""
    locations: Mapping[str, SourceLine] = field(default_factory=dict, compare=False, repr=False)

    @property
    def edges(self) -> Iterator[tuple[str, str]]:
        """``(source id, target id)`` pairs, by target."""
        return ((source, layer.id) for layer in self.layers.values() for source in layer.sources)

    @property
    def total_ops(self) -> int:
        """Number of ops, those of no layer too."""
        of_layers = [layer.ops for layer in self.layers.values()] + [model.ops for model in self.nested.values()]
        return sum(sum(ops.values()) for ops in (*of_layers, *(self.ops or {}).values()))

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready data in the schema ``graphdiag.snapshot/2`` (see the README)."""
        no_layer = {role: dict(sorted(ops.items())) for role, ops in sorted((self.ops or {}).items())}
        return {
            "schema": SCHEMA,
            "graphdiag": self.version,
            "model": self.model_name,
            "by_scope": self.by_scope,
            "inputs": list(self.inputs),
            "outputs": list(self.outputs),
            "nested": [model.to_dict() for model in self.nested.values()],
            "layers": [layer.to_dict() for layer in self.layers.values()],
            "ops": None if self.ops is None else {"total": self.total_ops, "of_no_layer": no_layer},
            "findings": [finding.to_dict() for finding in self.findings],
        }

    def to_text(self) -> str:
        """The file: JSON with one layer a line, so that a line of ``git diff`` is a layer."""
        return one_item_a_line(self.to_dict(), ["nested", "layers", "findings"])


def _own_name(id_: str, path: tuple[str, ...]) -> str:
    around = "/".join((*path, ""))
    return id_.removeprefix(around)


def _without_defaults(**values: Any) -> dict[str, Any]:
    usual = {"calls": 1}
    return {key: value for key, value in values.items() if value not in ("", None, [], {}, usual.get(key, ""))}


# --- Reading ---------------------------------------------------------------------------------------------------------


def is_snapshot(path: str | Path) -> bool:
    """Whether a file begins as a snapshot does, whole or not."""
    return begins_as(path, _FAMILY)


def begins_as(path: str | Path, family: str) -> bool:
    """Whether a file begins as JSON with a schema of some family does: ``graphdiag.snapshot`` of any number."""
    where = Path(path)
    try:
        if not where.is_file():
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
    )
    if len(layers) != len(data["layers"]) or len(nested) != len(data["nested"]):
        raise _damaged("two layers have the same id")
    named = [*snapshot.inputs, *snapshot.outputs, *(source for source, _ in snapshot.edges)]
    unknown = next((id_ for id_ in named if id_ not in layers), None)
    if unknown is not None:
        raise _damaged(f"it names a layer {unknown!r}, which is none of its layers")
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

    def flag(self, key: str) -> bool:
        value = self._data.get(key)
        if not isinstance(value, bool):
            raise self._wrong(key)
        return value

    def texts(self, key: str, default: Iterable[str] | None = None) -> tuple[str, ...]:
        value = self._data.get(key, default)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self._wrong(key)
        return tuple(value)

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
    )


def _nested(entry: _Reader) -> NestedRecord:
    return NestedRecord(
        id=entry.text("id"),
        class_name=entry.text("class", ""),
        calls=_calls(entry),
        path=entry.texts("path", []),
        ops=entry.ops("ops"),
    )


def _calls(entry: _Reader) -> int:
    calls = entry.number("calls")
    return 1 if calls is None else calls


def _finding(entry: _Reader) -> FindingRecord:
    return FindingRecord(entry.code("code"), entry.verdict("verdict"), entry.pairs("edges"), entry.texts("culprits"))


def _ops_of_no_layer(entry: _Reader) -> Mapping[str, Ops]:
    return {role: ops.counts() for role, ops in entry.members("of_no_layer").items()}
