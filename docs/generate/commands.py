"""The commands, each from its help."""

from __future__ import annotations

from collections.abc import Iterator

import click

from docs.generate.page import Page, cell, code_cell
from graphdiag.cli import _app as application
from graphdiag.cli.help_page import Command


def pages() -> Iterator[Page]:
    """The list of commands, then a page for each."""
    context = click.Context(application, info_name="graphdiag")
    commands = {name: application.get_command(context, name) for name in application.list_commands(context)}
    rows = [f"| [`{name}`]({name}.md) | {cell(command.help or '')} |" for name, command in commands.items()]
    yield Page(
        "commands/index.md", "\n".join(["# Commands\n", "| command | what it does |\n|---|---|", *rows]), "Commands"
    )
    for name, command in commands.items():
        yield Page(f"commands/{name}.md", "\n".join(_page(context, name, command)) + "\n", name)


def _page(parent: click.Context, name: str, command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=parent)
    yield f"# graphdiag {name}\n"
    yield f"{command.help}\n"
    yield f"```text\n{command.get_usage(context).removeprefix('Usage: ')}\n```\n"
    if isinstance(command, Command):
        for group, records in command.option_groups(context).items():
            yield f"## {group}\n"
            yield "| option | meaning |\n|---|---|"
            for option, meaning in records:
                yield f"| {code_cell(option)} | {cell(meaning)} |"
            yield ""
    if command.epilog:
        yield f"## Examples\n\n```text\n{command.epilog}\n```"
