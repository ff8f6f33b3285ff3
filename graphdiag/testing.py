"""Assertions about graphs in tests, under pytest, unittest or anything else that knows `AssertionError`.

    from graphdiag.testing import assert_graph

    def test_towers():
        assert_graph(build_model()).has_no_hidden_edges().independent("conv1d_0_*", "conv1d_1_*")

Each assertion is a contract of `graphdiag.checking.contracts`, and what it takes is what the contract takes in a
configuration.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any

from graphdiag.checking.check import report_on
from graphdiag.checking.config import Config, absolute, find_config, read_config
from graphdiag.checking.contracts.acyclic import Acyclic
from graphdiag.checking.contracts.budget import Budget
from graphdiag.checking.contracts.contract import Contract, judge, read_contract
from graphdiag.checking.contracts.forbidden import Forbidden
from graphdiag.checking.contracts.golden import Golden
from graphdiag.checking.contracts.independence import Independence
from graphdiag.checking.contracts.layers import Layers
from graphdiag.checking.contracts.no_findings import NoFindings
from graphdiag.checking.contracts.options import Place
from graphdiag.checking.contracts.reachable import Reachable
from graphdiag.checking.contracts.required import Required
from graphdiag.checking.contracts.shared import Shared
from graphdiag.comparison import compare
from graphdiag.diagnosis.finding import Severity, Verdict
from graphdiag.errors import ConfigError, SourceError, UsageError
from graphdiag.modeldiff.take_snapshot import take
from graphdiag.output import put
from graphdiag.render.text.check import explain
from graphdiag.results.check_report import ContractStatus
from graphdiag.results.report import Report

UPDATE = "GRAPHDIAG_UPDATE"
"""The environment variable that makes assertions write their snapshots."""

Set = str | Sequence[str]
"""A set of layers: one entry, or several. An entry is a layer, a nested model, a glob, ``re:`` and a regular
expression, or ``class:`` and a Keras class; see `graphdiag.checking.contracts.patterns.LayerSet`."""


class GraphAssertionError(AssertionError):
    """A graph is not as a test says. ``str(error)`` explains it as ``graphdiag check`` does in the terminal."""


def assert_graph(source: Any, **options: Any) -> GraphAssertion:
    """Open a model for assertions about its graph.

    Args:
        source: What `graphdiag.compare` takes: a Keras model, or a path; or a report that it made.
        **options: Other arguments of `graphdiag.compare`.

    Returns:
        The assertions. Each returns itself, so that one can follow another.

    Raises:
        GraphdiagError: The source cannot be read.
        UsageError: Options are given with a report.
    """
    __tracebackhide__ = True
    if isinstance(source, Report) and options:
        raise UsageError(f"{', '.join(options)}: does not apply to a report, which is made already; leave it out.")
    with _NoInnerFrames():
        report = source if isinstance(source, Report) else compare(source, **options)
    return GraphAssertion(report, report.origin.path)


class _NoInnerFrames:
    """Errors about what a test asks for leave the ``with`` block without the frames of graphdiag below it.

    What the user's own model raises keeps them: they lead to the line in the model.
    """

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        __tracebackhide__ = True
        if isinstance(error, (ConfigError, SourceError, UsageError)):
            raise error.with_traceback(None) from None


@dataclass(frozen=True)
class GraphAssertion:
    """Assertions about the graph of one model.

    Each raises `GraphAssertionError` when it does not hold, and `graphdiag.errors.ConfigError` when it cannot be told:
    a layer that it names is not there, or the source has no such graph. ``graph`` is the graph on which it is to hold:
    ``op``, ``layer`` or ``drawn``; when it is empty, the one that the contract takes by default.

    Attributes:
        report: The report on the model.
        model: What messages call it.
    """

    report: Report = field(repr=False)
    model: str

    def has_no_findings(self, severity: str = Severity.ERROR.value) -> GraphAssertion:
        """There is no finding at or above a severity: ``error``, ``warning`` or ``note``."""
        __tracebackhide__ = True
        return self._keeps(NoFindings, _call("has_no_findings", severity), severity=severity)

    def has_no_hidden_edges(self) -> GraphAssertion:
        """No activations or foreign parameters flow where Keras has no edge."""
        __tracebackhide__ = True
        return self._has_none_of(Verdict.HIDDEN, "has_no_hidden_edges()")

    def has_no_artifacts(self) -> GraphAssertion:
        """No edge is drawn over which no activation flows."""
        __tracebackhide__ = True
        return self._has_none_of(Verdict.ARTIFACT, "has_no_artifacts()")

    def independent(self, *sets: Set, graph: str = "") -> GraphAssertion:
        """No activation flows from one of these sets of layers to another, not even through other layers."""
        __tracebackhide__ = True
        return self._keeps(Independence, _call("independent", *sets), sets=sets, graph=graph)

    def forbids(self, from_: Set, to: Set, through: Set = (), graph: str = "") -> GraphAssertion:
        """No path leads from these layers to those, unless through the layers that are named."""
        __tracebackhide__ = True
        call = _call("forbids", from_, to, through=through)
        return self._keeps(Forbidden, call, **{"from": from_}, to=to, through=through, graph=graph)

    def layers_in_order(self, *sets: Set, graph: str = "") -> GraphAssertion:
        """Activations flow forward only through these sets of layers, the first one first."""
        __tracebackhide__ = True
        return self._keeps(Layers, _call("layers_in_order", *sets), layers=sets, graph=graph)

    def requires(self, *edges: tuple[Set, Set], path: Sequence[Set] = (), graph: str = "") -> GraphAssertion:
        """These edges exist, or each layer of this path reaches the next, directly or through others."""
        __tracebackhide__ = True
        return self._keeps(Required, _call("requires", *edges, path=path), edges=edges, path=path, graph=graph)

    def is_acyclic(self, graph: str = "") -> GraphAssertion:
        """No layer feeds itself, directly or through others."""
        __tracebackhide__ = True
        return self._keeps(Acyclic, _call("is_acyclic", graph=graph), graph=graph)

    def all_reachable(self, graph: str = "") -> GraphAssertion:
        """Every layer reaches an output of the model, and every input is used."""
        __tracebackhide__ = True
        return self._keeps(Reachable, _call("all_reachable", graph=graph), graph=graph)

    def shares(self, *layers: Set) -> GraphAssertion:
        """Each of these layers is used more than once, so that its uses share its variables."""
        __tracebackhide__ = True
        return self._keeps(Shared, _call("shares", *layers), shared=_entries(layers))

    def ties(self, *layers: Set) -> GraphAssertion:
        """All of these layers read the same variable.

        Args:
            *layers: The entries of one set, one by one; or lists, each of which is a set of its own.
        """
        __tracebackhide__ = True
        alone = [layer for layer in layers if isinstance(layer, str)]
        lists = [layer for layer in layers if not isinstance(layer, str)]
        return self._keeps(Shared, _call("ties", *layers), tied=[*([alone] if alone else ()), *lists])

    def shares_nothing(self, *layers: Set) -> GraphAssertion:
        """Each of these layers is used once, and no other layer reads its variables."""
        __tracebackhide__ = True
        return self._keeps(Shared, _call("shares_nothing", *layers), separate=_entries(layers))

    def within_budget(self, **limits: int | Mapping[str, int]) -> GraphAssertion:
        """There is at most, or at least, so much of something.

        Args:
            **limits: What is counted, ``_max`` or ``_min``, and the limit: ``layers_max=40``, ``parameters_min=1``,
                ``ops_max``, ``functions_max``, ``control_flow_max``; for layers of a class and ops of a type a mapping:
                ``class_max={"Dense": 3}``, ``op_max={"Switch": 0}``.
        """
        __tracebackhide__ = True
        bounds: dict[str, dict[str, int]] = {}
        for name, limit in limits.items():
            measure, _, bound = name.rpartition("_")
            if bound not in ("max", "min"):
                raise ConfigError(f"within_budget: {name!r} ends with neither '_max' nor '_min'.")
            of_each = limit if isinstance(limit, Mapping) else {"": limit}
            for name_of_each, number in of_each.items():
                bounds.setdefault(bound, {})[f"{measure}:{name_of_each}" if name_of_each else measure] = number
        return self._keeps(Budget, _call("within_budget", **limits), **bounds)

    def matches_snapshot(
        self, path: str | Path, renames: bool = False, ignore: Sequence[str] = (), strict: bool = False
    ) -> GraphAssertion:
        """Nothing has changed since a snapshot was written, as `graphdiag snapshot` does.

        Where the environment variable ``GRAPHDIAG_UPDATE`` is set, to ``1`` say, the snapshot is written instead.

        Args:
            path: The file.
            renames: Whether layers may have other names; names that Keras makes up may always change.
            ignore: Settings that may change, as ``rate``; and ``shape``, ``parameters``, ``ops`` or ``findings``.
            strict: Whether it is an error when not everything can be compared.

        Raises:
            UsageError: The file cannot be written.
        """
        __tracebackhide__ = True
        if os.environ.get(UPDATE):
            with _NoInnerFrames():
                put(take(self.report).to_text(), Path(path))
            return self
        return self._keeps(
            Golden,
            _call("matches_snapshot", str(path)),
            snapshot=str(path),
            renames=renames,
            ignore=list(ignore),
            strict=strict,
        )

    def _has_none_of(self, verdict: Verdict, call: str) -> GraphAssertion:
        """Hold the contract against findings against those of one verdict."""
        __tracebackhide__ = True
        findings = tuple(finding for finding in self.report.findings if finding.verdict is verdict)
        only = replace(self, report=replace(self.report, findings=findings))
        only._keeps(NoFindings, call, severity=Severity.NOTE.value)
        return self

    def _keeps(self, kind: type[Contract], call: str, **options: Any) -> GraphAssertion:
        """Hold one contract against the report; what is empty is left to the contract's default."""
        __tracebackhide__ = True
        given = {key: value for key, value in options.items() if value not in ("", ())}
        with _NoInnerFrames():
            contract = read_contract(kind, {"name": call, **given}, Place(call.partition("(")[0]))
        outcome = judge(contract, self.report, self.model)
        if outcome.status is ContractStatus.UNCHECKED:
            raise ConfigError(outcome.reason)
        if outcome.status is ContractStatus.BROKEN:
            raise GraphAssertionError(f"{call} does not hold on {self.model}\n{explain(outcome)}")
        return self


def _entries(sets: Sequence[Set]) -> list[str]:
    """The entries of several sets as those of one."""
    return [entry for one in sets for entry in ([one] if isinstance(one, str) else one)]


def _call(method: str, *values: Any, **named: Any) -> str:
    """How an assertion was called, without what was left out."""
    shown = [repr(value) for value in values]
    shown += [f"{name}={value!r}" for name, value in named.items() if value not in ("", ())]
    return f"{method}({', '.join(shown)})"


class Graphs:
    """Opens models for assertions: configured ones by their names, and all that `assert_graph` takes.

    Args:
        directory: Where the configuration is looked for, and above.
        reports: Reports on configured models, by configuration and model; it is added to.
    """

    def __init__(self, directory: Path, reports: dict[tuple[str, str], Report]) -> None:
        self._directory = directory
        self._reports = reports

    def __call__(self, source: Any, **options: Any) -> GraphAssertion:
        """Open a model.

        Args:
            source: The name of a configured model, or what `assert_graph` takes.
            **options: As for `assert_graph`; a configured model has its own.

        Raises:
            GraphdiagError: The configuration or the source cannot be read, or an option does not apply.
        """
        __tracebackhide__ = True
        with _NoInnerFrames():
            names = [model.name for model in self._config.models]
        if not isinstance(source, str) or source not in names:
            return assert_graph(source, **options)
        with _NoInnerFrames():
            config = self._config.only(source, options)
            key = str(config.path), source
            if key not in self._reports:
                self._reports[key] = report_on(config)
        return GraphAssertion(self._reports[key], source)

    @cached_property
    def _config(self) -> Config:
        file = find_config(self._directory)
        if file is None:
            return Config()
        config = read_config(file)
        # Paths are relative to the working directory, which tests change.
        return replace(config, models=tuple(replace(model, source=absolute(model.source)) for model in config.models))
