"""``graphdiag scan``: compare every run and model below some places."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from graphdiag.cli import options
from graphdiag.cli.help_page import Command
from graphdiag.cli.progress import counter
from graphdiag.cli.reading import import_numpy_without_threads
from graphdiag.cli.scan_files import RowsAsTheyCome, write_scan
from graphdiag.cli.writing import pairs_of
from graphdiag.errors import UsageError
from graphdiag.render.registry import Format, formats_of

if TYPE_CHECKING:
    from graphdiag.results.scan_rows import ScanRow

_ONLY = ("artifact", "hidden", "missing", "any", "unreadable")


def _columns(_: click.Context, __: click.Parameter, text: str | None) -> tuple[str, ...]:
    return tuple(column.strip() for column in (text or "").split(",") if column.strip())


@click.command(
    cls=Command,
    epilog="""graphdiag scan logs
graphdiag scan s3://bucket/runs --store .graphdiag -o scan.html --format jsonl -o scan.jsonl
graphdiag scan models --python --only hidden""",
)
@click.argument(
    "paths",
    nargs=-1,
    required=True,
    metavar="PATH...",
    type=options.SOURCE,
    help="Directories, files, addresses such as s3://bucket/runs, and patterns of them.",
)
@click.option("--python", is_flag=True, help="Run Python files and notebooks too, for the models in them.")
@options.choosing
@options.formats("scan", "the scan is")
@options.outputs
@click.option("--pages", metavar="DIR", help="Write each run's own page here, which the page of --format html opens.")
@click.option(
    "--sort",
    metavar="COLUMN,...",
    callback=_columns,
    help="Order of rows, as 'hidden' or '-written'; what needs attention first if not given.",
)
@click.option("--only", type=options.one_of(*_ONLY), help="Show such rows only.")
@click.option("--top", type=int, metavar="N", callback=options.none_or_at_least_one, help="Show so many rows.")
@click.option("--store", metavar="DIR", help="Keep results here, and do not compare again what has not changed.")
@click.option(
    "-j",
    "--jobs",
    type=int,
    metavar="N",
    callback=options.none_or_at_least_one,
    help="How many runs are compared at a time; one for each core if not given.",
)
@options.scheduler
@click.option("--seconds", type=float, default=300, show_default=True, metavar="N", help="Time for one run.")
@click.option("--memory", type=float, default=4, show_default=True, metavar="GIB", help="Memory for one run.")
@click.option("--fail-on", type=options.one_of(*_ONLY), help="Exit with status 1 when there is such a row.")
@options.exit_zero
@options.common
def scan(
    paths: tuple[Path | str, ...],
    python: bool,
    select: list[str],
    ignore: list[str],
    formats: tuple[Format, ...],
    outputs: tuple[Path, ...],
    pages: str | None,
    sort: tuple[str, ...],
    only: str | None,
    top: int | None,
    store: str | None,
    jobs: int | None,
    scheduler: str | None,
    seconds: float,
    memory: float,
    fail_on: str | None,
    exit_zero: bool,
) -> int:
    """Compare every run and model below some places, and say what they have in common."""
    if seconds <= 0 or memory <= 0:
        raise UsageError("--seconds and --memory: give a number greater than 0.")
    import_numpy_without_threads()
    from graphdiag.results.scan_report import View
    from graphdiag.scanning.scan import scan as run_scan

    pairs = pairs_of(formats, outputs, formats_of("scan"))
    streamed = [(format_, file) for format_, file in pairs if format_ is Format.JSONL]
    with ExitStack() as stack:
        tell = stack.enter_context(counter("comparing runs"))
        lines = [stack.enter_context(RowsAsTheyCome(file)) for _, file in streamed]

        def progress(row: ScanRow | None) -> None:
            tell()
            if row is not None:
                for each in lines:
                    each.add(row)

        report = run_scan(
            *(str(path) for path in paths),
            python=python,
            select=select,
            ignore=ignore,
            store=store,
            pages=pages,
            jobs=jobs,
            scheduler=scheduler,
            seconds=seconds,
            memory=int(memory * 2**30),
            view=View(sort, only or "", top),
            progress=progress,
        )
    write_scan(report, [pair for pair in pairs if pair not in streamed])
    if not fail_on or exit_zero:
        return 0
    return 1 if report.rows.count(fail_on) else 0
