"""The picture of the stages."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

from docs.generate.page import Page

_STAGES = """
digraph {
    nodesep=0.3
    ranksep=0.35
    fontname="Helvetica"
    node [shape=box, style="rounded,filled", fillcolor="#e8eaf6", color="#3f51b5", fontname="Helvetica", fontsize=12]
    edge [color="#555555", fontname="Helvetica", fontsize=10]

    source [label="log, model,\\nscript, file", fillcolor=white, color="#888888"]
    sources [label="sources\\nopen and read"]
    layers [label="graphs.layer_graph\\nwhat Keras records"]
    ops [label="graphs.op_graph\\ncolumns of ops and edges"]
    ownership [label="diagnosis.ownership\\nwhose op it is"]
    dataflow [label="diagnosis.dataflow\\nwhat flows"]
    tensorboard [label="tensorboard\\nwhat is drawn"]
    crossings [label="diagnosis.crossings, explained\\nwhat joins layers, and what Keras explains"]
    rules [label="diagnosis.rules\\ncauses, one file each"]
    results [label="results\\nthe report"]
    render [label="render\\ntext, page, pictures, CI, data"]
    execution [label="execution\\nthe proof, executed", style="rounded,filled,dashed"]
    repairing [label="repairing\\nother names, same graph"]
    modeldiff [label="modeldiff\\nwhat changed"]
    checking [label="checking\\ncontracts, baseline"]

    source -> sources
    sources -> layers
    sources -> ops
    layers -> ownership
    ops -> ownership
    ops -> dataflow
    ops -> tensorboard
    ownership -> crossings
    dataflow -> crossings
    layers -> crossings
    crossings -> rules
    tensorboard -> rules
    rules -> results
    rules -> execution [style=dashed, label="--verify"]
    execution -> results [style=dashed]
    results -> render
    results -> checking
    results -> modeldiff
    ownership -> repairing
    tensorboard -> repairing
    checking -> render
    modeldiff -> render
}
"""


def pages() -> Iterator[Page]:
    """The picture, for the page on the architecture."""
    drawn = subprocess.run(["dot", "-Tsvg"], input=_STAGES, capture_output=True, text=True, check=True)
    yield Page("architecture.svg", drawn.stdout)
