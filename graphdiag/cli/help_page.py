"""How the help of a command is laid out: its options in groups, and examples at the end."""

from __future__ import annotations

from collections.abc import Mapping

import click

_GROUPS: Mapping[str, frozenset[str]] = {
    "Source": frozenset(
        {
            *("model", "run", "tag", "entry", "arguments", "graph", "input_shape"),
            *("load", "unsafe", "run_to_end", "config", "stack", "python"),
        }
    ),
    "What is told": frozenset(
        {"select", "ignore", "verify", "ops", "less", "depth", "expand", "conceptual", "sort", "only", "top"}
    ),
    "Output": frozenset({"formats", "format_", "outputs", "output", "rankdir", "show_shapes", "pages"}),
    "Exit status": frozenset({"fail_on", "exit_zero", "strict"}),
}
"""Groups of options by the names of their values; those that are in none stand last."""


class Command(click.Command):
    """A command whose help has groups and examples; its ``epilog`` is one example a line."""

    def option_groups(self, ctx: click.Context) -> dict[str, list[tuple[str, str]]]:
        """Its options and what each means, group by group, in the order of the help."""
        records: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, click.Option):
                records.setdefault(_group(parameter), []).append(record)
        return {group: records[group] for group in (*_GROUPS, "Options") if group in records}

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, group by group."""
        for group, records in self.option_groups(ctx).items():
            with formatter.section(group):
                formatter.write_dl(records)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples as they are typed."""
        if self.epilog:
            with formatter.section("Examples"):
                for example in self.epilog.splitlines():
                    formatter.write(f"{'':>{formatter.current_indent}}{example}\n")


def _group(parameter: click.Option) -> str:
    name = (parameter.name or "").removeprefix("old_").removeprefix("new_")
    return next((group for group, names in _GROUPS.items() if name in names), "Options")
