"""``graphdiag repair``: a log in which TensorBoard draws the model as it was written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from graphdiag.cli import options
from graphdiag.cli.progress import opening
from graphdiag.cli.reading import only_read
from graphdiag.errors import UsageError


@click.command(
    cls=options.CommandOnSource,
    epilog="""graphdiag repair model.py -o logs/repaired
graphdiag repair logs --model model.json --dry-run""",
)
@click.argument("source", type=options.SOURCE, help="Any source that compare takes.")
@options.opening
@click.option("-o", "--output", type=options.PATH, metavar="LOGDIR", help="Log directory to write.")
@click.option(
    "--group",
    type=options.one_of("auto", "none"),
    default="auto",
    show_default=True,
    help="Put the boxes of a large model (more than 60) into blocks, or leave one box a layer at the top.",
)
@click.option(
    "--keep-functions", is_flag=True, help="Leave calls of library functions as calls, though they hide layers."
)
@click.option("--with-events", is_flag=True, help="Copy the other events of the log's run, such as scalars.")
@click.option("--dry-run", is_flag=True, help="Print the summary and write nothing.")
@options.common
def repair(source: Path | str, output: Path | None, dry_run: bool, **repairing: Any) -> int:
    """Write a log in which TensorBoard draws the model as it was written."""
    if output is None and not dry_run:
        raise UsageError("Give the log directory to write with -o LOGDIR, or --dry-run to write nothing.")
    only_read(source, repairing["model"])
    from graphdiag.output import put
    from graphdiag.render.text.repair import summary
    from graphdiag.repairing.run import repair as run_repair

    with opening(source):
        repaired = run_repair(source, None if dry_run else output, **repairing)
    put(summary(repaired, None if dry_run else output), None)
    return 0
