"""Both layer graphs in one, as networkx: what is the same, added, removed or changed."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import TYPE_CHECKING

from graphdiag.modeldiff.changes import (
    InputsChanged,
    InputsReordered,
    LayerChanged,
    LayerRenamed,
    OpsChanged,
    SharingChanged,
)
from graphdiag.modeldiff.differ import Diff
from graphdiag.render.data.graph_files import to_node_link
from graphdiag.render.data.graphml import to_graphml

if TYPE_CHECKING:
    import networkx as nx

    from graphdiag.picture_style import PictureStyle


class Change(str, Enum):
    """What became of a layer or an edge."""

    SAME = "same"
    ADDED = "came"
    REMOVED = "went"
    CHANGED = "changed"


def graphml(diff: Diff, _: PictureStyle) -> str:
    """Both layer graphs, as `to_networkx` gives them, in GraphML."""
    return to_graphml(to_networkx(diff))


def node_link(diff: Diff, _: PictureStyle) -> str:
    """Both layer graphs, as `to_networkx` gives them, in node-link JSON."""
    return to_node_link(to_networkx(diff))


def to_networkx(diff: Diff) -> nx.DiGraph:
    """Both layer graphs in one ``networkx.DiGraph``.

    Args:
        diff: The changes.

    Returns:
        Nodes are called ``new:ID``, or ``old:ID`` where the layer went, for one name may stand for two layers. They
        have ``layer`` (the id), ``was`` (its old id, ``""`` if it came), ``class_name``, ``calls``, ``output_shape``,
        ``parameters`` and ``change``: ``same``, ``came``, ``went`` or ``changed``. Edges have ``change`` as well.
    """
    import networkx as nx

    graph = nx.DiGraph(old_model=diff.old.model_name, new_model=diff.new.model_name)
    was = {new: old for old, new in diff.matching.layers.items()}
    for key, change in layers(diff).items():
        side, _, id_ = key.partition(":")
        layer = (diff.new if side == "new" else diff.old).layers[id_]
        graph.add_node(
            key,
            layer=id_,
            was=was.get(id_, "") if side == "new" else id_,
            class_name=layer.class_name,
            calls=layer.calls,
            output_shape=layer.output_shape,
            parameters=layer.parameters,
            change=change.value,
        )
    for source, target, change in edges(diff):
        graph.add_edge(source, target, change=change.value)
    return graph


def layers(diff: Diff) -> dict[str, Change]:
    """What became of each layer: first those of the new graph, as ``new:ID``, then those that went, as ``old:ID``."""
    kept = set(diff.matching.layers.values())
    other = {change.id for change in diff.changes if isinstance(change, LayerChanged)}
    other |= {
        change.id for change in diff.changes if isinstance(change, (SharingChanged, InputsChanged, InputsReordered))
    }
    other |= {change.new for change in diff.changes if isinstance(change, LayerRenamed)}
    other |= {change.owner for change in diff.changes if isinstance(change, OpsChanged) and change.owner is not None}
    found = {
        f"new:{id_}": Change.ADDED if id_ not in kept else Change.CHANGED if id_ in other else Change.SAME
        for id_ in diff.new.layers
    }
    found.update((f"old:{id_}", Change.REMOVED) for id_ in diff.old.layers if id_ not in diff.matching.layers)
    return found


def edges(diff: Diff) -> Iterator[tuple[str, str, Change]]:
    """What became of each edge, its ends as `layers` calls them: the new graph's, then those that went."""
    names = diff.matching.layers
    before = {(names.get(source), names.get(target)) for source, target in diff.old.edges}
    now = set(diff.new.edges)
    for source, target in diff.new.edges:
        yield f"new:{source}", f"new:{target}", Change.SAME if (source, target) in before else Change.ADDED
    for source, target in diff.old.edges:
        if (names.get(source), names.get(target)) not in now:
            yield _key(source, diff), _key(target, diff), Change.REMOVED


def _key(old: str, diff: Diff) -> str:
    new = diff.matching.layers.get(old)
    return f"old:{old}" if new is None else f"new:{new}"
