"""What is to be read: where the graphs of a run lie in its event files, and what holds their layer graph."""

from __future__ import annotations

from dataclasses import dataclass

OWN_GRAPH = "graph"
META_GRAPH = "meta_graph"
TRACE = "trace"
KERAS = "keras"


@dataclass(frozen=True)
class Place:
    """A record that holds a graph or a Keras model.

    Attributes:
        kind: ``graph``, ``meta_graph``, ``trace`` or ``keras``.
        tag: Empty for a graph and a meta graph.
        file: The event file.
        position: The byte at which the record begins.
        digest: SHA-256 of what it holds, in hexadecimal digits.
        size: Bytes of what it holds.
        times: How many times such a thing was written; this is the newest.
    """

    kind: str
    tag: str
    file: str
    position: int
    digest: str
    size: int
    times: int


@dataclass(frozen=True)
class RunPlaces:
    """What a run holds.

    Attributes:
        log: What reports call the log.
        run: The run's name.
        places: Of its graphs and Keras models.
        notes: Sentences for the user, on its files.
        started: When it was begun, in seconds since 1970; 0 if that is not known.
        complete: Whether its files were read to their ends.
    """

    log: str
    run: str
    places: tuple[Place, ...]
    notes: tuple[str, ...] = ()
    started: float = 0.0
    complete: bool = True

    @property
    def tags(self) -> tuple[str, ...]:
        """Tags of the op graphs, the run's own graph first; those of TensorBoard's Graphs page."""
        kinds = {place.kind for place in self.places}
        own = ("",) if kinds & {OWN_GRAPH, META_GRAPH} else ()
        return own + tuple(place.tag for place in self.places if place.kind == TRACE)

    @property
    def keras_tags(self) -> tuple[str, ...]:
        """Tags of the Keras models."""
        return tuple(place.tag for place in self.places if place.kind == KERAS)


@dataclass(frozen=True)
class Model:
    """What holds the layer graph of a run that has none, or another one.

    Attributes:
        label: What reports call it.
        file: The file, if it is one.
        run: The run that holds the Keras model, if it is one; its only place is that model.
        found: Whether it was found beside the log, and not chosen: if it does not fit, there is none.
    """

    label: str
    file: str = ""
    run: RunPlaces | None = None
    found: bool = False


@dataclass(frozen=True)
class Graph:
    """A graph of a run.

    Attributes:
        places: What the run holds.
        tag: The tag of the op graph; ``None`` for the first that has ops, or for the Keras model alone.
        model: The layer graph, if it is not that of the run.
    """

    places: RunPlaces
    tag: str | None = None
    model: Model | None = None
