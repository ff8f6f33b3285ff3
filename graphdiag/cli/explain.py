"""``graphdiag explain``: the documentation of the rules."""

from __future__ import annotations

from pathlib import Path

import click

from graphdiag.cli import options
from graphdiag.cli.help_page import Command
from graphdiag.cli.writing import pairs_of
from graphdiag.render.registry import Format

_FORMATS = (Format.TEXT, Format.JSON, Format.MARKDOWN)


@click.command(
    cls=Command,
    epilog="""graphdiag explain GD101
graphdiag explain shared-learning-phase
graphdiag explain GD3""",
)
@click.argument(
    "which", required=False, help="Code of a rule, as GD101, its name, or how several codes begin, as GD1; else all."
)
@click.option(
    "--format",
    "--output-format",
    "formats",
    type=options.ValueOf(_FORMATS),
    multiple=True,
    metavar="FORMAT",
    help="How it is written: text, json or markdown. By the suffix of -o, else text, if not given.",
)
@options.outputs
@options.common
def explain(which: str | None, formats: tuple[Format, ...], outputs: tuple[Path, ...]) -> None:
    """Say what a rule finds, why it matters, and what to do."""
    from graphdiag.cli.writing import put_all
    from graphdiag.diagnosis.registry import all_rules, find_rules
    from graphdiag.render import rule_pages

    rules = all_rules() if which is None else find_rules(all_rules(), which)
    whole = which is not None and len(rules) == 1
    put_all(pairs_of(formats, outputs, _FORMATS), lambda format_: rule_pages.written(rules, format_, whole))
