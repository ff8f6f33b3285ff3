"""What every kind of source gives: the graphs found in it, and where they were found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from graphdiag.graphs.layer_calls import NO_RECORD, CallRecord

if TYPE_CHECKING:
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    from graphdiag.graphs.layer_graph import LayerGraph

SourceLine = tuple[str, int]
"""A line of a file: the path as the user gave it, and the number, counted from 1."""


@dataclass(frozen=True)
class Origin:
    """Where the graphs came from.

    Attributes:
        path: As the user gave it, an address without a password; for a model handed over in Python, its name.
        kind: ``event_log``, ``graph_def``, ``saved_model``, ``keras_file``, ``keras_json``, ``script``, ``model``,
            ``tensorboard`` (a running one), or the name of a kind that another package adds.
        run: Run of a TensorBoard log, ``.`` for the top directory; empty elsewhere.
        tag: Tag of the op graph in a TensorBoard log; empty for the run's own graph and elsewhere.
        stack: Who made the op graph, as ``tf_keras 2.21.0, TensorFlow 2.21.0`` or ``TensorFlow 1.10 (producer 26)``;
            as exact as the source allows.
    """

    path: str
    kind: str
    run: str = ""
    tag: str = ""
    stack: str = ""


@dataclass(frozen=True)
class NameScope:
    """A name scope that the user's code opens around layers, or a class of layers that should have been one.

    Attributes:
        name: As the code has it.
        line: The line of the ``with``, or of the class.
        layers: Ids of the layers that are made inside.
        overrides_call: Whether it is a class that overrides ``__call__``, by which Keras calls a layer.
    """

    name: str
    line: int
    layers: Sequence[str]
    overrides_call: bool = False


@dataclass(frozen=True)
class Opened:
    """The graphs of one source.

    Attributes:
        origin: Where they came from.
        graph_defs: The op graph; several when one trace holds several function graphs; empty when there is none.
        has_op_graph: Whether the source holds an op graph at all (it may hold one of zero ops).
        layer_graph: The layer graph, when the source has one.
        keras_json: The parsed JSON of the Keras model, when the source has one: what TensorBoard's conceptual graph
            is made of.
        conceptual: TensorBoard's conceptual graph, from a running TensorBoard, which does not give the JSON.
        owners: Layer id by op name, as recorded while a live model was traced; empty for files, where names decide.
        trackers: Ids of the layers that track each variable, by the name of the op that makes it or stands for it, as
            known from a live model; none for a variable of a layer that the model does not have.
        calls: What each call of a layer was given and returned, as recorded with the owners.
        belongs_to: What any other variable belongs to, by the same name: ``model``, ``metric``, ``optimizer``,
            ``random generator`` or ``nobody``; as known from a live model.
        variables: What each variable is called within its layer, as ``kernel``, by the same name.
        python_code: Of each Python function that a live graph calls, by its token, whether it may find anything outside
            of its arguments, whether it may keep anything there, and the variables that it may use, by the names of
            the ops that make them or stand for them.
        read_by_python: Of each Python function that a live graph calls, by its token, the layers' variables that it is
            seen to read, by their own names, with the ids of the layers that track them.
        same_layer: For a live layer that several nested models have, one of its ids by each of them.
        notes: Sentences for the user about what was chosen or passed over.
        model_notes: The same about the Keras model, which are of no use where another is given.
        locations: Where each layer is made, by its id: a line of the user's Python files; empty for other sources.
        name_scopes: The name scopes that the user's file opens around layers, where it was run.
        callback_writes_op_graph: For a live model, whether the TensorBoard callback of its stack writes an op graph;
            ``None`` for files, and where it is not known.
    """

    origin: Origin
    graph_defs: Sequence[GraphDef] = ()
    has_op_graph: bool = False
    layer_graph: LayerGraph | None = None
    keras_json: Mapping[str, Any] | None = None
    conceptual: GraphDef | None = None
    owners: Mapping[str, str] = field(default_factory=dict)
    trackers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    calls: CallRecord = NO_RECORD
    belongs_to: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    python_code: Mapping[str, tuple[bool, bool, Sequence[str]]] = field(default_factory=dict)
    read_by_python: Mapping[str, Sequence[tuple[str, Sequence[str]]]] = field(default_factory=dict)
    same_layer: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    model_notes: tuple[str, ...] = ()
    locations: Mapping[str, SourceLine] = field(default_factory=dict)
    name_scopes: Sequence[NameScope] = ()
    callback_writes_op_graph: bool | None = None

    @property
    def is_live(self) -> bool:
        """Whether it is a live model or function, so that nobody has a picture of it yet."""
        return self.origin.kind in ("script", "model")

    @property
    def is_own_trace(self) -> bool:
        """Whether graphdiag traced the op graph itself, of a saved model too, and did not read it from a file."""
        return bool(self.owners) or self.is_live

    def notes_for(self, *, model_given: bool) -> tuple[str, ...]:
        """The sentences that concern the user.

        Args:
            model_given: Whether the layer graph comes from elsewhere.
        """
        return self.notes if model_given else (*self.notes, *self.model_notes)
