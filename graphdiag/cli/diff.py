"""``graphdiag diff``: what changed between two models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graphdiag.cli import options
from graphdiag.cli.blas import import_numpy_without_threads
from graphdiag.cli.help_page import Command
from graphdiag.cli.progress import opening
from graphdiag.cli.writing import pairs_of, write_result
from graphdiag.errors import UsageError
from graphdiag.picture_style import Direction, PictureStyle
from graphdiag.render.registry import Format, formats_of
from graphdiag.source_names import is_python

if TYPE_CHECKING:
    from graphdiag.modeldiff.snapshot import Snapshot


@click.command(
    cls=Command,
    epilog="""graphdiag diff old.keras new.keras
graphdiag diff snapshot.json model.py --format markdown""",
)
@click.argument("old", type=options.SOURCE, help="The model before: a snapshot, or any source that compare takes.")
@click.argument("new", type=options.SOURCE, help="The model after: a snapshot, or any source that compare takes.")
@options.opening_side("old")
@options.opening_side("new")
@options.live
@options.formats("diff", "the changes are")
@options.outputs
@click.option("--ops", is_flag=True, help="Tell other ops and findings also where they follow from other changes.")
@click.option("--strict", is_flag=True, help="Exit with status 2 when not everything could be compared.")
@options.style
@options.exit_zero
@options.quiet
@options.common
def diff(
    old: Path | str,
    new: Path | str,
    graph: str | None,
    input_shape: tuple[int | None, ...] | None,
    formats: tuple[Format, ...],
    outputs: tuple[Path, ...],
    ops: bool,
    strict: bool,
    rankdir: Direction,
    show_shapes: bool,
    exit_zero: bool,
    less: str | None,
    **sides: Any,
) -> int:
    """Say what changed between two models. The exit status is 1 when something did."""
    import_numpy_without_threads(old, new, sides["old_model"], sides["new_model"])
    from graphdiag.modeldiff.differ import diff as compare_snapshots

    pairs = pairs_of(formats, outputs, formats_of("diff"))
    live = {"graph": graph, "input_shape": input_shape}
    if any(live.values()) and not any(map(is_python, (old, new))):
        raise UsageError("--graph and --input-shape apply to Python files, and neither OLD nor NEW is one.")
    before, after = _snapshot(old, "old", sides, live), _snapshot(new, "new", sides, live)
    found = replace(compare_snapshots(before, after), titles=(str(old), str(new)), show_ops=ops)
    write_result(found, pairs, PictureStyle(rankdir, show_shapes), less=less)
    if strict and not found.complete:
        raise UsageError(f"--strict: not everything could be compared: {found.not_compared[0]}")
    return 0 if found.equal or exit_zero else 1


def _snapshot(source: Path | str, side: str, sides: Mapping[str, Any], live: Mapping[str, Any]) -> Snapshot:
    """Read or take a snapshot; the options of live models apply where the source is one."""
    from graphdiag.modeldiff.run import is_saved, snapshot

    how = {name: sides[f"{side}_{name}"] for name in ("model", "run", "tag", "entry", "arguments")}
    given = [f"--{side}-{'arg' if name == 'arguments' else name}" for name, value in how.items() if value]
    if given and is_saved(source):
        verb = "apply" if len(given) > 1 else "applies"
        raise UsageError(f"{' and '.join(given)} {verb} to sources that are opened, and {source} is a saved file.")
    with opening(source):
        return snapshot(source, **how, **(live if is_python(source) else {}))
