"""How edges look in the page: one table that the legend, the pictures and the print follow.

What an edge is must be seen without colour: each status has its dash, arrowhead and letter besides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Status:
    """What an edge is, and how it is drawn.

    Attributes:
        id: As ``artefact``; also the class of the elements that show it.
        label: What the legend calls it.
        about: What it means, in a sentence.
        tone: A colour of the style sheet, which has it for light and for dark.
        letter: Stands on the edge; empty for edges that need no attention.
        dash: SVG's ``stroke-dasharray``; empty for a solid line.
        width: Of the line, in pixels.
        double: Whether the line is a double one.
        arrow: ``filled``, ``hollow``, ``double`` or ``cross``.
    """

    id: str
    label: str
    about: str
    tone: str
    letter: str = ""
    dash: str = ""
    width: float = 1.3
    double: bool = False
    arrow: str = "filled"


STATUSES: Sequence[Status] = (
    Status("model", "in your model", "Keras has the edge, and nothing is wrong with it.", "grey"),
    Status(
        "drawn",
        "op graph only",
        "No finding is about it: a mask, a way through layers without ops, or a rule that was left out.",
        "grey",
    ),
    Status(
        "aside",
        "stub",
        "TensorBoard moved one end aside and shows a stub in place of the arrow.",
        "grey",
        dash="7 3 2 3",
    ),
    Status(
        "missing",
        "missing",
        "Your model has the edge, TensorBoard does not draw it.",
        "blue",
        letter="M",
        dash="1.5 4",
        width=2.6,
        arrow="cross",
    ),
    Status(
        "artefact",
        "artefact",
        "Drawn, and proved that no activation flows.",
        "amber",
        letter="A",
        dash="8 4",
        width=2,
        arrow="hollow",
    ),
    Status(
        "hidden",
        "hidden",
        "Activations or parameters flow, and your model has no such edge.",
        "red",
        letter="H",
        width=4.6,
        double=True,
        arrow="double",
    ),
)
"""The least severe first: an edge that stands for several looks like the most severe of them."""

NUMBERS = {status.id: number for number, status in enumerate(STATUSES)}
"""Place of each status in the table."""
