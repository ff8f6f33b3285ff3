"""Blocks that repeat: runs of layers that are wired alike, so that one of them stands for all."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from graphdiag.modeldiff.snapshot import LayerRecord

_NUMBER = re.compile(r"[0-9]+")
_FEWEST = 6
"""Layers that a run must have: fewer are named one by one."""
_MOST = 4
"""How many runs are told apart; a reader wants no more of them."""


@dataclass(frozen=True)
class Blocks:
    """Blocks of the same structure.

    Attributes:
        first: Name of the first block: the names of its layers up to the counter, or its first layer.
        last: The same of the last block.
        count: Number of blocks.
        classes: Classes of the layers of one block, in order.
        shapes: Whether shapes and parameters are the same, too.
    """

    first: str
    last: str
    count: int
    classes: Sequence[str]
    shapes: bool = True

    def text(self) -> str:
        """``17 blocks of the same shape, conv4_block7 ... conv4_block23, each 10 layers (3 Conv2D, ...)``."""
        alike = "of the same shape" if self.shapes else "wired alike"
        what = (
            f"{self.count:,} blocks {alike}" if len(self.classes) > 1 else f"{self.count:,} {self.classes[0]} {alike}"
        )
        each = f", each {len(self.classes):,} layers ({made_of(self.classes)})" if len(self.classes) > 1 else ""
        return f"{what}, {self.first} ... {self.last}{each}"


def made_of(classes: Sequence[str]) -> str:
    """``3 Conv2D, 1 Add``."""
    return ", ".join(f"{count:,} {name}" for name, count in Counter(classes).items())


def blocks_of(layers: Sequence[LayerRecord]) -> tuple[Sequence[Blocks], Sequence[LayerRecord]]:
    """Find blocks that repeat, by counters in the names, and where names say nothing, by the order of classes.

    Args:
        layers: Layers in Keras's order.

    Returns:
        The runs of blocks, those with the most layers first, and the layers of none.
    """
    rest = list(layers)
    found: list[Blocks] = []
    for shapes in (True, False):
        while len(found) < _MOST and (run := _widest_run(rest, shapes)):
            blocks, inside = run
            found.append(blocks)
            rest = [layer for layer in rest if layer.id not in inside]
    if not found and (repeated := _repetition(rest)):
        return [repeated], []
    return found, rest


def _widest_run(layers: Sequence[LayerRecord], shapes: bool) -> tuple[Blocks, set[str]] | None:
    """The counter in the names that explains the most layers: all its blocks must be alike but for the counter."""
    by_stem: dict[str, dict[int, list[tuple[str, LayerRecord]]]] = defaultdict(lambda: defaultdict(list))
    for layer in layers:
        for number in _NUMBER.finditer(layer.id):
            rest = layer.id[number.end() :]
            by_stem[layer.id[: number.start()]][int(number[0][:18])].append((rest, layer))
    best: tuple[int, int, str, Sequence[int]] | None = None
    for stem, blocks in by_stem.items():
        if len(blocks) < 2:
            continue
        for counters in _alike(stem, blocks, shapes):
            size = len(blocks[counters[0]])
            covered = size * len(counters)
            if len(counters) > 1 and covered >= _FEWEST and (best is None or (covered, size) > best[:2]):
                best = covered, size, stem, counters
    if best is None:
        return None
    _, _, stem, counters = best
    chosen = by_stem[stem]
    one = [layer.class_name or "scope" for _, layer in chosen[counters[0]]]
    inside = {layer.id for counter in counters for _, layer in chosen[counter]}
    first, last = (_block_name(stem, chosen[counters[end]], counters[end]) for end in (0, -1))
    return Blocks(first, last, len(counters), one, shapes), inside


def _block_name(stem: str, block: Sequence[tuple[str, LayerRecord]], counter: int) -> str:
    return block[0][1].id if len(block) == 1 else f"{stem}{counter}"


def _alike(stem: str, blocks: Mapping[int, Sequence[tuple[str, LayerRecord]]], shapes: bool) -> Sequence[Sequence[int]]:
    """Counters of blocks that are wired alike, each group in order."""
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for counter in sorted(blocks):
        shape = frozenset(
            (
                rest,
                layer.class_name,
                (layer.output_shape, layer.parameters) if shapes else (),
                layer.calls,
                tuple(_relative(source, stem, counter) for source in layer.sources),
            )
            for rest, layer in blocks[counter]
        )
        groups[shape].append(counter)
    return list(groups.values())


def _relative(source: str, stem: str, counter: int) -> Hashable:
    """A source as seen from a block: how many blocks before, and what in it; a layer outside by its name."""
    number = _NUMBER.match(source, len(stem)) if source.startswith(stem) else None
    return source if number is None else (int(number[0][:18]) - counter, source[number.end() :])


def _repetition(layers: Sequence[LayerRecord]) -> Blocks | None:
    """The shortest period of the layers' classes and shapes, when all of them repeat it."""
    labels = [(layer.class_name, layer.output_shape, layer.parameters) for layer in layers]
    # Knuth, Morris and Pratt's table: the length of the longest border of each prefix.
    border = [0] * len(labels)
    for position in range(1, len(labels)):
        length = border[position - 1]
        while length and labels[position] != labels[length]:
            length = border[length - 1]
        border[position] = length + (labels[position] == labels[length])
    period = len(labels) - border[-1] if labels else 0
    if not period or len(labels) % period or len(labels) == period or len(labels) < _FEWEST:
        return None
    one = [layer.class_name or "scope" for layer in layers[:period]]
    return Blocks(layers[0].id, layers[-1].id, len(labels) // period, one)
