"""Options that several commands have, and how their values are read."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from graphdiag.errors import UsageError
from graphdiag.picture_style import Direction
from graphdiag.render.registry import Format


class GraphKind(str, Enum):
    """Which op graph of a live model."""

    TRAINING = "training"
    INFERENCE = "inference"
    TRAIN_STEP = "train-step"


ModelFile = Annotated[
    Path | None, typer.Option(help="File with the layer graph: Keras JSON, .keras, .h5 or a Python file.")
]
Run = Annotated[str | None, typer.Option(help="Run of a log that holds several; '.' is the top directory.")]
Tag = Annotated[str | None, typer.Option(help="Tag of a log that holds several op graphs.")]
Entry = Annotated[str | None, typer.Option(help="Model, or function that builds it, in a Python file.")]
Arguments = Annotated[
    list[str] | None, typer.Option(metavar="KEY=VALUE", help="Argument of that function; may be repeated.")
]
Graph = Annotated[
    GraphKind | None, typer.Option(help="Op graph of a live model; the forward pass in training mode if not given.")
]
InputShape = Annotated[
    str | None,
    typer.Option(metavar="N,N,...", help="Shape of the input, batch first, as None,39, for an unbuilt model."),
]
Select = Annotated[
    list[str] | None, typer.Option(metavar="CODES", help="Report these rules only: codes or prefixes, with commas.")
]
Ignore = Annotated[list[str] | None, typer.Option(metavar="CODES", help="Do not report these rules.")]
Formats = Annotated[list[Format] | None, typer.Option("--format", help="How the report is written; may be repeated.")]
Outputs = Annotated[
    list[Path] | None,
    typer.Option("-o", "--output", help="File to write to; one for each --format, '-' for standard output."),
]
Rankdir = Annotated[Direction, typer.Option(help="Which way pictures run.")]
ShowShapes = Annotated[bool, typer.Option("--show-shapes", help="Show output shapes in pictures.")]
Debug = Annotated[bool, typer.Option(help="Show the traceback of an error.")]


def codes_of(lists: list[str]) -> list[str]:
    """Codes of rules, given one by one or with commas."""
    return [code for text in lists for code in text.split(",") if code.strip()]


def arguments_of(pairs: list[str]) -> dict[str, str]:
    """The values of ``--arg``.

    Raises:
        UsageError: One has no ``=``.
    """
    arguments = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageError(f"--arg {pair}: write it as KEY=VALUE.")
        arguments[key] = value
    return arguments


def shape_of(text: str | None) -> tuple[int | None, ...] | None:
    """The value of ``--input-shape``; ``None`` in it stands for a size that is not known.

    Raises:
        UsageError: It is no shape.
    """
    if text is None:
        return None
    try:
        return tuple(None if part.strip() in ("None", "?") else int(part) for part in text.strip("() ,").split(","))
    except ValueError:
        raise UsageError(f"--input-shape {text}: write it as numbers with commas, the batch first: None,39.") from None
