"""``graphdiag schema``: the JSON Schemas of what graphdiag writes."""

from __future__ import annotations

from typing import Annotated

import typer

from graphdiag.output import put


def schema(
    name: Annotated[
        str,
        typer.Argument(
            help="Which document: report, as compare --format json writes it, drawn, check, snapshot or diff."
        ),
    ] = "report",
) -> None:
    """Print the JSON Schema of a document that graphdiag writes."""
    from graphdiag.results.schemas import schema as of_document

    put(of_document(name), None)
