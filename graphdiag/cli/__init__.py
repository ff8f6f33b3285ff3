"""The commands, one module each: parse, call, print.

A command's module is imported when the command is run or listed, and imports what it runs when it runs it, so that
``--version`` and ``--help`` load little more than click.
"""

from __future__ import annotations

import gc
import sys
import traceback
from importlib import import_module

import click

from graphdiag.errors import GraphdiagError, shortened
from graphdiag.version import __version__

__all__ = ["main"]

_COMMANDS = (
    "compare",
    "check",
    "scan",
    "convert",
    "snapshot",
    "diff",
    "draw",
    "repair",
    "explain",
    "schema",
    "reference",
    "demo",
)
"""In the order of the help; each is a module of this package, with a command of the same name."""

_COMPLETION = "_GRAPHDIAG_COMPLETE"
"""The environment variable in which a shell's completion script asks for completions."""


class _Commands(click.Group):
    """Imports a command when it is needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"graphdiag.cli.{cmd_name}"), cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.NoSuchCommand as error:
            # click looks for the nearest name among commands that are already imported.
            raise click.NoSuchCommand(error.command_name, possibilities=_COMMANDS, ctx=ctx) from None


def _print_completion(ctx: click.Context, _: click.Parameter, shell: str | None) -> None:
    if shell is None:
        return
    from click.shell_completion import get_completion_class

    completion = get_completion_class(shell)
    assert completion is not None
    click.echo(completion(ctx.command, {}, "graphdiag", _COMPLETION).source())
    ctx.exit()


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="graphdiag", message="%(prog)s %(version)s", help="Print the version.")
@click.option(
    "--show-completion",
    type=click.Choice(["bash", "zsh", "fish"]),
    is_eager=True,
    expose_value=False,
    callback=_print_completion,
    help="Print the script that completes commands and options in a shell.",
)
def _app() -> None:
    """Tell which edges of TensorBoard's graph are in your Keras model, which are not, and why."""


def main() -> None:
    """Run the command line; an error ends in one line and exit status 2.

    `graphdiag.__main__` has made the process ready for it.
    """
    # The collector would walk all that is imported again and again.
    gc.set_threshold(100_000)
    try:
        # A command returns its exit status, or nothing for 0.
        sys.exit(_app.main(prog_name="graphdiag", complete_var=_COMPLETION, standalone_mode=False))
    except (GraphdiagError, click.ClickException) as error:
        if "--debug" in sys.argv[1:]:
            traceback.print_exc()
        if isinstance(error, GraphdiagError):
            _complain(error.brief or str(error))
            for row in error.lines:
                print(_printable(row), file=sys.stderr)
        elif sys.argv[1:]:
            _complain(_sentence(error.format_message()))
        else:
            # The message is the help.
            print(error.format_message(), file=sys.stderr)
        sys.exit(2)
    except MemoryError:
        # Whatever was being made is let go of before anything is said.
        _complain("this takes more memory than there is; give a smaller graph, or run it where there is more.")
        sys.exit(2)
    except click.Abort:
        # What click makes of a KeyboardInterrupt that no signal caused; as silent as one that a signal did.
        sys.exit(130)
    finally:
        # The process ends; a last collection would only look at everything once more.
        gc.freeze()


def _complain(text: str) -> None:
    print(f"graphdiag: {shortened(_printable(text))}", file=sys.stderr)


def _printable(text: str) -> str:
    line = "".join(character if character.isprintable() else " " for character in text)
    # A character that the stream's encoding lacks comes out as an escape of up to ten.
    return line.encode(sys.stderr.encoding, "backslashreplace").decode(sys.stderr.encoding)


def _sentence(message: str) -> str:
    """Make a whole sentence of what click says about the command line."""
    said = message.rstrip()
    return f"{said if said.endswith(('.', '?', '?)')) else said + '.'} See --help."
