"""The commands: parse, call, print."""

from __future__ import annotations

import io
import json
import sys
import traceback
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from graphdiag.errors import GraphdiagError, UsageError
from graphdiag.output import put, show, standard
from graphdiag.report.check_formats import CheckFormat
from graphdiag.report.formats import Format
from graphdiag.report.look import Direction, Look
from graphdiag.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from rich.console import RenderableType

    from graphdiag.diff.snapshot import Snapshot
    from graphdiag.report.check_report import CheckReport
    from graphdiag.report.report import Report

_F = TypeVar("_F")

app = typer.Typer(
    name="graphdiag",
    help="Tells which edges of TensorBoard's graph are in your Keras model, which are not, and why.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


_UsageOfCommandLine: Any = typer.BadParameter.__bases__[0]
"""Base of the errors that typer finds in the command line; whether click or typer has the class depends on typer's
version."""


class GraphKind(str, Enum):
    """Which op graph of a live model."""

    TRAINING = "training"
    INFERENCE = "inference"
    TRAIN_STEP = "train-step"


class DrawnFormat(str, Enum):
    """How the drawn graph is written."""

    TEXT = "text"
    JSON = "json"
    DOT = "dot"


class FailOn(str, Enum):
    """Which layer edges make the exit status 1."""

    ARTEFACT = "artefact"
    HIDDEN = "hidden"
    MISSING = "missing"
    ANY = "any"


class Stack(str, Enum):
    """The stacks that the reference model is built on."""

    KERAS3 = "keras3"
    TF_KERAS = "tf_keras"
    TF1 = "tf1"


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"graphdiag {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Tells which edges of TensorBoard's graph are in your Keras model, which are not, and why."""


@app.command()
def compare(
    source: Annotated[
        Path,
        typer.Argument(
            help="Python file with a model, TensorBoard log directory or event file, .pb, .pbtxt, SavedModel directory,"
            " .keras, .h5, or Keras JSON."
        ),
    ],
    model: Annotated[
        Path | None, typer.Option(help="File with the layer graph: Keras JSON, .keras, .h5 or a Python file.")
    ] = None,
    run: Annotated[str | None, typer.Option(help="Run of a log that holds several; '.' is the top directory.")] = None,
    tag: Annotated[str | None, typer.Option(help="Tag of a log that holds several op graphs.")] = None,
    entry: Annotated[str | None, typer.Option(help="Model, or function that builds it, in a Python file.")] = None,
    arg: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="Argument of that function; may be repeated.")
    ] = None,
    graph: Annotated[
        GraphKind | None, typer.Option(help="Op graph of a live model; the forward pass in training mode if not given.")
    ] = None,
    input_shape: Annotated[
        str | None,
        typer.Option(metavar="N,N,...", help="Shape of the input, batch first, as None,39, for an unbuilt model."),
    ] = None,
    select: Annotated[
        list[str] | None, typer.Option(metavar="CODES", help="Report these rules only: codes or prefixes, with commas.")
    ] = None,
    ignore: Annotated[list[str] | None, typer.Option(metavar="CODES", help="Do not report these rules.")] = None,
    format_: Annotated[
        list[Format] | None, typer.Option("--format", help="How the report is written; may be repeated.")
    ] = None,
    output: Annotated[
        list[Path] | None,
        typer.Option("-o", "--output", help="File to write to; one for each --format, '-' for standard output."),
    ] = None,
    rankdir: Annotated[Direction, typer.Option(help="Which way pictures run.")] = Direction.TB,
    show_shapes: Annotated[bool, typer.Option("--show-shapes", help="Show output shapes in pictures.")] = False,
    verify: Annotated[
        bool, typer.Option("--verify", help="Run the graph on random inputs, to prove each verdict once more.")
    ] = False,
    fail_on: Annotated[FailOn | None, typer.Option(help="Exit with status 1 when there is such an edge.")] = None,
    debug: Annotated[bool, typer.Option(help="Show the traceback of an error.")] = False,
) -> None:
    """Say which drawn edges are not in the model, why, whom to blame and what to do."""
    from graphdiag.compare import compare as run_compare

    with _progress(source):
        report = run_compare(
            source,
            model=model,
            run=run,
            tag=tag,
            entry=entry,
            arguments=_arguments(arg or []),
            graph=graph.value if graph else None,
            input_shape=_shape(input_shape),
            select=_codes(select or []),
            ignore=_codes(ignore or []),
            verify=verify,
        )
    _write(report, format_ or [], output or [], Look(rankdir, show_shapes))
    if fail_on and report.summary.met(fail_on.value):
        raise typer.Exit(1)


@app.command()
def check(
    source: Annotated[
        str | None,
        typer.Argument(help="Name or source of a configured model, or another source; all models without one."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="pyproject.toml or graphdiag.toml; looked for from here upwards if not given.")
    ] = None,
    model: Annotated[
        Path | None, typer.Option(help="File with the layer graph of SOURCE: Keras JSON, .keras, .h5 or a Python file.")
    ] = None,
    select: Annotated[
        list[str] | None, typer.Option(metavar="CODES", help="Report these rules only: codes or prefixes, with commas.")
    ] = None,
    ignore: Annotated[list[str] | None, typer.Option(metavar="CODES", help="Do not report these rules.")] = None,
    jobs: Annotated[int, typer.Option("-j", "--jobs", min=1, help="How many models are checked at a time.")] = 1,
    update_baseline: Annotated[
        bool, typer.Option("--update-baseline", help="Accept today's findings: write them to the baseline.")
    ] = False,
    format_: Annotated[
        list[CheckFormat] | None, typer.Option("--format", help="How the report is written; may be repeated.")
    ] = None,
    output: Annotated[
        list[Path] | None,
        typer.Option("-o", "--output", help="File to write to; one for each --format, '-' for standard output."),
    ] = None,
    debug: Annotated[bool, typer.Option(help="Show the traceback of an error.")] = False,
) -> None:
    """Hold models against the contracts of a team, as CI does."""
    from graphdiag.baseline import to_json
    from graphdiag.check import check as run_check
    from graphdiag.check import check_and_accept
    from graphdiag.config import Config, find_config, read_config
    from graphdiag.diagnosis.registry import all_rules
    from graphdiag.diagnosis.registry import select as choose

    file = config or find_config(Path())
    if file is None and source is None:
        raise UsageError("there is no graphdiag.toml, and no pyproject.toml with [tool.graphdiag], here or above.")
    wanted = read_config(file) if file else Config()
    if source is not None:
        wanted = wanted.only(source, {"model": str(model)} if model else {})
    elif model is not None:
        raise UsageError("--model needs a SOURCE; configured models have the key 'model'.")
    codes, without = _codes(select or []), _codes(ignore or [])
    choose(all_rules(), codes, without)
    wanted = wanted.choosing(codes, without)
    pairs = _pairs(format_ or [CheckFormat.TEXT], output or [])
    with _progress_bar([each.name for each in wanted.models]) as tell:
        if update_baseline:
            report, accepted = check_and_accept(wanted, jobs=jobs, progress=tell)
            put(to_json(accepted), wanted.baseline)
        else:
            report = run_check(wanted, jobs=jobs, progress=tell)
    _write_check(report, pairs)
    raise typer.Exit(report.exit_status)


@app.command()
def convert(
    saved: Annotated[Path, typer.Argument(help="Report that compare wrote with --format json.")],
    format_: Annotated[
        list[Format] | None, typer.Option("--format", help="How the report is written; may be repeated.")
    ] = None,
    output: Annotated[
        list[Path] | None,
        typer.Option("-o", "--output", help="File to write to; one for each --format, '-' for standard output."),
    ] = None,
    rankdir: Annotated[Direction, typer.Option(help="Which way pictures run.")] = Direction.TB,
    show_shapes: Annotated[bool, typer.Option("--show-shapes", help="Show output shapes in pictures.")] = False,
    debug: Annotated[bool, typer.Option(help="Show the traceback of an error.")] = False,
) -> None:
    """Write a saved report in other formats, without the model."""
    from graphdiag.report.document import read

    _write(read(saved), format_ or [], output or [], Look(rankdir, show_shapes))


@app.command()
def snapshot(
    source: Annotated[Path, typer.Argument(help="Any source that compare takes.")],
    model: Annotated[
        Path | None, typer.Option(help="File with the layer graph: Keras JSON, .keras, .h5 or a Python file.")
    ] = None,
    run: Annotated[str | None, typer.Option(help="Run of a log that holds several; '.' is the top directory.")] = None,
    tag: Annotated[str | None, typer.Option(help="Tag of a log that holds several op graphs.")] = None,
    entry: Annotated[str | None, typer.Option(help="Model, or function that builds it, in a Python file.")] = None,
    arg: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="Argument of that function; may be repeated.")
    ] = None,
    graph: Annotated[
        GraphKind | None, typer.Option(help="Op graph of a live model; the forward pass in training mode if not given.")
    ] = None,
    input_shape: Annotated[
        str | None,
        typer.Option(metavar="N,N,...", help="Shape of the input, batch first, as None,39, for an unbuilt model."),
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="File to write to.")] = None,
    debug: Annotated[bool, typer.Option(help="Show the traceback of an error.")] = False,
) -> None:
    """Write down what a graph looks like, in a small file to commit."""
    from graphdiag.compare import compare as run_compare
    from graphdiag.report.snapshot import take

    with _progress(source):
        report = run_compare(
            source,
            model=model,
            run=run,
            tag=tag,
            entry=entry,
            arguments=_arguments(arg or []),
            graph=graph.value if graph else None,
            input_shape=_shape(input_shape),
        )
    put(take(report).to_text(), output)


@app.command()
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
    output: Annotated[
        list[Path] | None,
        typer.Option("-o", "--output", help="File to write to; one for each --format, '-' for standard output."),
    ] = None,
    rankdir: Annotated[Direction, typer.Option(help="Which way pictures run.")] = Direction.TB,
    show_shapes: Annotated[bool, typer.Option("--show-shapes", help="Show output shapes in pictures.")] = False,
    debug: Annotated[bool, typer.Option(help="Show the traceback of an error.")] = False,
) -> None:
    """Say what changed between two models; exit with status 1 when something did."""
    from graphdiag.diff.differ import diff as compare_snapshots
    from graphdiag.report import diff_formats, diff_text

    pairs = _pairs(format_ or [Format.TEXT], output or [])
    live = {"graph": graph.value if graph else None, "input_shape": _shape(input_shape)}
    if any(live.values()) and not any(source.suffix == ".py" for source in (old, new)):
        raise UsageError("--graph and --input-shape apply to Python files, and neither OLD nor NEW is one.")
    before = _snapshot(old, "old-", old_model, old_run, old_tag, old_entry, old_arg, live)
    after = _snapshot(new, "new-", new_model, new_run, new_tag, new_entry, new_arg, live)
    found = replace(compare_snapshots(before, after), titles=(str(old), str(new)))
    look = Look(rankdir, show_shapes)

    def make(format_: Format) -> str | bytes | RenderableType:
        return diff_text.render(found) if format_ is Format.TEXT else diff_formats.render(found, format_, look)

    _put_all(pairs, make)
    if not found.equal:
        raise typer.Exit(1)


@app.command()
def draw(
    source: Annotated[Path, typer.Argument(help="Any source that compare takes and that has an op graph.")],
    run: Annotated[str | None, typer.Option(help="Run of a log that holds several; '.' is the top directory.")] = None,
    tag: Annotated[str | None, typer.Option(help="Tag of a log that holds several op graphs.")] = None,
    depth: Annotated[int, typer.Option(min=1, help="How many levels of boxes to open.")] = 1,
    expand: Annotated[list[str] | None, typer.Option(metavar="NODE", help="A box to open; may be repeated.")] = None,
    conceptual: Annotated[
        bool, typer.Option(help="TensorBoard's conceptual graph of the Keras model instead.")
    ] = False,
    format_: Annotated[DrawnFormat, typer.Option("--format", help="How it is written.")] = DrawnFormat.TEXT,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write to this file.")] = None,
    debug: Annotated[bool, typer.Option(help="Show the traceback of an error.")] = False,
) -> None:
    """Show what TensorBoard draws: boxes, arrows, and what was pulled out and why."""
    from graphdiag.compare import drawn_graph

    with _progress(source):
        drawn = drawn_graph(source, run=run, tag=tag, conceptual=conceptual)
    absent = [name for name in expand or [] if name not in drawn]
    if absent:
        raise UsageError(f"--expand {absent[0]}: there is no such node; {_nearest(absent[0], drawn.index)}.")
    if format_ is DrawnFormat.JSON:
        put(json.dumps(drawn.to_dict(), indent=1) + "\n", output)
    elif format_ is DrawnFormat.DOT:
        from graphdiag.report.drawn_dot import to_dot

        put(to_dot(drawn, depth), output)
    else:
        from graphdiag.report.drawn_tree import render

        show(render(drawn, depth, expand or ()), output)


@app.command()
def explain(
    code: Annotated[
        str | None, typer.Argument(help="Code of a rule, as GD101; all rules are listed without one.")
    ] = None,
) -> None:
    """Say what a rule finds, why it matters, and what to do."""
    from graphdiag.diagnosis.registry import all_rules, find_rule
    from graphdiag.report.explain import every, one

    show(every(all_rules()) if code is None else one(find_rule(all_rules(), code)), None)


def _nearest(name: str, names: Iterable[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, list(names), n=3, cutoff=0.5)
    return f"did you mean {', '.join(close)}" if close else "see the list without it"


@app.command()
def schema(
    name: Annotated[
        str, typer.Argument(help="Which document: report, as compare --format json writes it, drawn, or check.")
    ] = "report",
) -> None:
    """Print the JSON Schema of a document that graphdiag writes."""
    from graphdiag.report.schemas import schema as of_document

    put(of_document(name), None)


@app.command()
def reference(
    logdir: Annotated[Path, typer.Option(help="Directory to write the log to.")],
    stack: Annotated[
        Stack, typer.Option(help="Keras 3, tf_keras, or tf_keras in TF 1 graph mode as Keras up to 2.2 behaved there.")
    ] = Stack.KERAS3,
    debug: Annotated[bool, typer.Option(help="Show the traceback of an error.")] = False,
) -> None:
    """Build the reference model and write the log that TensorBoard shows of it."""
    from graphdiag.reference import write_log

    with _spinner("loading TensorFlow and building the model"):
        write_log(stack.value, logdir)
    typer.echo(f"Wrote the log of the reference model to {logdir}; look at it with: tensorboard --logdir {logdir}")


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
    from graphdiag.snapshots import is_saved
    from graphdiag.snapshots import snapshot as open_snapshot

    options = {"model": model, "run": run, "tag": tag, "entry": entry}
    given = [f"--{side}{name}" for name, value in {**options, "arg": arg}.items() if value]
    if given and is_saved(source):
        verb = "apply" if len(given) > 1 else "applies"
        raise UsageError(f"{' and '.join(given)} {verb} to sources that are opened, and {source} is a saved file.")
    with _progress(source):
        return open_snapshot(
            source, **options, arguments=_arguments(arg or []), **(live if source.suffix == ".py" else {})
        )


def _codes(lists: list[str]) -> list[str]:
    return [code for text in lists for code in text.split(",") if code.strip()]


def _arguments(pairs: list[str]) -> dict[str, str]:
    arguments = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise UsageError(f"--arg {pair}: write it as KEY=VALUE.")
        arguments[key] = value
    return arguments


def _shape(text: str | None) -> tuple[int | None, ...] | None:
    if text is None:
        return None
    try:
        return tuple(None if part.strip() in ("None", "?") else int(part) for part in text.strip("() ,").split(","))
    except ValueError:
        raise UsageError(f"--input-shape {text}: write it as numbers with commas, the batch first: None,39.") from None


def _spinner(what: str) -> AbstractContextManager[object]:
    """A sign of life on standard error while something slow happens; nothing when that is no terminal."""
    from rich.console import Console

    return Console(stderr=True).status(f"{what} ...")


def _progress(source: Path) -> AbstractContextManager[object]:
    return _spinner("loading TensorFlow and tracing the model" if source.suffix == ".py" else "reading")


def _write(report: Report, formats: list[Format], outputs: list[Path], look: Look) -> None:
    """Write a report in each of its formats."""
    from graphdiag.report.formats import render
    from graphdiag.report.terminal import render as render_text

    def make(format_: Format) -> str | bytes | RenderableType:
        return render_text(report) if format_ is Format.TEXT else render(report, format_, look)

    _put_all(_pairs(formats or [Format.TEXT], outputs), make)


def _write_check(report: CheckReport, pairs: list[tuple[CheckFormat, Path | None]]) -> None:
    """Write a check report in each of its formats."""
    from graphdiag.report.check_formats import render
    from graphdiag.report.check_text import render as render_text

    def make(format_: CheckFormat) -> str | bytes | RenderableType:
        return render_text(report) if format_ is CheckFormat.TEXT else render(report, format_)

    _put_all(pairs, make)


def _put_all(pairs: list[tuple[_F, Path | None]], make: Callable[[_F], str | bytes | RenderableType]) -> None:
    """Write something in each of its formats; all are made before the first is written."""
    ready = [(make(format_), output) for format_, output in pairs]
    for content, output in ready:
        if isinstance(content, (str, bytes)):
            put(content, output)
        else:
            show(content, output)


@contextmanager
def _progress_bar(names: Sequence[str]) -> Iterator[Callable[[str], None]]:
    """A bar on standard error that counts the models that are done; nothing when that is no terminal."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task("checking models", total=len(names))
        yield lambda _: progress.advance(bar)


def _pairs(formats: list[_F], outputs: list[Path]) -> list[tuple[_F, Path | None]]:
    """Each format with its file; one format alone may go without."""
    if len(formats) == 1 and not outputs:
        return [(formats[0], None)]
    if len(formats) != len(outputs):
        raise UsageError(
            f"{len(formats)} --format and {len(outputs)} -o: give an -o for each --format, '-' for standard output."
        )
    named = [output for output in outputs if not standard(output)]
    for output in named:
        if named.count(output) > 1:
            raise UsageError(f"-o {output}: stands twice; give each --format its own file.")
    return list(zip(formats, outputs, strict=True))


def main() -> None:
    """Run the command line; an error ends in one line and exit status 2."""
    # Names come from users, and not every terminal has their characters.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        sys.exit(app(standalone_mode=False))
    except (GraphdiagError, _UsageOfCommandLine) as error:
        if "--debug" in sys.argv[1:]:
            traceback.print_exc()
        if isinstance(error, GraphdiagError):
            line = f"graphdiag: {error}"
            print("".join(character if character.isprintable() else " " for character in line), file=sys.stderr)
        elif "\n" in error.format_message():
            # No arguments at all: the message is the help.
            print(error.format_message(), file=sys.stderr)
        else:
            print(f"graphdiag: {error.format_message()} See --help.", file=sys.stderr)
        sys.exit(2)
