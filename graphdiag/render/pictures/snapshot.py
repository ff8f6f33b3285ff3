"""The layers of a snapshot in a picture."""

from __future__ import annotations

from graphdiag.modeldiff.snapshot import Snapshot
from graphdiag.picture_style import PictureStyle
from graphdiag.render.pictures.layers import MODEL
from graphdiag.render.pictures.picture import Arrow, Box, Cluster, Picture, framed
from graphdiag.render.text.snapshot import title


def describe(snapshot: Snapshot, style: PictureStyle) -> Picture:
    """What is in the picture of a snapshot.

    Args:
        snapshot: The snapshot.
        style: Whether boxes show output shapes.

    Returns:
        A box for each layer, in clusters for nested models, and a line for each edge.
    """
    boxes, inside = {}, {}
    for layer in snapshot.layers.values():
        calls = f", {layer.calls:,} calls" if layer.calls > 1 else ""
        rows = [layer.name, *([f"{layer.class_name}{calls}"] if layer.class_name else ())]
        if style.show_shapes:
            rows.append(layer.output_shape or "?")
        boxes[layer.id] = Box(layer.id, tuple(rows), tooltip=layer.id)
        inside[layer.id] = layer.path
    outer, clusters = framed(boxes, inside, lambda path: Cluster(path[-1], tooltip="/".join(path)))
    lines = tuple(Arrow(source, target, MODEL, tooltip=f"{source} -> {target}") for source, target in snapshot.edges)
    return Picture(title(snapshot), outer, clusters, lines, ())
