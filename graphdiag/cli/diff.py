"""``graphdiag diff``: what changed between two models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from graphdiag.cli import options
from graphdiag.cli.progress import opening
from graphdiag.cli.reading import only_read
from graphdiag.cli.writing import pairs_of, write_result
from graphdiag.errors import UsageError
from graphdiag.picture_style import Direction, PictureStyle
from graphdiag.render.registry import Format, formats_of
from graphdiag.source_names import is_python, may_be_python

if TYPE_CHECKING:
    from graphdiag.modeldiff.snapshot import Snapshot

_OF_A_SIDE = ("model", "run", "tag", "entry", "arguments", "load", "unsafe", "run_to_end")


@click.command(
    cls=options.CommandOnTwoSources,
    epilog="""graphdiag diff old.keras new.keras
graphdiag diff train.py train.py -- --width 32 -- --width 64
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
    script_arguments: tuple[Sequence[str], Sequence[str]],
    **sides: Any,
) -> int:
    """Say what changed between two models. The exit status is 1 when something did."""
    only_read(old, new, sides["old_model"], sides["new_model"])
    from graphdiag.modeldiff.differ import diff as compare_snapshots

    pairs = pairs_of(formats, outputs, formats_of("diff"))
    live = {"graph": graph, "input_shape": input_shape}
    runs = [is_python(source) or sides[f"{side}_load"] for source, side in ((old, "old"), (new, "new"))]
    if any(live.values()) and not any(runs):
        raise UsageError(
            "--graph and --input-shape apply to Python files and loaded models, and neither OLD nor NEW is one."
        )
    before, after = (
        _snapshot(
            source, side, sides, {**(live if run else {}), "script_arguments": given if may_be_python(source) else ()}
        )
        for source, side, run, given in zip((old, new), ("old", "new"), runs, script_arguments, strict=True)
    )
    found = replace(compare_snapshots(before, after), titles=(str(old), str(new)), show_ops=ops)
    write_result(found, pairs, PictureStyle(rankdir, show_shapes), less=less)
    if strict and not found.complete:
        raise UsageError(f"--strict: not everything could be compared: {found.not_compared[0]}")
    return 0 if found.equal or exit_zero else 1


def _snapshot(source: Path | str, side: str, sides: Mapping[str, Any], live: Mapping[str, Any]) -> Snapshot:
    """Read or take a snapshot.

    Args:
        source: One of the two.
        side: ``old`` or ``new``.
        sides: The options of both sides.
        live: What is said about models that are traced.
    """
    from graphdiag.modeldiff.run import is_saved, snapshot

    how = {name: sides[f"{side}_{name}"] for name in _OF_A_SIDE}
    given = [
        f"--{side}-{'arg' if name == 'arguments' else name.replace('_', '-')}" for name, value in how.items() if value
    ]
    if given and is_saved(source):
        verb = "apply" if len(given) > 1 else "applies"
        raise UsageError(f"{' and '.join(given)} {verb} to sources that are opened, and {source} is a saved file.")
    with opening(source):
        return snapshot(source, **how, **live)
