"""Where the box of each layer stands when TensorBoard draws the model: in nested models, in scopes, in blocks.

A level of up to `LIMIT` boxes is drawn as it is. On a larger one the boxes are put into blocks, which are name scopes
to TensorBoard: by the names that the user chose, as far as they go (`name_prefixes`), and by the arrows (`folding`).
Nothing is left out: a reader who opens all blocks sees every layer and every edge.

TensorBoard folds only single ops into series (see `graphdiag.tensorboard.series`), so that boxes of layers and blocks
stay apart whatever they are called.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from graphdiag.graphs.layer_graph import Layer, LayerGraph, NestedModel
from graphdiag.keras_facts import is_automatic
from graphdiag.repairing.folding import Folder
from graphdiag.repairing.legal_names import legal_part, may_begin, numbered
from graphdiag.repairing.level_graph import Block, Links, boxes_in
from graphdiag.repairing.name_prefixes import NamedBox, beginning, prefix_blocks, words
from graphdiag.tensorboard.javascript import OBJECT_PROPERTIES

LIMIT = 60
"""Boxes that a level may have before they are put into blocks."""
TARGET = 30
"""Boxes that such a level has at most, where the model's structure allows it."""

_FOLLOWS = re.compile(
    "Activation|Softmax|((Leaky|Thresholded|P)?Re|P?E|Ge|Se)LU|((Sync)?Batch|Layer|Group|Unit|RMS)Normalization"
    "|(Alpha|Gaussian|Spatial)?Dropout([123]D)?"
)
"""Classes of layers that belong to the layer before them."""


def layer_boxes(
    layers: LayerGraph, *, limit: int | None = LIMIT, target: int = TARGET, taken: Collection[str] = ()
) -> Mapping[str, tuple[str, ...]]:
    """Where the boxes of layers and nested models stand.

    A layer stands in the nested models around it, and in the scopes that its name has: ``conv1/bn`` in ``conv1``.
    Where a level of that has more than ``limit`` boxes, blocks stand between them. When all edges of the layer graph
    run forward, so do those between the boxes of a level: no way leaves a block and comes back. The model's inputs and
    its last layers stay outside of blocks, unless these alone are more than half of ``target``.

    Args:
        layers: The layer graph.
        limit: Boxes that a level may have before they are put into blocks; ``None`` for no blocks.
        target: Boxes that such a level has then. A few more come up where neither names nor arrows show what belongs
            together.
        taken: Names that neither a block nor a scope may have.

    Returns:
        For the id of each layer and each nested model the names of the boxes from the outermost to its own. Joined by
        ``/`` they are the name of its box. No box of a layer is called as another box, or holds another. Layers and
        nested models have the names that Keras has for them, except where two boxes would be one, where TensorFlow does
        not allow the name for an op, or TensorBoard fails on it.
    """
    root = _tree(layers, taken)
    _connect(root, layers)
    others = {*taken, *OBJECT_PROPERTIES, *(box.name for box in root.below())}
    places: dict[str, tuple[str, ...]] = {}
    waiting: list[tuple[_Box, tuple[str, ...]]] = [(root, ())]
    while waiting:
        scope, around = waiting.pop()
        items: Sequence[int | Block] = range(len(scope.children))
        if limit is not None and len(scope.children) > limit:
            items = _grouped(scope, layers, limit, target)
        for number, blocks in _named(items, scope.children, others):
            child = scope.children[number]
            place = (*around, *blocks, child.name)
            if child.id:
                places[child.id] = place
            waiting.append((child, place))
    return {id_: places[id_] for id_ in (*layers.nested, *layers.layers)}


@dataclass(eq=False)
class _Box:
    """A box without its blocks: a layer, a nested model, or a scope that layers' names have.

    Attributes:
        name: What it is called.
        id: Id of the layer or nested model; empty for a scope.
        around: The box that it is in.
        depth: How many boxes it is in.
        number: Its place among these.
        chosen: Whether the user chose its name.
        children: The boxes in it.
        edges: The edges between these, by number.
    """

    name: str
    id: str = ""
    around: _Box | None = None
    depth: int = 0
    number: int = 0
    chosen: bool = True
    children: list[_Box] = field(default_factory=list)
    edges: dict[tuple[int, int], None] = field(default_factory=dict)

    def add(self, name: str, layer: Layer | NestedModel | None = None) -> _Box:
        """Put a new box into this one."""
        box = _Box(name, "" if layer is None else layer.id, self, self.depth + 1, len(self.children))
        box.chosen = layer is None or not is_automatic(layer.name, layer.class_name)
        self.children.append(box)
        return box

    def below(self) -> list[_Box]:
        """All boxes in it, at every depth."""
        found = list(self.children)
        for box in found:
            found.extend(box.children)
        return found


def _tree(layers: LayerGraph, taken: Collection[str]) -> _Box:
    """All boxes without blocks."""
    root = _Box("")
    models: dict[tuple[str, ...], _Box] = {(): root}
    scopes: dict[tuple[_Box, str], _Box] = {}

    def model_box(path: tuple[str, ...]) -> _Box:
        """The box of a model, also where the layer graph has layers in it and not the model."""
        if path not in models:
            holder, name = held(path[:-1], path[-1])
            models[path] = holder.add(name)
        return models[path]

    def held(path: tuple[str, ...], name: str) -> tuple[_Box, str]:
        """The model or scope that holds a name, and the last part of the name."""
        *parts, last = [part for part in name.split("/") if part] or ["layer"]
        around = model_box(path)
        for part in parts:
            if (around, part) not in scopes:
                scopes[around, part] = around.add(part)
            around = scopes[around, part]
        return around, last

    for model in layers.nested.values():
        holder, name = held(model.path, model.name)
        models[(*model.path, model.name)] = holder.add(name, model)
    leaves = [(*held(layer.path, layer.name), layer) for layer in layers.layers.values()]
    for holder, name, layer in leaves:
        # A layer that is called like a scope of others stands in it.
        while (holder, name) in scopes:
            holder = scopes[holder, name]
        holder.add(name, layer)
    for box in (root, *root.below()):
        _name_children(box, {*taken, *OBJECT_PROPERTIES} if box is root else set())
    return root


def _name_children(scope: _Box, used: set[str]) -> None:
    """Give boxes names that are legal and their own, those that Keras has for them where possible."""
    # A layer or model keeps its name rather than a scope.
    for box in sorted(scope.children, key=lambda box: not box.id):
        name = legal_part(box.name)
        if scope.around is None and not may_begin(name):
            name = f"layer_{name.lstrip('_')}"
        box.name = numbered(name, used)
        used.add(box.name)


def _connect(root: _Box, layers: LayerGraph) -> None:
    """Draw each edge between the two boxes, in the innermost one that holds both ends, that hold one end each."""
    boxes = {box.id: box for box in root.below()}
    for ends in layers.edges:
        source, target = (boxes[end] for end in ends)
        while source.around is not target.around:
            if source.depth >= target.depth:
                assert source.around is not None
                source, target = source.around, (target.around or root) if source.depth == target.depth else target
            else:
                assert target.around is not None
                target = target.around
        if source.around is not None:
            source.around.edges[source.number, target.number] = None


def _grouped(scope: _Box, layers: LayerGraph, limit: int, target: int) -> Sequence[int | Block]:
    """The boxes of a level in blocks."""
    boxes = scope.children
    apart = _apart(boxes, layers, target)
    free = [number for number in range(len(boxes)) if number not in apart]
    links = Links.of(len(boxes), scope.edges).contracted([[number] for number in free])
    known = [_known(boxes[number], layers) for number in free]
    items = Folder(links, limit, target - len(apart)).fold(prefix_blocks(known, links))

    def back(item: int | Block) -> int | Block:
        if isinstance(item, Block):
            return Block(tuple(map(back, item.items)), item.kind, item.name)
        return free[item]

    return [*sorted(apart), *map(back, items)]


def _apart(boxes: Sequence[_Box], layers: LayerGraph, target: int) -> set[int]:
    """Numbers of boxes that are to stay outside of blocks: inputs and outputs, if they are not too many.

    An output that other layers read is not among them: a block around it would have to be split.
    """
    inner = {source for source, _ in layers.edges}
    inputs = {box.number for box in boxes if box.id in layers.inputs}
    outputs = {box.number for box in boxes if box.id in layers.outputs and box.id not in inner}
    for chosen in (inputs | outputs, inputs, outputs):
        if len(chosen) <= target // 2:
            return chosen
    return set()


def _known(box: _Box, layers: LayerGraph) -> NamedBox:
    layer = layers.layers.get(box.id)
    return NamedBox(box.name, box.chosen, layer is not None and bool(_FOLLOWS.fullmatch(layer.class_name)))


def _named(
    items: Sequence[int | Block], boxes: Sequence[_Box], others: Collection[str]
) -> Sequence[tuple[int, tuple[str, ...]]]:
    """Each box by number, with the names of the blocks around it; ``others`` are names that no block may have."""
    found = []
    used: dict[tuple[str, ...], set[str]] = defaultdict(lambda: set(others))
    shared = beginning([words(box.name) for box in boxes if box.chosen])
    waiting: list[tuple[int | Block, tuple[str, ...], str]] = [(item, (), shared) for item in reversed(items)]
    while waiting:
        item, around, prefix = waiting.pop()
        if isinstance(item, Block):
            name = _block_name(item, boxes, prefix, used[around])
            used[around].add(name)
            waiting += [(inner, (*around, name), item.name) for inner in reversed(item.items)]
        else:
            found.append((item, around))
    return sorted(found)


def _block_name(block: Block, boxes: Sequence[_Box], prefix: str, used: Collection[str]) -> str:
    """A name that is not used for a block; ``prefix`` is what all names around it begin with."""
    name = block.name
    if not name:
        inside = [boxes[number] for number in boxes_in([block])]
        chosen = [box for box in inside if box.chosen] or inside
        name = _from_to(chosen[0].name, chosen[-1].name) if len(chosen) > 1 else chosen[0].name
    elif prefix and (rest := name.removeprefix(prefix).lstrip("_.-"))[:1].isalpha():
        # TensorBoard shows some ten letters of a name: `block12` in `conv4` says more there than `conv4_bloc...`.
        name = rest
    name = legal_part(name).strip("_.-\\>")
    if not name[:1].isalpha():
        name = f"block_{name}"
    elif name in used:
        name = f"{name}_block"
    return numbered(name, used)


def _from_to(first: str, last: str) -> str:
    """``dense_1_to_9`` for ``dense_1`` and ``dense_9``."""
    ahead, behind = words(first), words(last)
    if len(ahead) != len(behind) or ahead[:-1] != behind[:-1]:
        return f"{first}_to_{last}"
    return f"{first}_to_{behind[-1].lstrip('_.-')}"
