"""``graphdiag reference``: a log of the reference model."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from graphdiag.cli.options import Debug
from graphdiag.cli.progress import spinner


class Stack(str, Enum):
    """The stacks that the reference model is built on."""

    KERAS3 = "keras3"
    TF_KERAS = "tf_keras"
    TF1 = "tf1"


def reference(
    logdir: Annotated[Path, typer.Option(help="Directory to write the log to.")],
    stack: Annotated[
        Stack, typer.Option(help="Keras 3, tf_keras, or tf_keras in TF 1 graph mode as Keras up to 2.2 behaved there.")
    ] = Stack.KERAS3,
    debug: Debug = False,
) -> None:
    """Build the reference model and write the log that TensorBoard shows of it."""
    from graphdiag.reference import write_log

    with spinner("loading TensorFlow and building the model"):
        write_log(stack.value, logdir)
    typer.echo(f"Wrote the log of the reference model to {logdir}; look at it with: tensorboard --logdir {logdir}")
