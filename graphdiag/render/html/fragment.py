"""A report in a notebook's cell: its words and the layer graph, without script; `Report.show` shows the whole page."""

from __future__ import annotations

import base64

from graphdiag.errors import GraphdiagError
from graphdiag.render.headline import headline
from graphdiag.render.html import text
from graphdiag.results.report import Report

_LAYERS_SHOWN = 60
# A notebook may be light or dark and does not say which: colors are the cell's own.
STYLE = """
.graphdiag{max-width:60em;line-height:1.45}.graphdiag ul{list-style:none;margin:0;padding:0}
.graphdiag .answer{font-size:1.15em;font-weight:600;margin:0 0 .4em}
.graphdiag .facts,.graphdiag .kind,.graphdiag .fix{opacity:.85}
.graphdiag .finding{border-left:4px solid #7c8796;padding:.1em .8em .4em;margin:.8em 0}
.graphdiag .finding.error{border-color:#d1244f}.graphdiag .finding.warning{border-color:#c98500}
.graphdiag .finding h3{font-size:1em;margin:.2em 0}.graphdiag .finding p{margin:.3em 0}
.graphdiag img{max-width:100%;background:#fff;border-radius:4px;margin:.4em 0}
.graphdiag .kind{font-weight:400}.graphdiag code{overflow-wrap:anywhere}
"""


def to_fragment(report: Report) -> str:
    """The answer, the layer graph and the findings as a piece of HTML without script, evidence folded.

    Args:
        report: The report.

    Returns:
        One ``div`` with its own style.
    """
    facts = " · ".join(f"{label}: {text.text(fact)}" for label, fact in text.facts(report))
    notes = "".join(f"<p>Note: {note}</p>" for note in text.notes(report))
    return (
        f'<div class="graphdiag"><style>{STYLE}</style><p class="answer">{text.text(headline(report))}</p>'
        f'<p class="facts">{facts}</p>{_picture(report)}<ul>{text.findings(report)}</ul>{notes}'
        "<p class='facts'>All pictures: <code>report.show()</code></p></div>"
    )


def _picture(report: Report) -> str:
    """The layer graph with its differing edges, as an image: what it holds cannot act on the notebook.

    A large one could not be read in a cell. Without Graphviz there is none; the words and the page need no Graphviz.
    """
    layers = report.layer_graph
    if layers is None or len(layers.layers) > _LAYERS_SHOWN:
        return ""
    try:
        svg = report.render("svg")
    except GraphdiagError:
        return ""
    coded = base64.b64encode(svg.encode() if isinstance(svg, str) else svg).decode("ascii")
    return f'<img alt="The layer graph" src="data:image/svg+xml;base64,{coded}">'
