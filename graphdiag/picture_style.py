"""How pictures of the layer graph look."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Direction(str, Enum):
    """Graphviz's ``rankdir``: which way a picture runs, as top to bottom."""

    TB = "TB"
    BT = "BT"
    LR = "LR"
    RL = "RL"


@dataclass(frozen=True)
class PictureStyle:
    """The options of ``keras.utils.plot_model`` that pictures follow.

    Attributes:
        rankdir: Which way they run.
        show_shapes: Whether each layer shows its output shape.
    """

    rankdir: Direction = Direction.TB
    show_shapes: bool = False


STANDARD = PictureStyle()
"""How pictures look unless something else is asked for."""
