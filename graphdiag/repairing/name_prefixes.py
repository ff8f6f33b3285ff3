"""Blocks by what the names of boxes begin with: ``conv2_block1_1_conv`` is in ``conv2_block1``, and that in ``conv2``.

Names that Keras made up say nothing and make no block. What bears such a name belongs to a block all the same where it
lies between boxes of the block. A block is kept only if its boxes are connected, and if no way leaves it and comes
back, so that drawing it as one box makes no loop; otherwise the blocks in it are tried.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import takewhile

from graphdiag.repairing.level_graph import Block, Links, boxes_in

FEWEST = 3
"""Boxes that a block must have."""

_WORD = re.compile(r"[\W_]*(?:\d+|[^\W\d_]+)")
_MOST_WORDS = 12


@dataclass(frozen=True)
class NamedBox:
    """What is to be known of a box.

    Attributes:
        name: Its name.
        chosen: Whether the user chose it.
        follows: Whether it belongs to what it follows, as an activation does.
    """

    name: str
    chosen: bool
    follows: bool


def words(name: str) -> Sequence[str]:
    """The words of a name, each with the signs before it: ``conv``, ``2``, ``_block``, ``1``."""
    return _WORD.findall(name)


def beginning(names: Iterable[Sequence[str]]) -> str:
    """What names, given as their words, all begin with."""
    shared = takewhile(lambda same: len(set(same)) == 1, zip(*names, strict=False))
    return "".join(word for word, *_ in shared)


def prefix_blocks(boxes: Sequence[NamedBox], links: Links) -> list[int | Block]:
    """Group boxes by their names.

    Args:
        boxes: The boxes.
        links: The arrows between them.

    Returns:
        Boxes of no block, and blocks, by the first box of each in an order in which arrows run forward.
    """
    top = _Group("")
    _gather(_word_tree(boxes), top)
    names = {number: words(box.name) for number, box in enumerate(boxes) if box.chosen}
    order = links.in_order()
    _take_in(boxes, links, order, top)
    position = {box: number for number, box in enumerate(order)}
    items = _kept(top.groups, range(len(boxes)), links, position, names)
    while len(items) == 1 and isinstance(items[0], Block):
        items = list(items[0].items)
    return items


@dataclass
class _Words:
    """Names that begin alike: the next word leads on."""

    text: str = ""
    size: int = 0
    further: dict[str, _Words] = field(default_factory=dict)
    ends: list[int] = field(default_factory=list)

    def boxes(self) -> Iterator[int]:
        yield from self.ends
        for further in self.further.values():
            yield from further.boxes()


def _word_tree(boxes: Sequence[NamedBox]) -> _Words:
    root = _Words()
    for number, box in enumerate(boxes):
        if not box.chosen:
            continue
        here = root
        here.size += 1
        for word in words(box.name)[:_MOST_WORDS]:
            here = here.further.setdefault(word, _Words(here.text + word))
            here.size += 1
        here.ends.append(number)
    return root


@dataclass(eq=False)
class _Group:
    """A block that may be: its boxes, and the blocks in it."""

    text: str
    around: _Group | None = None
    depth: int = 0
    groups: list[_Group] = field(default_factory=list)
    boxes: list[int] = field(default_factory=list)

    def all_boxes(self) -> list[int]:
        return [*self.boxes, *(box for group in self.groups for box in group.all_boxes())]


def _gather(tree: _Words, group: _Group) -> None:
    """Make groups of all beginnings that several names have."""
    group.boxes += tree.ends
    for further in tree.further.values():
        if further.size < 2:
            group.boxes += further.boxes()
            continue
        text = further.text
        while len(further.further) == 1 and not further.ends:
            [(word, further)] = further.further.items()
            # A block is called up to its number: `block5` where all names in it begin with `block5_sepconv`.
            if further.text == text + word and not (text[-1].isdigit() and not word[0].isalnum()):
                text = further.text
        inner = _Group(text, group, group.depth + 1)
        group.groups.append(inner)
        _gather(further, inner)


def _shared(one: _Group, other: _Group) -> _Group:
    """The innermost group that holds both."""
    while one is not other:
        if one.depth < other.depth:
            one, other = other, one
        assert one.around is not None
        one = one.around
    return one


def _take_in(boxes: Sequence[NamedBox], links: Links, order: Sequence[int], top: _Group) -> None:
    """Put boxes that no name places into the groups that they lie in."""
    homes = {box: group for group in _below(top) for box in group.boxes}
    top.boxes = []
    placed = set(homes)
    _take_in_stretches(links, order, homes, top)
    earlier = _nearest(order, links.before, homes, placed)
    later = _nearest(order[::-1], links.after, homes, placed)
    for box in order:
        if box in homes:
            continue
        sources = list(links.before[box])
        if boxes[box].follows and len(sources) == 1 and len(links.after[sources[0]]) == 1 and sources[0] in homes:
            homes[box] = homes[sources[0]]
        elif box in earlier and box in later:
            homes[box] = _shared(earlier[box], later[box])
    for box in order:
        if box not in placed and box in homes:
            homes[box].boxes.append(box)


def _take_in_stretches(links: Links, order: Sequence[int], homes: dict[int, _Group], top: _Group) -> None:
    """What lies between two boxes that all ways go through belongs together with the latter, if one group is there."""
    for between, end in links.stretches(order):
        inside = [*between, *([] if end is None else [end])]
        found = {homes[box] for box in inside if box in homes}
        if between and found and (group := reduce(_shared, found)) is not top:
            homes.update((box, group) for box in inside if box not in homes)


def _below(group: _Group) -> Iterator[_Group]:
    for inner in group.groups:
        yield inner
        yield from _below(inner)


def _nearest(
    order: Sequence[int], towards: Sequence[Iterable[int]], homes: dict[int, _Group], placed: set[int]
) -> dict[int, _Group]:
    """The innermost group that holds all that is nearest to a box in one direction and has a place."""
    found: dict[int, _Group] = {}
    for box in order:
        near = [homes[next_] if next_ in homes else found.get(next_) for next_ in towards[box]]
        groups = [group for group in near if group is not None]
        if groups and len(groups) == len(near):
            found[box] = reduce(_shared, groups)
    return {box: group for box, group in found.items() if box not in placed}


def _kept(
    groups: Sequence[_Group],
    inside: Collection[int],
    links: Links,
    position: Mapping[int, int],
    names: Mapping[int, Sequence[str]],
) -> list[int | Block]:
    """What is to be drawn of some boxes: blocks where that makes no loop, and the boxes that are in none of them."""
    candidates = list(groups)
    while True:
        candidates = list(_connected(candidates, links, names))
        boxes = [group.all_boxes() for group in candidates]
        alone = set(inside).difference(*boxes)
        cycles = links.contracted([*boxes, *([box] for box in alone)]).cycles()
        looped = {number for cycle in cycles for number in cycle if number < len(candidates)}
        # Boxes that follow each other without a gap make no loop; those with gaps do.
        gaps = {number for number in looped if not _is_gapless(boxes[number], position)} or looped
        if not gaps:
            break
        candidates = [
            part
            for number, group in enumerate(candidates)
            for part in (_broken_up(group, links, names) if number in gaps else [group])
        ]
    items: list[int | Block] = list(alone)
    for group in candidates:
        held = _kept(group.groups, group.all_boxes(), links, position, names)
        if len(held) == 1 and isinstance(held[0], Block):
            held = list(held[0].items)
        items.append(Block(tuple(held), kind=re.sub(r"\d+", "#", group.text), name=group.text))
    return sorted(items, key=lambda item: min(position[box] for box in boxes_in([item])))


def _connected(groups: Iterable[_Group], links: Links, names: Mapping[int, Sequence[str]]) -> Iterator[_Group]:
    """Each group that is connected, and the connected parts of the others."""
    for group in groups:
        boxes = group.all_boxes()
        if len(boxes) >= FEWEST and len(_parts(boxes, links)) == 1:
            yield group
        elif len(boxes) >= FEWEST:
            yield from _connected(_broken_up(group, links, names), links, names)


def _broken_up(group: _Group, links: Links, names: Mapping[int, Sequence[str]]) -> list[_Group]:
    """The groups in a group, and connected parts of what is in none of them."""
    parts = [part for part in _parts(group.boxes, links) if len(part) >= FEWEST]
    if not group.groups and len(parts) == 1 and len(parts[0]) == len(group.boxes):
        return []
    found = list(group.groups)
    for part in parts:
        alike = [names[box] for box in part if "".join(names.get(box, ())).startswith(group.text)]
        found.append(_Group(beginning(alike) or group.text, group.around, group.depth, boxes=part))
    return found


def _parts(boxes: Sequence[int], links: Links) -> list[list[int]]:
    """Boxes that are connected with each other."""
    left = dict.fromkeys(boxes)
    found = []
    while left:
        part = [left.popitem()[0]]
        for box in part:
            for near in (*links.after[box], *links.before[box]):
                if near in left:
                    del left[near]
                    part.append(near)
        found.append(part)
    return found


def _is_gapless(boxes: Sequence[int], position: Mapping[int, int]) -> bool:
    places = [position[box] for box in boxes]
    return max(places) - min(places) + 1 == len(places)
