"""``graphdiag reference``: a log of the reference model."""

from __future__ import annotations

from pathlib import Path

import click

from graphdiag.cli import options
from graphdiag.cli.help_page import Command
from graphdiag.cli.progress import spinner


@click.command(cls=Command)
@click.option("--logdir", type=options.PATH, metavar="DIR", required=True, help="Directory to write the log to.")
@click.option(
    "--stack",
    type=options.one_of("keras3", "tf_keras", "tf1"),
    default="keras3",
    show_default=True,
    help="Keras 3, tf_keras, or tf_keras in TF 1 graph mode as Keras up to 2.2 behaved there.",
)
@options.common
def reference(logdir: Path, stack: str) -> None:
    """Build the reference model and write its log for TensorBoard."""
    from graphdiag.reference import write_log

    with spinner("loading TensorFlow and building the model"):
        write_log(stack, logdir)
    click.echo(f"Wrote the log of the reference model to {logdir}; look at it with: tensorboard --logdir {logdir}")
