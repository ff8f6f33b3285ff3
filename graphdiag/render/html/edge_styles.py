"""How edges look in the page: one table that the legend, the pictures and the print follow.

What an edge is must be seen without color: each status has its dash, arrowhead and letter besides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from graphdiag.results import edge_status
from graphdiag.results.edge_status import EdgeStatus


@dataclass(frozen=True)
class Drawn(EdgeStatus):
    """A status, and how its edges are drawn.

    Attributes:
        tone: A color of the style sheet, which has it for light and for dark.
        letter: Stands on the edge; empty for edges that need no attention.
        dash: SVG's ``stroke-dasharray``; empty for a solid line.
        width: Of the line, in pixels.
        double: Whether the line is a double one.
        arrow: ``filled``, ``hollow``, ``double`` or ``cross``.
    """

    tone: str = "gray"
    letter: str = ""
    dash: str = ""
    width: float = 1.3
    double: bool = False
    arrow: str = "filled"


def _drawn(said: EdgeStatus, **look: Any) -> Drawn:
    return Drawn(**asdict(said), **look)


ASIDE = EdgeStatus(
    "aside", "a stub in TensorBoard", "TensorBoard moved one end aside, and has a stub in place of the arrow"
)
"""Of arrows of the drawn graph only."""

STATUSES: Sequence[Drawn] = (
    _drawn(edge_status.MODEL),
    _drawn(edge_status.OP_GRAPH),
    _drawn(edge_status.SCOPES),
    _drawn(ASIDE, dash="7 3 2 3"),
    _drawn(edge_status.MISSING, tone="blue", letter="M", dash="1.5 4", width=2.6, arrow="cross"),
    _drawn(edge_status.ARTIFACT, tone="amber", letter="A", dash="8 4", width=2, arrow="hollow"),
    _drawn(edge_status.HIDDEN, tone="red", letter="H", width=4.6, double=True, arrow="double"),
)
"""The least severe first: an edge that stands for several looks like the most severe of them."""

NUMBERS = {drawn.id: number for number, drawn in enumerate(STATUSES)}
"""Place of each status in the table."""
