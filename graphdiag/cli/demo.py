"""``graphdiag demo``: an answer without a model of one's own."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import click

from graphdiag.cli import options
from graphdiag.cli.help_page import Command
from graphdiag.cli.reading import only_read
from graphdiag.errors import UsageError

_NEXT = """\
Wrote the log and the model to {directory}. What to try on them:
  graphdiag compare {quoted} --model {model}
  graphdiag compare {quoted} --model {model} -o report.html
  graphdiag repair {quoted} --model {model} -o repaired
  tensorboard --logdir {quoted}"""


@click.command(
    cls=Command,
    epilog="""graphdiag demo
graphdiag demo -o pointcloud""",
)
@click.option(
    "-o",
    "--output",
    type=options.PATH,
    metavar="LOGDIR",
    help="Write the log and the model to this directory instead, to try other commands on them.",
)
@options.common
def demo(output: Path | None) -> None:
    """Compare the graphs of a model that comes with graphdiag."""
    if output is not None:
        _write(output)
        return
    only_read()
    from dataclasses import replace

    from graphdiag.comparison import compare
    from graphdiag.demo_log import MODEL, log_directory
    from graphdiag.output import show
    from graphdiag.render.registry import to_console

    with log_directory() as log:
        report = compare(log, model=log / MODEL)
    origin = replace(report.origin, path="a point-cloud network, Keras 2.1.6")
    show(to_console(replace(report, origin=origin)), None)


def _write(directory: Path) -> None:
    from graphdiag.demo_log import MODEL, contents
    from graphdiag.written_files import write_directory

    if os.path.lexists(directory) and not (directory.is_dir() and not os.listdir(directory)):
        raise UsageError(f"-o {directory}: already exists; give a new or empty directory.")
    write_directory(directory, contents())
    click.echo(
        _NEXT.format(
            directory=directory,
            quoted=shlex.quote(str(directory)),
            model=shlex.quote(str(directory / MODEL)),
        )
    )
