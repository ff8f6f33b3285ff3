"""Blocks by what the arrows say, where a level has too many boxes.

The steps are those of the page (``render/html/static/folding.mjs``), each taken only while there are still too many:
chains, in which each box has one arrow in and one out; what lies between two boxes that all ways go through, with the
latter of them and what follows it one by one; boxes with the same neighbors; and at last stretches of an order in which
arrows run forward. In each of these steps no way leaves a block and comes back, so that no loop is drawn that is not
there.

A block of many boxes is folded inside in the same way. Where the level then has room, blocks are opened again: the
largest first, and blocks of one kind together.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from math import ceil, sqrt
from typing import TypeGuard

from graphdiag.repairing.level_graph import Block, Links, boxes_in
from graphdiag.repairing.name_prefixes import FEWEST

_SMALL = 4
"""A chain of so few boxes is shown as it is, where there is room."""


class Folder:
    """Folds the levels of a picture.

    Attributes:
        links: The arrows between all boxes.
        limit: Boxes that a block may hold as they are.
        target: Boxes that are wanted at most where there are more.
    """

    def __init__(self, links: Links, limit: int, target: int) -> None:
        self.links = links
        self.limit = limit
        self.target = target
        self._position = {box: number for number, box in enumerate(links.in_order())}

    def fold(self, items: Sequence[int | Block]) -> list[int | Block]:
        """Fold one level that has too many boxes, and all blocks in it.

        Args:
            items: The boxes and blocks of the level.

        Returns:
            The items of the level in an order in which arrows run forward.
        """
        whole = len(list(boxes_in(items)))
        while any(_is_nearly_all(item, whole) for item in items):
            items = [inner for item in items for inner in (item.items if _is_nearly_all(item, whole) else [item])]
        folded = self._step(self._chains, items)
        for step in (self._stretches, self._twins, self._parts):
            if len(folded) > self.target:
                folded = self._step(step, folded)
        return [self._flat(item) for item in self._opened([self._inside(item) for item in folded])]

    def _step(
        self, step: Callable[[Sequence[int | Block]], list[int | Block]], items: Sequence[int | Block]
    ) -> list[int | Block]:
        """What a step makes of some items in order; the same items where it would leave one box to look at."""
        order = self.links.contracted([_boxes(item) for item in items]).in_order()
        found = step([items[number] for number in order])
        return found if len(found) > 1 else list(items)

    def _inside(self, item: int | Block) -> int | Block:
        """The same block, with what is in it folded where that is much."""
        if not isinstance(item, Block):
            return item
        if len(item.items) > self.limit:
            return replace(item, items=tuple(self.fold(item.items)))
        return replace(item, items=tuple(self._inside(inner) for inner in item.items))

    def _flat(self, item: int | Block) -> int | Block:
        """The same block, without blocks in it where it holds few boxes."""
        if not isinstance(item, Block):
            return item
        if len(item.boxes) <= self.target:
            boxes = sorted(item.boxes, key=self._position.__getitem__)
            return replace(item, items=tuple(boxes))
        return replace(item, items=tuple(self._flat(inner) for inner in item.items))

    def _chains(self, items: Sequence[int | Block]) -> list[int | Block]:
        links = self.links.contracted([_boxes(item) for item in items])
        whole = len(list(boxes_in(items)))
        follower = {}
        for number, after in enumerate(links.after):
            ends = [number, *after]
            if len(ends) == 2 and len(links.before[ends[1]]) == 1 and not any(_named(items[end]) for end in ends):
                follower[ends[0]] = ends[1]
        found: list[int | Block] = []
        taken: set[int] = set()
        begun = set(range(len(items))).difference(follower.values())
        # A ring has no beginning.
        for start in (*sorted(begun), *range(len(items))):
            run = []
            at: int | None = start
            while at is not None and at not in taken:
                taken.add(at)
                run.append(items[at])
                at = follower.get(at)
            found += self._blocks(run, "chain", FEWEST, whole)
        return found

    def _twins(self, items: Sequence[int | Block]) -> list[int | Block]:
        links = self.links.contracted([_boxes(item) for item in items])
        whole = len(list(boxes_in(items)))
        alike = defaultdict(list)
        for number, item in enumerate(items):
            neighbors = frozenset(links.before[number]), frozenset(links.after[number])
            alike[number if _named(item) else neighbors].append(item)
        return [block for group in alike.values() for block in self._blocks(group, "twins", FEWEST + 1, whole)]

    def _blocks(self, items: Sequence[int | Block], kind: str, fewest: int, whole: int) -> Sequence[int | Block]:
        """One block; several where it would hold nearly all there is; the items themselves where they are few."""
        if len(items) < fewest:
            return items
        if len(items) > self.target // 2 and 2 * len(list(boxes_in(items))) > whole:
            return _cut(items, self._crossings(items), self._count(len(items)), kind)
        return [Block(tuple(items), kind)]

    def _stretches(self, items: Sequence[int | Block]) -> list[int | Block]:
        links = self.links.contracted([_boxes(item) for item in items])
        found: list[int | Block] = []
        block: list[int | Block] = []

        def close() -> None:
            many = len(block) > 1 and len(list(boxes_in(block))) >= FEWEST
            found.extend([Block(tuple(block), "stretch")] if many else block)
            block.clear()

        for between, end in links.stretches(range(len(items)), self._together_with_first(items, links)):
            if between:
                close()
            block += [items[number] for number in between]
            if end is not None and block and not _named(items[end]):
                block.append(items[end])
            elif end is not None:
                close()
                found.append(items[end])
        close()
        whole = len(list(boxes_in(items)))
        # A block within a block within a block, each with little beside it, is not easier to read than one list.
        return list(items) if any(_is_nearly_all(item, whole) for item in found) else found

    def _together_with_first(self, items: Sequence[int | Block], links: Links) -> int:
        """The last item that begins beside the first one: something outside feeds both."""
        inside = set(boxes_in(items))
        starts = [number for number, before in enumerate(links.before) if not before]
        feeding = [
            {source for box in _boxes(items[number]) for source in self.links.before[box]} - inside for number in starts
        ]
        return max((start for start, sources in zip(starts, feeding, strict=True) if sources & feeding[0]), default=0)

    def _parts(self, items: Sequence[int | Block]) -> list[int | Block]:
        return _cut(items, self._crossings(items), self._count(len(items)), "part")

    def _count(self, size: int) -> int:
        """How many parts of about the same size are easy to look through."""
        return max(2, min(2 * self.target // 3, ceil(sqrt(size))))

    def _crossings(self, items: Sequence[int | Block]) -> list[int]:
        """For each place before an item, how many arrows run across it."""
        links = self.links.contracted([_boxes(item) for item in items])
        begun = [0] * (len(items) + 1)
        for source, targets in enumerate(links.after):
            for target in targets:
                begun[min(source, target) + 1] += 1
                begun[max(source, target) + 1] -= 1
        crossing = [0]
        for number in begun[1:]:
            crossing.append(crossing[-1] + number)
        return crossing

    def _opened(self, items: list[int | Block]) -> list[int | Block]:
        """Open blocks as long as there is room."""
        while True:
            kinds: dict[str, list[Block]] = defaultdict(list)
            for item in items:
                if isinstance(item, Block) and _is_of_blocks(item) and (item.name or self._is_large(item)):
                    kinds[item.kind].append(item)
            large = [blocks for blocks in kinds.values() if any(map(self._is_large, blocks))]
            for blocks in sorted(large, key=lambda blocks: -max(len(block.boxes) for block in blocks)):
                if opened := self._open(items, blocks):
                    items = opened
                    break
            else:
                break
        small = [item for item in items if isinstance(item, Block) and item.kind == "chain"]
        small = [block for block in small if len(block.boxes) <= _SMALL]
        return self._open(items, small) or items

    def _is_large(self, block: Block) -> bool:
        return len(block.boxes) > self.target

    def _open(self, items: Sequence[int | Block], blocks: Sequence[Block]) -> list[int | Block]:
        """The items with some blocks opened; none where there is not enough room."""
        opened: list[int | Block] = []
        for item in items:
            opened.extend(item.items if isinstance(item, Block) and item in blocks else [item])
        return opened if len(opened) <= self.target else []


def _boxes(item: int | Block) -> Sequence[int]:
    return item.boxes if isinstance(item, Block) else (item,)


def _named(item: int | Block) -> bool:
    return isinstance(item, Block) and bool(item.name)


def _is_nearly_all(item: int | Block, whole: int) -> TypeGuard[Block]:
    """Whether a block holds so much of a level that drawing it as one box leaves little to look at."""
    return isinstance(item, Block) and 4 * len(item.boxes) > 3 * whole


def _is_of_blocks(block: Block) -> bool:
    """Whether blocks make up most of a block, so that opening it shows these and not a long list."""
    return 2 * sum(len(item.boxes) for item in block.items if isinstance(item, Block)) > len(block.boxes)


def _cut(items: Sequence[int | Block], crossings: Sequence[int], count: int, kind: str) -> list[int | Block]:
    """Parts of about the same size, cut where the fewest arrows run across."""
    size = len(items) / count
    cuts = [0]
    for number in range(1, count):
        middle = number * size
        near = range(ceil(middle - size / 3), int(middle + size / 3) + 1)
        cuts.append(min(near, key=lambda place: (crossings[place], abs(place - middle)), default=round(middle)))
    cuts.append(len(items))
    return [
        Block(tuple(items[start:end]), kind) if end - start > 1 else items[start]
        for start, end in pairwise(cuts)
        if end > start
    ]
