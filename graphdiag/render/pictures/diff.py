"""Both graphs in one picture: what is the same, added, removed or changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from graphdiag.modeldiff.changes import InputsChanged, InputsReordered, LayerRenamed
from graphdiag.modeldiff.differ import Diff
from graphdiag.modeldiff.snapshot import LayerRecord, Snapshot
from graphdiag.modeldiff.summary import headline
from graphdiag.picture_style import PictureStyle
from graphdiag.render.data.diff_graph import Change, edges, layers
from graphdiag.render.pictures.picture import Arrow, Box, Cluster, Entry, Mark, Picture, Stroke, framed

SAME = Mark("same", "#1f2328")
ADDED = Mark("came", "#116329", Stroke.HEAVY, "diamond", "#e6f5ea")
REMOVED = Mark("went", "#b00020", Stroke.DASHED, "onormal", "#fdeaec")
CHANGED = Mark("changed", "#9a4b00", Stroke.DOTTED, fill="#fff4e0")
_MARKS = {Change.SAME: SAME, Change.ADDED: ADDED, Change.REMOVED: REMOVED, Change.CHANGED: CHANGED}
_MEANINGS = {SAME: "the same", ADDED: "came", REMOVED: "went", CHANGED: "changed"}

_Path = tuple[str, ...]


def describe(diff: Diff, style: PictureStyle) -> Picture:
    """What is in the picture of a diff.

    Args:
        diff: The changes.
        style: Whether boxes show output shapes.

    Returns:
        A box for each layer of both graphs, a line for each edge of both. Boxes have the keys ``old:ID`` where the
        layer went, else ``new:ID``. The title is the answer.
    """
    said = {change.new: f"was {change.old}" for change in diff.changes if isinstance(change, LayerRenamed)}
    for change in diff.changes:
        if isinstance(change, InputsReordered):
            said[change.id] = "inputs swapped" if change.swapped else "inputs in another order"
        elif isinstance(change, InputsChanged):
            said[change.id] = "other inputs"
    paths = _paths(diff)
    boxes, inside = {}, {}
    for key, became in layers(diff).items():
        side, _, id_ = key.partition(":")
        layer = (diff.new if side == "new" else diff.old).layers[id_]
        boxes[key] = _box(key, layer, style, _MARKS[became], said.get(id_) if side == "new" else None)
        inside[key] = layer.path if side == "new" else _path_now(layer.path, paths)
    lines = tuple(_lines(diff))
    outer, clusters = framed(boxes, inside, lambda path: _frame(path, diff))
    return Picture(headline(diff), outer, clusters, lines, tuple(_legend(boxes, lines)))


def _box(key: str, layer: LayerRecord, style: PictureStyle, mark: Mark, said: str | None) -> Box:
    calls = f", {layer.calls:,} calls" if layer.calls > 1 else ""
    rows = [layer.name, *([said] if said else ()), *([f"{layer.class_name}{calls}"] if layer.class_name else ())]
    if style.show_shapes:
        rows.append(layer.output_shape or "?")
    return Box(key, tuple(rows), mark, f"{layer.id}: {mark.word}")


def _paths(diff: Diff) -> Mapping[_Path, _Path]:
    """Where the nested models that are still there were, and are."""

    def path(snapshot: Snapshot, id_: str) -> _Path:
        model = snapshot.nested[id_]
        return (*model.path, model.name)

    return {path(diff.old, left): path(diff.new, right) for left, right in diff.matching.nested.items()}


def _path_now(path: _Path, paths: Mapping[_Path, _Path]) -> _Path:
    for depth in range(len(path), 0, -1):
        if path[:depth] in paths:
            return (*paths[path[:depth]], *path[depth:])
    return path


def _frame(path: _Path, diff: Diff) -> Cluster:
    now = diff.new.nested.get("/".join(path))
    kept = now is not None and now.id in diff.matching.nested.values()
    mark = SAME if kept else ADDED if now else REMOVED
    return Cluster(f"{path[-1]}{f': {now.class_name}' if now else ''}", mark=mark, tooltip=f"{path[-1]}: {mark.word}")


def _lines(diff: Diff) -> Iterator[Arrow]:
    """Edges of the new graph, then those of the old one that are gone. What went moves no box that stayed."""
    for source, target, change in edges(diff):
        mark = _MARKS[change]
        told = f"{source.partition(':')[2]} -> {target.partition(':')[2]}: {mark.word}"
        leads = change is not Change.REMOVED or source.startswith("old:") or target.startswith("old:")
        yield Arrow(source, target, mark, tooltip=told, leads=leads)


def _legend(boxes: Mapping[str, Box], lines: tuple[Arrow, ...]) -> Iterator[Entry]:
    of_boxes, of_lines = Counter(box.mark for box in boxes.values()), Counter(line.mark for line in lines)
    for what, counts, is_line in (("layer", of_boxes, False), ("edge", of_lines, True)):
        for mark, meaning in _MEANINGS.items():
            if counts[mark]:
                number = f"{counts[mark]:,} {what}{'' if counts[mark] == 1 else 's'}"
                yield Entry(mark, f"{number}: {meaning}", line=is_line)
