"""A picture of layers, before it is put into any language: boxes, clusters, lines, and how each status looks.

`graphdiag.render.pictures.layers` describes a report so, `graphdiag diff` the difference of two models;
`graphdiag.render.pictures.dot` turns either into DOT.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum


class Stroke(str, Enum):
    """How a line, or the border of a box, is drawn; each can be told from the others without color."""

    SOLID = "solid"
    THIN = "thin"
    DASHED = "dashed"
    DOTTED = "dotted"
    HEAVY = "heavy"
    """A thick line; a double border, for a box."""


@dataclass(frozen=True)
class Mark:
    """How a status looks.

    Attributes:
        word: What the status is called in the legend, and its class in SVG, so it is one word.
        color: Of lines, borders and text about them: ``#rrggbb``, with a contrast of at least 4.5 to white.
        stroke: How lines and borders are drawn.
        arrowhead: Graphviz's name of it, as ``normal`` or ``onormal``; boxes take no notice.
        fill: Background of boxes; ``#rrggbb``.
    """

    word: str
    color: str
    stroke: Stroke = Stroke.SOLID
    arrowhead: str = "normal"
    fill: str = "#ffffff"


PLAIN = Mark("plain", "#1f2328")
"""A box of which there is nothing to say."""


@dataclass(frozen=True)
class Box:
    """One box.

    Attributes:
        key: Unique in the picture; lines end at it.
        rows: Texts, one below the other.
        mark: Its status.
        tooltip: What is shown when it is pointed at; empty for nothing.
    """

    key: str
    rows: tuple[str, ...]
    mark: Mark = PLAIN
    tooltip: str = ""


@dataclass(frozen=True)
class Cluster:
    """A frame with boxes and clusters in it: a nested model.

    Attributes:
        title: Text at its top.
        boxes: The boxes directly in it.
        clusters: The clusters directly in it.
        mark: Its status.
        tooltip: What is shown when it is pointed at; empty for nothing.
    """

    title: str
    boxes: tuple[Box, ...] = ()
    clusters: tuple[Cluster, ...] = ()
    mark: Mark = PLAIN
    tooltip: str = ""

    def all_clusters(self) -> Iterator[Cluster]:
        """The cluster itself and those in it, at any depth."""
        yield self
        for cluster in self.clusters:
            yield from cluster.all_clusters()


@dataclass(frozen=True)
class Arrow:
    """An arrow from one box to another.

    Attributes:
        source: Key of the box it leaves.
        target: Key of the box it enters.
        mark: Its status.
        label: Text at its side; empty for none.
        tooltip: What is shown when it is pointed at; empty for nothing.
        leads: Whether its target must stand after its source. A line that only tells of a difference should not move
            the boxes, or nobody would know the model again.
    """

    source: str
    target: str
    mark: Mark
    label: str = ""
    tooltip: str = ""
    leads: bool = True


@dataclass(frozen=True)
class Entry:
    """A row of the legend: a mark, and what it means here.

    Attributes:
        mark: The mark.
        text: As ``8 artifact: drawn, and no activation flows``.
        line: Whether it is a mark of lines; else of boxes.
    """

    mark: Mark
    text: str
    line: bool = True


@dataclass(frozen=True)
class Picture:
    """A whole picture.

    Attributes:
        title: The answer, shown above everything.
        boxes: The boxes that are in no cluster.
        clusters: The clusters that are in no other.
        lines: All lines, in any order.
        legend: What the marks mean; empty for no legend.
    """

    title: str
    boxes: tuple[Box, ...] = ()
    clusters: tuple[Cluster, ...] = ()
    lines: tuple[Arrow, ...] = ()
    legend: tuple[Entry, ...] = ()

    def all_boxes(self) -> Iterator[Box]:
        """All boxes, at any depth: the order in which they are numbered."""
        yield from self.boxes
        for cluster in self.all_clusters():
            yield from cluster.boxes

    def all_clusters(self) -> Iterator[Cluster]:
        """All clusters, at any depth: the order in which they are numbered."""
        for cluster in self.clusters:
            yield from cluster.all_clusters()


def framed(
    boxes: Mapping[str, Box],
    inside: Mapping[str, tuple[str, ...]],
    frame: Callable[[tuple[str, ...]], Cluster],
) -> tuple[tuple[Box, ...], tuple[Cluster, ...]]:
    """Put boxes into the frames of the nested models that hold them.

    Args:
        boxes: Box by key.
        inside: For each key, the names of the nested models around it, outermost first.
        frame: An empty frame for the nested model at a path.

    Returns:
        The boxes that stand in no nested model, and a cluster for each nested model at the top level.
    """
    directly: dict[tuple[str, ...], list[Box]] = defaultdict(list)
    models: dict[tuple[str, ...], dict[tuple[str, ...], None]] = defaultdict(dict)
    for key, box in boxes.items():
        path = inside[key]
        directly[path].append(box)
        for depth in range(len(path)):
            models[path[:depth]][path[: depth + 1]] = None

    def clusters(path: tuple[str, ...]) -> tuple[Cluster, ...]:
        return tuple(
            replace(frame(model), boxes=tuple(directly[model]), clusters=clusters(model)) for model in models[path]
        )

    return tuple(directly[()]), clusters(())
