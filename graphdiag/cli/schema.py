"""``graphdiag schema``: the JSON Schemas of what graphdiag writes."""

from __future__ import annotations

import click

from graphdiag.cli import options
from graphdiag.cli.help_page import Command


@click.command(cls=Command)
@click.argument(
    "name",
    default="report",
    help="Which document: report, as compare --format json writes it, drawn, check, scan, snapshot, diff or names.",
)
@options.common
def schema(name: str) -> None:
    """Print the JSON Schema of a document that graphdiag writes."""
    from graphdiag.output import put
    from graphdiag.results.schemas import schema as of_document

    put(of_document(name), None)
