"""Options that several commands have, and how their values are read.

A group of options is one decorator, and the names of its values are those of the parameters that they are for: a
command passes on what it is given as ``**opening``.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from functools import reduce
from pathlib import Path
from typing import Any, TypeVar

import click

from graphdiag.cli.help_page import Command
from graphdiag.errors import UsageError
from graphdiag.picture_style import Direction
from graphdiag.render.registry import WRITERS, Format, formats_of
from graphdiag.source_names import may_be_python, path_or_address

_E = TypeVar("_E", bound=Enum)
_Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

PATH = click.Path(path_type=Path)
"""A path that is read or written; whether it can be is for the code that does so to say."""


class _Source(click.ParamType[Path | str]):
    """A path, or an address, which stays as it was typed: as a path, it would have one ``/`` for two."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path | str:
        """Read what was typed.

        Raises:
            UsageError: Nothing was typed: a variable of a shell that is not set must not mean the working directory.
        """
        if not str(value):
            raise UsageError("The path is empty; give . for the working directory.")
        return path_or_address(value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        """Files and directories, as for `PATH`."""
        return PATH.shell_complete(ctx, param, incomplete)


SOURCE = _Source()
"""A source that is opened: a path or an address."""


class ValueOf(click.Choice[_E]):
    """One of an enum's values, in any case; click itself would take the names of its members."""

    def normalize_choice(self, choice: object, ctx: click.Context | None) -> str:
        """The text that stands for a member on the command line."""
        return (str(choice.value) if isinstance(choice, Enum) else str(choice)).casefold()


def one_of(*values: str) -> click.Choice[str]:
    """One of some words, in any case."""
    return click.Choice(values, case_sensitive=False)


class CommandOnSource(Command):
    """A command on a source; what stands after ``--`` is the command line of a Python file or module."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take what is for the file out first; without one before it, ``--`` means what it always does."""
        at = args.index("--") if "--" in args else len(args)
        of_file = any(may_be_python(argument) for argument in args[:at])
        rest = super().parse_args(ctx, args[:at] if of_file else args)
        ctx.params["script_arguments"] = self.command_line(args[at + 1 :] if of_file else [])
        return rest

    def command_line(self, given: Sequence[str]) -> Any:
        """What the command is given of what stands after ``--``."""
        return tuple(given)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """The pieces of the usage line."""
        return [*super().collect_usage_pieces(ctx), "[-- ARGUMENTS...]"]


class CommandOnTwoSources(CommandOnSource):
    """A command on two sources; what stands after ``--`` is for both, and after a second ``--`` for the second one."""

    def command_line(self, given: Sequence[str]) -> Any:
        """The command line of each."""
        at = given.index("--") if "--" in given else len(given)
        return tuple(given[:at]), tuple(given[at + 1 :] if at < len(given) else given)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """The pieces of the usage line."""
        *others, _ = super().collect_usage_pieces(ctx)
        return [*others, "[-- ARGUMENTS... [-- ARGUMENTS...]]"]


def at_least_one(_: click.Context, __: click.Parameter, value: int) -> int:
    """The callback of an option that takes a positive number."""
    if value < 1:
        raise click.BadParameter(f"{value} is less than 1.")
    return value


def none_or_at_least_one(ctx: click.Context, param: click.Parameter, value: int | None) -> int | None:
    """The callback of an option that takes a positive number and may be left out."""
    return None if value is None else at_least_one(ctx, param, value)


def formats(result_type: str, what: str) -> _Decorator:
    """The option ``--format``, which may be repeated; text if it is not given.

    Args:
        result_type: The kind of result, as ``check``.
        what: What is written.
    """
    return _format_option(formats_of(result_type), what)


def formats_of_any(what: str) -> _Decorator:
    """As `formats`, with the formats of every kind of result."""
    return _format_option(
        [format_ for format_ in Format if any(format_ in formats for formats in WRITERS.values())], what
    )


def _format_option(choices: Sequence[Format], what: str) -> _Decorator:
    names = ", ".join(format_.value for format_ in choices)
    return click.option(
        "--format",
        "--output-format",
        "formats",
        type=ValueOf(choices),
        multiple=True,
        metavar="FORMAT",
        help=f"How {what} written: {names}. By the suffix of -o, else text, if not given. May be repeated.",
    )


def _together(*options: _Decorator) -> _Decorator:
    """One decorator for several options, in the order of the help."""
    return lambda command: reduce(lambda decorated, option: option(decorated), reversed(options), command)


def _arguments(_: click.Context, param: click.Parameter, pairs: Iterable[str]) -> dict[str, str]:
    arguments = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageError(f"{param.opts[0]} {pair}: write it as KEY=VALUE.")
        arguments[key] = value
    return arguments


def _shape(_: click.Context, param: click.Parameter, text: str | None) -> tuple[int | None, ...] | None:
    """``None`` in a shape stands for a size that is not known."""
    if text is None:
        return None
    try:
        return tuple(None if part.strip() in ("None", "?") else int(part) for part in text.strip("() ,").split(","))
    except ValueError:
        raise UsageError(
            f"{param.opts[0]} {text}: write it as numbers with commas, the batch first: None,39."
        ) from None


def _codes(_: click.Context, __: click.Parameter, lists: Iterable[str]) -> list[str]:
    """Codes of rules, given one by one or with commas."""
    return [code for text in lists for code in text.split(",") if code.strip()]


run = click.option(
    "--run",
    metavar="RUN",
    help="Run of a log that holds several: its name, its beginning, a pattern as 'exp*', or latest.",
)
tag = click.option("--tag", metavar="TAG", help="Tag of a log that holds several op graphs.")

live = _together(
    click.option(
        "--graph",
        type=one_of("training", "inference", "train-step"),
        help="Op graph of a live model; the forward pass in training mode if not given.",
    ),
    click.option(
        "--input-shape",
        metavar="N,N,...",
        callback=_shape,
        help="Shape of the input, batch first, as None,39, for an unbuilt model.",
    ),
)
"""Which op graph is traced of a model in a Python file."""

source = _together(
    run,
    tag,
    click.option("--entry", metavar="NAME", help="Model, or function that builds it, in a Python file."),
    click.option(
        "--arg",
        "arguments",
        multiple=True,
        metavar="KEY=VALUE",
        callback=_arguments,
        help="Argument of that function; may be repeated.",
    ),
    live,
    click.option(
        "--load", is_flag=True, help="Have Keras load a .keras or .h5 file, which runs its code, and trace it."
    ),
    click.option(
        "--unsafe", is_flag=True, help="With --load: run Python code that the file holds, as of Lambda layers."
    ),
    click.option(
        "--run-to-end", is_flag=True, help="Run a Python file as Python runs it, training and writing included."
    ),
)
"""How a source is opened by itself: the keyword arguments of `graphdiag.drawn_graph`."""

opening = _together(
    click.option(
        "--model",
        type=SOURCE,
        metavar="FILE",
        help="File with the layer graph: Keras JSON, .keras, .h5 or a Python file.",
    ),
    source,
)
"""How a source is opened: the keyword arguments of `graphdiag.snapshot`."""


def opening_side(side: str) -> _Decorator:
    """How one of two sources is opened: ``--old-run`` for `run`, and so on.

    Args:
        side: ``old`` or ``new``.
    """
    of = side.upper()
    return _together(
        click.option(f"--{side}-model", type=SOURCE, metavar="FILE", help=f"File with the layer graph of {of}."),
        click.option(f"--{side}-run", metavar="RUN", help=f"Run of a log that holds several, for {of}."),
        click.option(f"--{side}-tag", metavar="TAG", help=f"Tag of a log that holds several, for {of}."),
        click.option(f"--{side}-entry", metavar="NAME", help=f"Model, or function, of a Python file, for {of}."),
        click.option(
            f"--{side}-arg",
            f"{side}_arguments",
            multiple=True,
            metavar="KEY=VALUE",
            callback=_arguments,
            help=f"Argument of that function, for {of}.",
        ),
        click.option(f"--{side}-load", is_flag=True, help=f"Have Keras load {of}, a .keras or .h5 file, and trace it."),
        click.option(f"--{side}-unsafe", is_flag=True, help=f"With --{side}-load: run Python code that {of} holds."),
        click.option(f"--{side}-run-to-end", is_flag=True, help=f"Run {of} as Python runs it, training included."),
    )


choosing = _together(
    click.option(
        "--select",
        multiple=True,
        metavar="CODES",
        callback=_codes,
        help="Report these rules only: codes or prefixes, with commas.",
    ),
    click.option("--ignore", multiple=True, metavar="CODES", callback=_codes, help="Do not report these rules."),
)
"""Which rules are reported."""

outputs = click.option(
    "-o",
    "--output",
    "outputs",
    type=PATH,
    multiple=True,
    metavar="FILE",
    help="File to write to; one for each --format, '-' for standard output.",
)

output = click.option("-o", "--output", type=PATH, metavar="FILE", help="File to write to.")

report_formats = _together(formats("report", "the report is"), outputs)

style = _together(
    click.option(
        "--rankdir",
        type=ValueOf(Direction),
        default=Direction.TB,
        show_default=True,
        help="Which way pictures run.",
    ),
    click.option("--show-shapes", is_flag=True, help="Show output shapes in pictures."),
)
"""How pictures look: the arguments of `PictureStyle`."""


def _without_color(_: click.Context, __: click.Parameter, value: bool) -> None:
    if value:
        os.environ["NO_COLOR"] = "1"


common = _together(
    click.option(
        "--no-color",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_without_color,
        help="Print without color, as NO_COLOR in the environment does.",
    ),
    # Read by `main`, which prints the error.
    click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error."),
)
"""What every command has."""

scheduler = click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Run on the Dask cluster of this scheduler, as tcp://host:8786; 'local' starts one here.",
)

exit_zero = click.option("--exit-zero", is_flag=True, help="Exit with status 0 whatever was found; errors stay errors.")


def _less(name: str, flag: str, text: str) -> _Decorator:
    return click.option(*flag.split("/"), "less", flag_value=name, help=text)


quiet = _less("answer", "-q/--quiet", "Print the answer only.")
statistics = _less("statistics", "--statistics", "Print how many findings each rule has.")
"""What the text says in place of everything; the last of the two that is given counts."""
