"""A picture in the DOT language, and drawn by Graphviz.

Names may hold anything, so they are never identifiers: a box is called by its number, and its texts are quoted. Boxes
are not records, though those of ``keras.utils.plot_model`` are: Graphviz fails on edges between records of one rank.
"""

from __future__ import annotations

import textwrap
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import pydot

from graphdiag.errors import UsageError
from graphdiag.picture_style import Direction, PictureStyle
from graphdiag.render.pictures import graphviz
from graphdiag.render.pictures.dot_text import quoted, shortened
from graphdiag.render.pictures.picture import Arrow, Box, Cluster, Entry, Mark, Picture, Stroke
from graphdiag.unprintable import escape_unprintable

_FONT = quoted("Helvetica,Arial,sans-serif")
_WIDTH_OF_TITLE = 76
_WIDTH_OF_LEGEND = 26
_LOOSE_BOXES_IN_A_ROW = 5
_LONGEST_TOOLTIP = 1000
_MOST_LONG_LINES = 20
"""That do not lead. Graphviz 2.43 takes minutes for 200 of them in a graph of 800 boxes, and crashes."""
_MOST_THINGS = 50_000
"""Layers and edges. Nobody could read a picture of more, and Graphviz makes none."""
_LINES: Mapping[Stroke, Mapping[str, Any]] = {
    Stroke.SOLID: {"style": "solid", "penwidth": "1.2"},
    Stroke.THIN: {"style": "solid", "penwidth": "0.6"},
    Stroke.DASHED: {"style": "dashed", "penwidth": "1.4"},
    Stroke.DOTTED: {"style": "dotted", "penwidth": "2"},
    Stroke.HEAVY: {"style": "solid", "penwidth": "3.6"},
}
_BORDERS: Mapping[Stroke, Mapping[str, Any]] = {
    Stroke.SOLID: {"style": "filled", "penwidth": "1"},
    Stroke.THIN: {"style": "filled", "penwidth": "0.5"},
    Stroke.DASHED: {"style": quoted("filled,dashed"), "penwidth": "1.4"},
    Stroke.DOTTED: {"style": quoted("filled,dotted"), "penwidth": "1.6"},
    Stroke.HEAVY: {"style": "filled", "peripheries": "2"},
}


def to_dot(picture: Picture, style: PictureStyle) -> str:
    """A picture as DOT.

    Args:
        picture: The picture.
        style: Which way it runs.

    Returns:
        A ``digraph``. In SVG every box has the class ``layer``, every cluster ``nested``, and all have the word of
        their mark, lines too; the legend has the class ``legend``. Boxes have the ids ``box0``, ``box1`` ... in the
        order of `Picture.all_boxes`, clusters ``nested0`` ..., and lines ``line0`` ...

    Raises:
        UsageError: There are too many layers and edges for a picture.
    """
    _check_size(len(picture.lines) + sum(1 for _ in picture.all_boxes()))
    graph = pydot.Dot(
        "graphdiag",
        graph_type="digraph",
        rankdir=style.rankdir.value,
        bgcolor=quoted("#ffffff"),
        fontname=_FONT,
        fontsize="13",
        # An empty line, for Graphviz sets the boxes close below.
        label=_lines(picture.title, _WIDTH_OF_TITLE)[:-1] + '\\l"',
        labelloc="t",
        labeljust="l",
        nodesep="0.25",
        ranksep="0.4",
        # Curves lose their ends where many run side by side for long.
        splines="polyline",
        pad="0.2",
        charset="UTF-8",
    )
    graph.set_node_defaults(shape="box", fontname=_FONT, fontsize="11", height="0.3", margin=quoted("0.12,0.05"))
    graph.set_edge_defaults(fontname=_FONT, fontsize="10", arrowsize="0.8")
    if picture.legend:
        graph.add_subgraph(_legend(picture.legend, style.rankdir))
    names = {box.key: f"b{number}" for number, box in enumerate(picture.all_boxes())}
    for box in picture.boxes:
        graph.add_node(_node(box, names[box.key]))
    numbers = count()
    for cluster in picture.clusters:
        graph.add_subgraph(_cluster(cluster, names, numbers))
    _add_lines(graph, picture.lines, names)
    _stack_loose_boxes(graph, picture, names)
    return str(graph.to_string())


def to_svg(picture: Picture, style: PictureStyle) -> str:
    """A picture as SVG; see `graphdiag.render.pictures.graphviz.to_svg`."""
    return graphviz.to_svg(to_dot(picture, style), escape_unprintable(picture.title), _tooltips(picture))


def to_png(picture: Picture, style: PictureStyle) -> bytes:
    """A picture as PNG; see `graphdiag.render.pictures.graphviz.to_png`."""
    return graphviz.to_png(to_dot(picture, style))


def to_pdf(picture: Picture, style: PictureStyle) -> bytes:
    """A picture as PDF; see `graphdiag.render.pictures.graphviz.to_pdf`."""
    return graphviz.to_pdf(to_dot(picture, style))


def _check_size(things: int) -> None:
    if things > _MOST_THINGS:
        raise UsageError(
            f"A picture of {things:,} layers and edges could not be read; take --format html, which folds large "
            "models, or graphml or node-link, for another program."
        )


def _tooltips(picture: Picture) -> Mapping[str, str]:
    """What is shown when something is pointed at, by its id in the SVG."""
    texts = [
        *((f"box{number}", box.tooltip) for number, box in enumerate(picture.all_boxes())),
        *((f"nested{number}", cluster.tooltip) for number, cluster in enumerate(picture.all_clusters())),
        *((f"line{number}", line.tooltip) for number, line in enumerate(picture.lines)),
    ]
    return {id_: _about(text) for id_, text in texts if text}


def _lines(text: str, width: int) -> str:
    """A text in lines that begin at the left."""
    lines = textwrap.wrap(escape_unprintable(text), width) or [""]
    # DOT's escape `\l` ends such a line.
    return quoted("\0".join([*lines, ""])).replace("\0", "\\l")


def _node(box: Box, name: str) -> pydot.Node:
    return pydot.Node(
        name,
        id=f"box{name[1:]}",
        label=quoted("\n".join(shortened(escape_unprintable(row)) for row in box.rows)),
        tooltip=_tooltip(box.tooltip),
        color=quoted(box.mark.color),
        fontcolor=quoted(box.mark.color),
        fillcolor=quoted(box.mark.fill),
        **_class("layer", box.mark.word),
        **_BORDERS[box.mark.stroke],
    )


def _cluster(cluster: Cluster, names: Mapping[str, str], numbers: Iterator[int]) -> pydot.Subgraph:
    number = next(numbers)
    drawn = pydot.Subgraph(
        f"cluster_{number}",
        id=f"nested{number}",
        label=quoted(shortened(escape_unprintable(cluster.title))),
        tooltip=_tooltip(cluster.tooltip),
        color=quoted(cluster.mark.color),
        fontcolor=quoted(cluster.mark.color),
        fontsize="11",
        labeljust="l",
        labelloc="t",
        style=quoted("rounded,dashed" if cluster.mark.stroke is Stroke.DASHED else "rounded"),
        **_class("nested", cluster.mark.word),
    )
    for box in cluster.boxes:
        drawn.add_node(_node(box, names[box.key]))
    for inner in cluster.clusters:
        drawn.add_subgraph(_cluster(inner, names, numbers))
    return drawn


def _add_lines(graph: pydot.Dot, lines: Sequence[Arrow], names: Mapping[str, str]) -> None:
    """Add the lines; where too many do not lead, each of these ends in a tag at either box instead of crossing all."""
    tagged = sum(not line.leads for line in lines) > _MOST_LONG_LINES
    leaving: dict[tuple[str, Mark], list[Arrow]] = defaultdict(list)
    for number, line in enumerate(lines):
        if line.leads or not tagged:
            graph.add_edge(_edge(line, f"line{number}", names[line.source], names[line.target]))
            continue
        leaving[line.source, line.mark].append(line)
        graph.add_node(_tag(f"f{number}", f"from {line.source}", line.mark))
        edge = _edge(replace(line, leads=True), f"line{number}", f"f{number}", names[line.target])
        edge.set("weight", "0")
        graph.add_edge(edge)
    for number, ((source, mark), left) in enumerate(leaving.items()):
        whither = left[0].target if len(left) == 1 else f"{len(left):,} others"
        graph.add_node(_tag(f"o{number}", f"to {whither}", mark))
        graph.add_edge(pydot.Edge(names[source], f"o{number}", weight="0", **_line(mark), **_class("tag")))


def _stack_loose_boxes(graph: pydot.Dot, picture: Picture, names: Mapping[str, str]) -> None:
    """Set boxes without lines in several rows: Graphviz would set any number of them in one."""
    joined = {end for line in picture.lines for end in (line.source, line.target)}
    loose = [names[box.key] for box in picture.boxes if box.key not in joined]
    for above, below in zip(loose, loose[_LOOSE_BOXES_IN_A_ROW:], strict=False):
        graph.add_edge(pydot.Edge(above, below, style="invis"))


def _tag(name: str, text: str, mark: Mark) -> pydot.Node:
    return pydot.Node(
        name,
        shape="plaintext",
        label=quoted(shortened(escape_unprintable(text))),
        tooltip=_tooltip(text),
        fontsize="9",
        fontcolor=quoted(mark.color),
        height="0.2",
        margin="0.02",
        **_class("tag", mark.word),
    )


def _edge(line: Arrow, id_: str, source: str, target: str) -> pydot.Edge:
    edge = pydot.Edge(
        source,
        target,
        id=id_,
        tooltip=_tooltip(line.tooltip),
        **_line(line.mark),
        **_class(line.mark.word),
    )
    if line.label:
        edge.set("label", quoted(shortened(escape_unprintable(line.label))))
        edge.set("fontcolor", quoted(line.mark.color))
        edge.set("labeltooltip", _tooltip(line.label))
    if not line.leads:
        edge.set("constraint", "false")
    return edge


def _line(mark: Mark) -> Mapping[str, Any]:
    return {"color": quoted(mark.color), "arrowhead": mark.arrowhead, **_LINES[mark.stroke]}


def _class(*names: str) -> dict[str, Any]:
    return {"class": quoted(" ".join(names))}


def _tooltip(text: str) -> str:
    return quoted(_about(text))


def _about(text: str) -> str:
    return shortened(escape_unprintable(text), _LONGEST_TOOLTIP)


def _legend(entries: tuple[Entry, ...], rankdir: Direction) -> pydot.Subgraph:
    """A frame with a line or a box for each entry, drawn as in the picture, that leads to what it means."""
    legend = pydot.Subgraph(
        "cluster_legend",
        label=quoted("Legend"),
        labeljust="l",
        labelloc="t",
        fontsize="11",
        color=quoted("#8c959f"),
        style="rounded",
        tooltip=quoted("Legend"),
        **_class("legend"),
    )
    # What is not joined by lines Graphviz sets from right to left, or from top to bottom.
    sideways = rankdir in (Direction.LR, Direction.RL)
    for number, entry in enumerate(entries if sideways else entries[::-1]):
        sample, text = f"s{number}", f"t{number}"
        legend.add_node(_sample(entry, sample))
        legend.add_node(
            pydot.Node(
                text,
                shape="plaintext",
                label=_lines(entry.text, _WIDTH_OF_LEGEND),
                height="0.2",
                fontcolor=quoted(entry.mark.color),
                **_class("legend"),
            )
        )
        drawn: Mapping[str, Any] = _line(entry.mark) if entry.line else {"style": "invis"}
        legend.add_edge(pydot.Edge(sample, text, **drawn, **_class("legend")))
    return legend


def _sample(entry: Entry, name: str) -> pydot.Node:
    """What stands before the text: a box, or the point at which the line begins."""
    if entry.line:
        return pydot.Node(name, shape="plaintext", label=quoted(""), width="0.05", height="0.2", **_class("legend"))
    return pydot.Node(
        name,
        label=quoted(""),
        width="0.35",
        height="0.2",
        color=quoted(entry.mark.color),
        fillcolor=quoted(entry.mark.fill),
        **_BORDERS[entry.mark.stroke],
        **_class("legend"),
    )
