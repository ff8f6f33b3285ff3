"""``graphdiag diff``: what changed between two models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphdiag.cli.options import Debug, GraphKind, Outputs, Rankdir, ShowShapes, arguments_of, shape_of
from graphdiag.cli.progress import opening
from graphdiag.cli.writing import pairs_of, write_result
from graphdiag.errors import UsageError
from graphdiag.picture_style import Direction, PictureStyle
from graphdiag.render.registry import Format

if TYPE_CHECKING:
    from graphdiag.modeldiff.snapshot import Snapshot


def diff(
    old: Annotated[Path, typer.Argument(help="The model before: a snapshot, or any source that compare takes.")],
    new: Annotated[Path, typer.Argument(help="The model after: a snapshot, or any source that compare takes.")],
    old_model: Annotated[Path | None, typer.Option(help="File with the layer graph of OLD.")] = None,
    new_model: Annotated[Path | None, typer.Option(help="File with the layer graph of NEW.")] = None,
    old_run: Annotated[str | None, typer.Option(help="Run of a log that holds several, for OLD.")] = None,
    new_run: Annotated[str | None, typer.Option(help="Run of a log that holds several, for NEW.")] = None,
    old_tag: Annotated[str | None, typer.Option(help="Tag of a log that holds several, for OLD.")] = None,
    new_tag: Annotated[str | None, typer.Option(help="Tag of a log that holds several, for NEW.")] = None,
    old_entry: Annotated[str | None, typer.Option(help="Model, or function, of a Python file, for OLD.")] = None,
    new_entry: Annotated[str | None, typer.Option(help="Model, or function, of a Python file, for NEW.")] = None,
    old_arg: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="Argument of that function, for OLD.")
    ] = None,
    new_arg: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="Argument of that function, for NEW.")
    ] = None,
    graph: Annotated[GraphKind | None, typer.Option(help="Op graph of live models, on both sides.")] = None,
    input_shape: Annotated[
        str | None, typer.Option(metavar="N,N,...", help="Shape of the input of unbuilt models, on both sides.")
    ] = None,
    format_: Annotated[
        list[Format] | None, typer.Option("--format", help="How the changes are written; may be repeated.")
    ] = None,
    output: Outputs = None,
    rankdir: Rankdir = Direction.TB,
    show_shapes: ShowShapes = False,
    debug: Debug = False,
) -> None:
    """Say what changed between two models; exit with status 1 when something did."""
    from graphdiag.modeldiff.differ import diff as compare_snapshots

    pairs = pairs_of(format_ or [Format.TEXT], output or [])
    live = {"graph": graph.value if graph else None, "input_shape": shape_of(input_shape)}
    if any(live.values()) and not any(source.suffix == ".py" for source in (old, new)):
        raise UsageError("--graph and --input-shape apply to Python files, and neither OLD nor NEW is one.")
    before = _snapshot(old, "old-", old_model, old_run, old_tag, old_entry, old_arg, live)
    after = _snapshot(new, "new-", new_model, new_run, new_tag, new_entry, new_arg, live)
    found = replace(compare_snapshots(before, after), titles=(str(old), str(new)))
    style = PictureStyle(rankdir, show_shapes)

    write_result(found, pairs, style)
    if not found.equal:
        raise typer.Exit(1)


def _snapshot(
    source: Path,
    side: str,
    model: Path | None,
    run: str | None,
    tag: str | None,
    entry: str | None,
    arg: list[str] | None,
    live: Mapping[str, Any],
) -> Snapshot:
    """Read or take a snapshot; the options of live models apply where the source is one."""
    from graphdiag.modeldiff.run import is_saved
    from graphdiag.modeldiff.run import snapshot as open_snapshot

    options = {"model": model, "run": run, "tag": tag, "entry": entry}
    given = [f"--{side}{name}" for name, value in {**options, "arg": arg}.items() if value]
    if given and is_saved(source):
        verb = "apply" if len(given) > 1 else "applies"
        raise UsageError(f"{' and '.join(given)} {verb} to sources that are opened, and {source} is a saved file.")
    with opening(source):
        return open_snapshot(
            source, **options, arguments=arguments_of(arg or []), **(live if source.suffix == ".py" else {})
        )
