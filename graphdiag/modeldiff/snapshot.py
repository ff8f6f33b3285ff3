"""A snapshot: what a graph looked like, small and stable enough to be committed beside the code.

It holds each layer with its settings and the tensors that it takes, the op types that each layer made, and the
findings; no op names, no paths of the machine and no dates. The same model gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from graphdiag.modeldiff.json_text import one_item_a_line
from graphdiag.results.renderable import Renderable
from graphdiag.sources.opened import SourceLine

SCHEMA = "graphdiag.snapshot/2"

Ops = Mapping[str, int]
"""Number of ops by type."""


@dataclass(frozen=True, slots=True)
class TakenTensor:
    """One tensor that a call takes, or that the model gives.

    Attributes:
        source: Id of the layer that gives it.
        output: Which of the layer's outputs.
        call: Which of the layer's calls gives it.
        argument: As what it is taken, as ``mask`` or ``value``; empty for one of the tensors of the first argument,
            whose order says the rest.
        at: Which call of the layer that takes it.
    """

    source: str
    output: int = 0
    call: int = 0
    argument: str = ""
    at: int = 0

    def to_json(self) -> Any:
        """The id alone, where nothing else is to be said."""
        data = {
            "layer": self.source,
            "output": self.output,
            "call": self.call,
            "argument": self.argument,
            "at": self.at,
        }
        said = {key: value for key, value in data.items() if value not in (0, "") or key == "layer"}
        return said if len(said) > 1 else self.source


def sources_of(tensors: Iterable[TakenTensor]) -> tuple[str, ...]:
    """The layers that give some tensors, each once, in the order in which they first appear."""
    return tuple(dict.fromkeys(tensor.source for tensor in tensors))


def usual(sources: Iterable[str]) -> tuple[TakenTensor, ...]:
    """The first output of each of some layers, once, in order."""
    return tuple(map(TakenTensor, sources))


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
        sources: Ids of the layers whose outputs it takes, each once, in the order in which it takes them.
        ops: What it made in the op graph.
        takes: The tensors that it takes, by call, in order; empty where that is the first output of each source.
        settings: Its configuration without names and defaults; ``None`` when the source does not record it. ``code`` is
            a hash of the user's own code, ``None`` where that is not recorded.
    """

    id: str
    class_name: str = ""
    output_shape: str = ""
    parameters: int | None = None
    calls: int = 1
    path: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    ops: Ops = field(default_factory=dict)
    takes: tuple[TakenTensor, ...] = ()
    settings: Mapping[str, Any] | None = field(default=None, hash=False)

    @property
    def name(self) -> str:
        """The layer's own name, without the nested models around it."""
        return _own_name(self.id, self.path)

    @property
    def tensors(self) -> tuple[TakenTensor, ...]:
        """The tensors that it takes, by call, in order."""
        return self.takes or usual(self.sources)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready data; what is not recorded or usual is left out."""
        data = _without_defaults(
            id=self.id,
            **{"class": self.class_name},
            shape=self.output_shape,
            parameters=self.parameters,
            calls=self.calls,
            path=list(self.path),
            **{"from": list(self.sources)},
            takes=[tensor.to_json() for tensor in self.takes],
        )
        if self.settings is not None:
            data["settings"] = dict(sorted(self.settings.items()))
        return data | _without_defaults(ops=dict(sorted(self.ops.items())))


@dataclass(frozen=True)
class NestedRecord:
    """A model used as a layer; the attributes are those of `LayerRecord`. Its layers are records of their own.

    Its settings are what its calls are given besides tensors.
    """

    id: str
    class_name: str = ""
    calls: int = 1
    path: tuple[str, ...] = ()
    ops: Ops = field(default_factory=dict)
    settings: Mapping[str, Any] | None = field(default=None, hash=False)

    @property
    def name(self) -> str:
        """The model's own name."""
        return _own_name(self.id, self.path)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready data; what is usual is left out."""
        data = _without_defaults(
            id=self.id,
            **{"class": self.class_name},
            calls=self.calls,
            path=list(self.path),
            ops=dict(sorted(self.ops.items())),
        )
        return data if self.settings is None else {**data, "settings": dict(self.settings)}


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
        stack: Which Keras and which TensorFlow made the model, as far as the source says.
        tensors: Whether the tensors that layers take are recorded, and not only from which layers they come.
        gives: The tensors that the model gives, in order; empty where that is the first output of each of the outputs.
        input_keys: The keys under which the model takes its inputs, ``None`` when the source does not record it.
        output_keys: The same of its outputs.
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
    stack: str = ""
    tensors: bool = True
    gives: tuple[TakenTensor, ...] = ()
    input_keys: tuple[str, ...] | None = None
    output_keys: tuple[str, ...] | None = None

    @property
    def edges(self) -> Iterator[tuple[str, str]]:
        """``(source id, target id)`` pairs, by target."""
        return ((source, layer.id) for layer in self.layers.values() for source in layer.sources)

    @property
    def output_tensors(self) -> tuple[TakenTensor, ...]:
        """The tensors that the model gives, in order."""
        return self.gives or usual(self.outputs)

    @property
    def parameters(self) -> int | None:
        """Number of weights of all layers; ``None`` where that of any is not recorded."""
        numbers = [layer.parameters for layer in self.layers.values()]
        return None if None in numbers else sum(number for number in numbers if number is not None)

    @property
    def total_ops(self) -> int:
        """Number of ops, those of no layer too."""
        of_layers = [layer.ops for layer in self.layers.values()] + [model.ops for model in self.nested.values()]
        return sum(sum(ops.values()) for ops in (*of_layers, *(self.ops or {}).values()))

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready data in the schema ``graphdiag.snapshot/2`` (see the README)."""
        no_layer = {role: dict(sorted(ops.items())) for role, ops in sorted((self.ops or {}).items())}
        keys = {"input_keys": self.input_keys, "output_keys": self.output_keys}
        return {
            "schema": SCHEMA,
            "graphdiag": self.version,
            "stack": self.stack,
            "model": self.model_name,
            "by_scope": self.by_scope,
            "inputs": list(self.inputs),
            "outputs": list(self.outputs),
            "gives": [tensor.to_json() for tensor in self.gives],
            **{name: list(found) for name, found in keys.items() if found is not None},
            "tensors": self.tensors,
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
