"""The check: compare each configured model, and hold the contracts against what was found."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from graphdiag.checking.baseline import (
    Thing,
    accept,
    read_baseline,
    things_of_entries,
    things_of_findings,
    unneeded,
    with_new_names,
)
from graphdiag.checking.config import OFF, Config, ModelConfig
from graphdiag.checking.contracts.contract import Contract, judge
from graphdiag.checking.workers import Died, run_on, run_tasks
from graphdiag.comparison import compare
from graphdiag.diagnosis.finding import Finding, Severity
from graphdiag.diagnosis.registry import EVERY
from graphdiag.errors import ConfigError, GraphdiagError
from graphdiag.parallel.engines import engine
from graphdiag.parallel.processes import UNLIMITED
from graphdiag.results.check_report import (
    UNREAD,
    Accepted,
    CheckedModel,
    CheckReport,
    ContractOutcome,
    ContractStatus,
    Violation,
)
from graphdiag.results.report import Report
from graphdiag.source_names import is_python

Progress = Callable[[str], None]
"""Is told the name of each model when it has been checked."""


def check(
    config: Config, *, jobs: int = 1, scheduler: str | None = None, progress: Progress | None = None
) -> CheckReport:
    """Check models against contracts.

    Models in Python files are run in processes of their own, one process a model, when there are several: names of
    layers are counted through a process, and a model can switch TensorFlow to another mode. So the result does not
    depend on ``jobs`` or on the order of the models.

    Args:
        config: What to check; see `graphdiag.checking.config.read_config`.
        jobs: How many models are checked at a time.
        scheduler: The address of a Dask scheduler, or ``local`` for a Dask cluster on this machine.
        progress: Is told the name of each model when it is done.

    Returns:
        The report. A model or a contract that could not be checked is named in it, and keeps nothing else from being
        checked.

    Raises:
        ConfigError: There is no model to check, or the baseline cannot be read.
    """
    entries = read_baseline(config.baseline) if config.baseline else ()
    found = replace(_checked(config, jobs, scheduler, progress), baseline_absent=entries is None)
    return _without_accepted(found, entries or (), config)


def check_and_accept(
    config: Config, *, jobs: int = 1, scheduler: str | None = None, progress: Progress | None = None
) -> tuple[CheckReport, tuple[Accepted, ...]]:
    """Check, and accept what breaks the contracts about findings today.

    Args:
        config: As for `check`; it must name a baseline.
        jobs: As for `check`.
        scheduler: As for `check`.
        progress: As for `check`.

    Returns:
        The report as it will be with the new baseline, and the new baseline's entries. An entry that is still needed
        keeps its reason; one of a model that could not be compared, or was not to be checked, stays as it is.

    Raises:
        ConfigError: No baseline is configured, or it cannot be read.
    """
    if config.baseline is None:
        file = config.path or "pyproject.toml"
        where = f"to [{config.table}]" if config.table else "at the top, before the first table"
        raise ConfigError(f'{file}: names no baseline; add baseline = "graphdiag-baseline.json" {where}.')
    entries = read_baseline(config.baseline) or ()
    found = _checked(config, jobs, scheduler, progress)
    unseen = _unseen(found, config)
    breaking = list(_breaking(found))
    configured = {model.name for model in config.models} | config.left_out
    before = with_new_names(entries, configured, breaking)
    after = [entry for entry in before if entry.model in unseen]
    after += dict.fromkeys(entry for model, finding in breaking for entry in accept(model, finding, before))
    return _without_accepted(found, after, config), tuple(after)


def report_on(config: Config) -> Report:
    """The report on the one model of a configuration, with its rules and severities, and before any contract.

    Args:
        config: As `Config.only` gives it.

    Raises:
        GraphdiagError: The model cannot be compared.
    """
    [model] = config.models
    return _compare(_task(config, model))


# --- each model ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Task:
    """One model, and what is demanded of it."""

    model: ModelConfig
    contracts: tuple[Contract, ...]
    severity: Mapping[str, str]


_Done = tuple[CheckedModel, tuple[ContractOutcome, ...]]


def _checked(config: Config, jobs: int, scheduler: str | None, progress: Progress | None) -> CheckReport:
    if not config.models:
        where = config.path or "the configuration"
        models = f"{config.table}.models" if config.table else "models"
        raise ConfigError(f"{where}: names no model; add [[{models}]], or give a SOURCE.")
    tasks = [_task(config, model) for model in config.models]
    done: dict[int, _Done] = {}
    for number, result in _run(tasks, jobs, scheduler):
        done[number] = result
        if progress:
            progress(tasks[number].model.name)
    results = [done[number] for number in range(len(tasks))]
    outcomes = [outcome for _, judged in results for outcome in judged]
    order = {contract.name: place for place, contract in enumerate(config.contracts)}
    outcomes.sort(key=lambda outcome: order[outcome.contract])
    return CheckReport(
        config=str(config.path or ""),
        models=tuple(model for model, _ in results),
        outcomes=tuple(outcomes),
        baseline=str(config.baseline or ""),
    )


def _task(config: Config, model: ModelConfig) -> _Task:
    chosen = {"select": config.select, "ignore": config.ignore, **model.options}
    contracts = [contract for contract in config.contracts if contract.models is None or model.name in contract.models]
    return _Task(replace(model, options=chosen), tuple(contracts), config.severity)


def _run(tasks: Sequence[_Task], jobs: int, scheduler: str | None) -> Iterator[tuple[int, _Done]]:
    if scheduler is not None:
        placed = [_Placed(os.getcwd(), task) for task in tasks]
        with engine(jobs, UNLIMITED, _runs_code_there, scheduler) as executor:
            yield from _told(run_on(executor, _check_there, placed, _runs_code_there), tasks)
        return
    if len(tasks) == 1 or (jobs == 1 and not any(map(_runs_code, tasks))):
        yield from ((number, _check_model(task)) for number, task in enumerate(tasks))
        return
    yield from _told(run_tasks(_check_model, tasks, jobs, alone=_runs_code), tasks)


def _told(results: Iterable[tuple[int, _Done | Died[Any]]], tasks: Sequence[_Task]) -> Iterator[tuple[int, _Done]]:
    """Results, with what is said of a model whose process has ended."""
    for number, result in results:
        if isinstance(result, Died):
            ended = f"its process ended with status {result.exit_status}; 'graphdiag compare' on it says more"
            result = _unread(tasks[number], f"{tasks[number].model.source}: {ended}.")
        yield number, result


@dataclass(frozen=True)
class _Placed:
    """A task, and the directory that its paths are relative to: processes of a cluster run elsewhere."""

    directory: str
    task: _Task


def _check_there(placed: _Placed) -> _Done:
    try:
        os.chdir(placed.directory)
    except OSError as error:
        why = f"{placed.directory} cannot be used on a worker of the cluster: {error.strerror}"
        return _unread(placed.task, f"{placed.task.model.source}: {why}; give addresses, or a directory they share.")
    return _check_model(placed.task)


def _runs_code_there(placed: _Placed) -> bool:
    return _runs_code(placed.task)


def _runs_code(task: _Task) -> bool:
    """Whether a Python file is run, which leaves layers' counters, policies, patches and modules behind.

    A process that has TensorFlow loaded and makes a copy of itself for each file would load it once. But TensorFlow has
    chosen its Keras when it is loaded, before the file can say which one it wants in the environment, and has a thread
    by then, so that a copy may wait for a lock that nobody holds.
    """
    sources = task.model.source, str(task.model.options.get("model", ""))
    return any(map(is_python, sources))


def _check_model(task: _Task) -> _Done:
    model = task.model
    try:
        report = _compare(task)
    except GraphdiagError as error:
        return _unread(task, str(error))
    # A bug, or a layer of the user's that fails in an unexpected way: the other models are checked all the same.
    except Exception as error:
        what = f"{type(error).__name__}: {error}".partition("\n")[0]
        return _unread(task, f"{model.source}: fails with {what}; 'graphdiag compare --debug' on it says more.")
    judged = tuple(judge(contract, report, model.name) for contract in task.contracts)
    return CheckedModel(model.name, model.source, report.to_dict(), ignored=_ignored(report, task)), judged


def _compare(task: _Task) -> Report:
    report = compare(task.model.source, **task.model.options)
    findings = _with_severities(report.findings, task.severity)
    kept = {finding.code for finding in findings}
    off = [finding for finding in report.findings if finding.code not in kept]
    return replace(report, findings=findings, ignored=[*report.ignored, *off])


def _ignored(report: Report, task: _Task) -> tuple[tuple[str, int, str], ...]:
    """How many findings of each code are not reported, and what keeps them."""
    numbers = Counter(finding.code for finding in report.ignored)
    return tuple((code, number, _kept_by(code, task)) for code, number in sorted(numbers.items()))


def _kept_by(code: str, task: _Task) -> str:
    ignore = [prefix for prefix in task.model.options["ignore"] if prefix == EVERY or code.startswith(prefix)]
    select = task.model.options["select"]
    if ignore:
        return f'ignore = ["{max(ignore, key=len)}"]'
    if select and not any(prefix == EVERY or code.startswith(prefix) for prefix in select):
        return f"select = {json.dumps(list(select))}"
    fitting = [prefix for prefix in task.severity if prefix == EVERY or code.startswith(prefix)]
    return f'severity {max(fitting, key=len, default=code)} = "{OFF}"'


def _unread(task: _Task, error: str) -> _Done:
    judged = tuple(
        ContractOutcome(
            contract.name,
            contract.type,
            task.model.name,
            ContractStatus.UNCHECKED,
            reason=UNREAD,
            line=contract.line,
        )
        for contract in task.contracts
    )
    return CheckedModel(task.model.name, task.model.source, error=error), judged


def _with_severities(findings: Sequence[Finding], severity: Mapping[str, str]) -> tuple[Finding, ...]:
    """The findings with the severities of the configuration, the most severe first; those that are off are left out."""
    changed = []
    for finding in findings:
        fitting = [code for code in severity if code == "ALL" or finding.code.startswith(code)]
        level = severity[max(fitting, key=lambda code: 0 if code == "ALL" else len(code))] if fitting else ""
        if level != OFF:
            changed.append(replace(finding, severity=Severity(level)) if level else finding)
    return tuple(sorted(changed, key=lambda finding: list(Severity).index(finding.severity)))


# --- the baseline ----------------------------------------------------------------------------------------------------


def _without_accepted(found: CheckReport, entries: Sequence[Accepted], config: Config) -> CheckReport:
    """The report without the violations that the baseline accepts."""
    unseen = _unseen(found, config)
    entries = [entry for entry in entries if entry.model not in unseen]
    accepted = things_of_entries(entries)
    needed = things_of_findings(_breaking(found))
    removed = [unneeded(entry, needed) for entry in entries]
    return replace(
        found,
        outcomes=tuple(_judged_anew(outcome, accepted) for outcome in found.outcomes),
        accepted=tuple(entry for entry, left in zip(entries, removed, strict=True) if left != entry),
        removed=tuple(left for left in removed if left),
    )


def _judged_anew(outcome: ContractOutcome, accepted: frozenset[Thing]) -> ContractOutcome:
    if outcome.status is not ContractStatus.BROKEN:
        return outcome
    left = tuple(filter(None, (_not_accepted(violation, outcome.model, accepted) for violation in outcome.violations)))
    return replace(outcome, status=ContractStatus.BROKEN if left else ContractStatus.KEPT, violations=left)


def _not_accepted(violation: Violation, model: str, accepted: frozenset[Thing]) -> Violation | None:
    """A violation without what the baseline accepts; ``None`` if nothing is left."""
    if violation.finding is None:
        return violation
    things = things_of_findings([(model, violation.finding)])
    new = things - accepted
    if len(new) < len(things):
        return replace(violation, new=tuple(sorted(thing for _, _, thing in new))) if new else None
    return violation


def _breaking(found: CheckReport) -> Iterator[tuple[str, Finding]]:
    """The findings that break a contract, with the names of their models."""
    for outcome in found.outcomes:
        for violation in outcome.violations:
            if violation.finding:
                yield outcome.model, violation.finding


def _unseen(found: CheckReport, config: Config) -> frozenset[str]:
    """Names of the configured models that were not compared."""
    return config.left_out | {model.name for model in found.models if model.error}
