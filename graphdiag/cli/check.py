"""``graphdiag check``: hold models against the contracts of a team."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from graphdiag.cli import options
from graphdiag.cli.help_page import Command
from graphdiag.cli.progress import bar
from graphdiag.cli.watching import watching
from graphdiag.cli.writing import check_distinct, pairs_of, write_result
from graphdiag.errors import GraphdiagError, UsageError
from graphdiag.output import standard
from graphdiag.render.registry import Format, formats_of
from graphdiag.version import DOCUMENTATION


def _read_by(values: Mapping[str, Any]) -> Iterator[str | Path]:
    """The configuration and the models that it names, or the source that is no model of it."""
    from graphdiag.checking.config import find_config, read_config

    yield from (values[name] for name in ("source", "model") if values[name])
    try:
        file = values["config"] or find_config(Path())
        if file is None:
            return
        yield file
        for model in read_config(file).models:
            yield model.source
            if "model" in model.options:
                yield model.options["model"]
    except GraphdiagError:
        # The check itself says what is wrong with the configuration.
        return


@click.command(
    cls=Command,
    epilog="""graphdiag check
graphdiag check --format text -o - --format sarif -o graphdiag.sarif""",
)
@click.argument(
    "source",
    type=options.SOURCE,
    required=False,
    help="Name or source of a configured model, or another source; all models without one.",
)
@click.option(
    "--config",
    type=options.PATH,
    metavar="FILE",
    help="pyproject.toml or graphdiag.toml; looked for from here upwards if not given.",
)
@click.option(
    "--model",
    type=options.SOURCE,
    metavar="FILE",
    help="File with the layer graph of SOURCE: Keras JSON, .keras, .h5 or a Python file.",
)
@options.choosing
@click.option(
    "-j",
    "--jobs",
    type=int,
    default=1,
    show_default=True,
    metavar="N",
    callback=options.at_least_one,
    help="How many models are checked at a time.",
)
@options.scheduler
@click.option("--update-baseline", is_flag=True, help="Accept today's findings: write them to the baseline.")
@options.formats("check", "the report is")
@options.outputs
@options.exit_zero
@watching(_read_by)
@options.quiet
@options.statistics
@options.common
def check(
    source: Path | str | None,
    config: Path | None,
    model: Path | str | None,
    select: list[str],
    ignore: list[str],
    jobs: int,
    scheduler: str | None,
    update_baseline: bool,
    formats: tuple[Format, ...],
    outputs: tuple[Path, ...],
    exit_zero: bool,
    less: str | None,
) -> int:
    """Hold models against the contracts of a team, as CI does."""
    from graphdiag.checking.baseline import to_json
    from graphdiag.checking.check import check as run_check
    from graphdiag.checking.check import check_and_accept
    from graphdiag.checking.config import Config, find_config, read_config
    from graphdiag.diagnosis.registry import all_rules
    from graphdiag.diagnosis.registry import select as choose

    file = config or find_config(Path())
    if file is None and source is None:
        raise UsageError(
            "there is no graphdiag.toml, and no pyproject.toml with [tool.graphdiag], here or above; "
            f"{DOCUMENTATION}ci/ shows one."
        )
    wanted = read_config(file) if file else Config()
    if source is not None:
        wanted = wanted.only(source, {"model": str(model)} if model else {})
    elif model is not None:
        raise UsageError("--model needs a SOURCE; configured models have the key 'model'.")
    choose(all_rules(), select, ignore)
    wanted = wanted.choosing(select, ignore)
    pairs = pairs_of(formats, outputs, formats_of("check"))
    if update_baseline and wanted.baseline:
        check_distinct([wanted.baseline, *(file for _, file in pairs if file and not standard(file))])
    baseline: list[tuple[str, Path]] = []
    with bar([each.name for each in wanted.models]) as tell:
        if update_baseline:
            report, accepted = check_and_accept(wanted, jobs=jobs, scheduler=scheduler, progress=tell)
            assert wanted.baseline is not None
            baseline = [(to_json(accepted), wanted.baseline)]
        else:
            report = run_check(wanted, jobs=jobs, scheduler=scheduler, progress=tell)
    write_result(report, pairs, others=baseline, less=less)
    return 0 if exit_zero and report.exit_status == 1 else report.exit_status
