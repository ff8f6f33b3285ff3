"""``graphdiag explain``: the documentation of the rules."""

from __future__ import annotations

import click

from graphdiag.cli import options


@click.command()
@click.argument("code", required=False, help="Code of a rule, as GD101; all rules are listed without one.")
@options.debug
def explain(code: str | None) -> None:
    """Say what a rule finds, why it matters, and what to do."""
    from graphdiag.diagnosis.registry import all_rules, find_rule
    from graphdiag.output import show
    from graphdiag.render.text.explain import every, one

    show(every(all_rules()) if code is None else one(find_rule(all_rules(), code)), None)
