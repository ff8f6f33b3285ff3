"""``graphdiag check``: hold models against the contracts of a team."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graphdiag.cli.options import Debug, Ignore, Outputs, Select, codes_of
from graphdiag.cli.progress import bar
from graphdiag.cli.writing import pairs_of, write_result
from graphdiag.errors import UsageError
from graphdiag.output import put
from graphdiag.render.registry import Format


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
    select: Select = None,
    ignore: Ignore = None,
    jobs: Annotated[int, typer.Option("-j", "--jobs", min=1, help="How many models are checked at a time.")] = 1,
    update_baseline: Annotated[
        bool, typer.Option("--update-baseline", help="Accept today's findings: write them to the baseline.")
    ] = False,
    format_: Annotated[
        list[Format] | None, typer.Option("--format", help="How the report is written; may be repeated.")
    ] = None,
    output: Outputs = None,
    debug: Debug = False,
) -> None:
    """Hold models against the contracts of a team, as CI does."""
    from graphdiag.checking.baseline import to_json
    from graphdiag.checking.check import check as run_check
    from graphdiag.checking.check import check_and_accept
    from graphdiag.checking.config import Config, find_config, read_config
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
    codes, without = codes_of(select or []), codes_of(ignore or [])
    choose(all_rules(), codes, without)
    wanted = wanted.choosing(codes, without)
    pairs = pairs_of(format_ or [Format.TEXT], output or [])
    with bar([each.name for each in wanted.models]) as tell:
        if update_baseline:
            report, accepted = check_and_accept(wanted, jobs=jobs, progress=tell)
            put(to_json(accepted), wanted.baseline)
        else:
            report = run_check(wanted, jobs=jobs, progress=tell)
    write_result(report, pairs)
    raise typer.Exit(report.exit_status)
