"""The boxes that stand side by side on one level of a picture, the arrows between them, and blocks made of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, eq=False)
class Block:
    """Boxes that are drawn as one until the reader opens it.

    Attributes:
        items: What is directly in it: numbers of boxes, and blocks.
        kind: Blocks of one kind are opened together or not at all.
        name: What the names of its boxes begin with; empty for a block that was found by its arrows.
    """

    items: tuple[int | Block, ...]
    kind: str
    name: str = ""

    @cached_property
    def boxes(self) -> tuple[int, ...]:
        """The boxes in it, at every depth."""
        return tuple(boxes_in(self.items))


def boxes_in(items: Iterable[int | Block]) -> Iterator[int]:
    """The boxes of some items, at every depth."""
    for item in items:
        if isinstance(item, Block):
            yield from item.boxes
        else:
            yield item


@dataclass(frozen=True)
class Links:
    """Arrows between things that are numbered from 0.

    Attributes:
        after: For each, those that it has an arrow to.
        before: For each, those that have an arrow to it.
    """

    after: Sequence[Mapping[int, None]]
    before: Sequence[Mapping[int, None]]

    @classmethod
    def of(cls, size: int, edges: Iterable[tuple[int, int]]) -> Links:
        """The links that some edges make; an edge from a thing to itself makes none."""
        after: list[dict[int, None]] = [{} for _ in range(size)]
        before: list[dict[int, None]] = [{} for _ in range(size)]
        for source, target in edges:
            if source != target:
                after[source][target] = None
                before[target][source] = None
        return cls(after, before)

    def contracted(self, groups: Sequence[Iterable[int]]) -> Links:
        """The links between groups of things; arrows of things that are in none are left out."""
        place = {thing: number for number, group in enumerate(groups) for thing in group}
        return Links.of(
            len(groups),
            (
                (number, place[target])
                for thing, number in place.items()
                for target in self.after[thing]
                if target in place
            ),
        )

    def cycles(self) -> Sequence[Sequence[int]]:
        """Things that reach each other, two or more together."""
        import networkx as nx

        graph = nx.DiGraph((source, target) for source, targets in enumerate(self.after) for target in targets)
        return [sorted(part) for part in nx.strongly_connected_components(graph) if len(part) > 1]

    def in_order(self) -> Sequence[int]:
        """An order in which arrows run forward and each thing stands right before the first that needs it.

        It is the order in which a depth-first search from the ends of the graph, against the arrows, is done with them;
        ends and sources are taken as they are numbered. On a cycle some arrow runs backward.
        """
        import networkx as nx

        backward = nx.DiGraph()
        things = range(len(self.after))
        backward.add_nodes_from(thing for thing in things if not self.after[thing])
        backward.add_nodes_from(things)
        backward.add_edges_from((thing, source) for thing in things for source in self.before[thing])
        return list(nx.dfs_postorder_nodes(backward))

    def stretches(self, order: Sequence[int], reach: int = 0) -> Iterator[tuple[Sequence[int], int | None]]:
        """What lies between things that all ways go through.

        Args:
            order: All things, in an order in which arrows run forward.
            reach: Ways from outside lead to things up to this place in the order.

        Yields:
            Things that some way passes by, and the thing after them that all ways go through; nothing before it where
            two such things follow each other, and no thing after the last ones. All things come in the given order.
        """
        position = {thing: number for number, thing in enumerate(order)}
        between: list[int] = []
        for number, thing in enumerate(order):
            if reach <= number:
                yield between, thing
                between = []
            else:
                between.append(thing)
            reach = max([reach, *(position[later] for later in self.after[thing])])
        if between:
            yield between, None
