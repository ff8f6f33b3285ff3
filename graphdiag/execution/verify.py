"""Run the graph, and say of each finding whether what was seen bears it out."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from graphdiag.diagnosis.context import DiagnosisContext
from graphdiag.diagnosis.diagnose import by_severity
from graphdiag.diagnosis.finding import Finding, Proof, Severity, Verdict
from graphdiag.diagnosis.rules import gd301_hidden_dependency
from graphdiag.execution.job import Job, NotRunnable, Part
from graphdiag.execution.process import run_jobs
from graphdiag.execution.tensors import Crossing, Tensors

if TYPE_CHECKING:
    from tensorboard.compat.proto.graph_pb2 import GraphDef

_ROW = re.compile(r"\brow_([0-9]+)(?:_[0-9]+)?\b")
_TESTED = (Verdict.ARTIFACT, Verdict.HIDDEN)


def verify(
    context: DiagnosisContext, graph_defs: Sequence[GraphDef], findings: Sequence[Finding]
) -> tuple[Finding, ...]:
    """Give each artifact and each hidden dependency its proof.

    The tensors on the crossings of an artifact must be the same, bit for bit, whatever the model is fed; those of a
    hidden dependency must differ. An artifact that does not stand the test becomes a hidden dependency.

    Args:
        context: The diagnosis context.
        graph_defs: The graphs of the source, as they were merged into the context's op graph.
        findings: What was found.

    Returns:
        The findings, those on crossings with their proofs; the most severe first.
    """
    parts = _Parts(context, graph_defs)
    tests = {place: _Test(parts, finding) for place, finding in enumerate(findings) if finding.verdict in _TESTED}
    outcomes = iter(run_jobs([job for test in tests.values() for job in test.jobs]))
    concluded = list(findings)
    for place, test in tests.items():
        for number in range(len(test.jobs)):
            test.take_note(number, next(outcomes))
        concluded[place] = test.conclusion()
    return by_severity(concluded)


class _Parts:
    """The graphs of a context, each looked at when it is first needed, and the tensors on its crossings."""

    def __init__(self, context: DiagnosisContext, graph_defs: Sequence[GraphDef]) -> None:
        self.context = context
        self.tensors = Tensors(context)
        self._graph_defs = graph_defs
        self._found: dict[int, Part] = {}

    def of(self, row: int) -> tuple[int, Part]:
        """Number of the graph that a row is in, and the graph."""
        first = 0
        for number, graph_def in enumerate(self._graph_defs):
            if row < first + len(graph_def.node):
                if number not in self._found:
                    self._found[number] = Part(self.context, graph_def, first)
                return number, self._found[number]
            first += len(graph_def.node)
        raise IndexError(row)


@dataclass
class _Seen:
    """What was seen of a tensor: why nothing could be, or how many values it has, and how it differed if it did."""

    reason: str = ""
    size: int = 0
    differs: Mapping[str, Any] | None = None


class _Test:
    """The test of one finding.

    Attributes:
        jobs: What is to be run.
    """

    def __init__(self, parts: _Parts, finding: Finding) -> None:
        self._finding = finding
        self._hidden = finding.verdict is Verdict.HIDDEN
        self._changed = "inputs" if not self._hidden or "activation" in finding.carries else "variables"
        self.jobs: list[Job] = []
        self._groups: list[tuple[Part, list[Crossing]]] = []
        self._settings: dict[str, None] = {}
        self._runs = 0
        self._inputs = 0
        self._needs_inputs = False
        crossings = dict.fromkeys(parts.tensors.on(evidence) for evidence in finding.evidence)
        self._seen = {crossing: _Seen(crossing.reason) for crossing in crossings}
        by_part: dict[int, list[Crossing]] = defaultdict(list)
        for crossing, seen in self._seen.items():
            if not seen.reason:
                number, part = parts.of(crossing.outputs[0][0])
                against = part.reason_against(crossing)
                seen.reason = f"the graph would {against}" if against else ""
                if not against:
                    by_part[number].append(crossing)
        for group in by_part.values():
            self._prepare(parts.of(group[0].outputs[0][0])[1], group)

    def _prepare(self, part: Part, group: list[Crossing]) -> None:
        try:
            job = part.job(group, self._changed, self._hidden)
        except NotRunnable as error:
            for crossing in group:
                self._seen[crossing].reason = str(error)
        else:
            self.jobs.append(job)
            self._groups.append((part, group))

    def take_note(self, number: int, outcome: Mapping[str, Any]) -> None:
        """Take note of what came of a job.

        Args:
            number: Its place among the jobs.
            outcome: As `graphdiag.execution.worker` gives it.
        """
        part, group = self._groups[number]
        if "reason" in outcome:
            reason = _ROW.sub(lambda found: part.ops.names[int(found[1])], outcome["reason"])
            for crossing in group:
                self._seen[crossing].reason = reason
            return
        for crossing, seen in zip(group, outcome["crossings"], strict=True):
            self._seen[crossing] = _Seen(**seen)
        self._settings.update(dict.fromkeys(outcome["settings"]))
        self._runs += outcome["runs"]
        self._inputs = max(self._inputs, outcome["inputs"])
        self._needs_inputs = self._needs_inputs or bool(self.jobs[number].needed)

    # --- what follows ------------------------------------------------------------------------------------------------

    def conclusion(self) -> Finding:
        """The finding with its proof; an artifact that is none as a hidden dependency."""
        if self._hidden:
            return replace(self._finding, proof=self._of_hidden())
        for crossing, seen in self._seen.items():
            if seen.differs:
                return self._overturned(crossing, seen.differs)
        return replace(self._finding, proof=self._of_artifact())

    def _of_artifact(self) -> Proof:
        tested = {crossing.outputs: seen for crossing, seen in self._seen.items() if not seen.reason}
        failed = [seen.reason for crossing, seen in self._seen.items() if seen.reason and not crossing.control]
        if not tested:
            return Proof(False, next((seen.reason for seen in self._seen.values()), "there is no tensor to compare"))
        one = len(tested) == 1
        values = sum(seen.size for seen in tested.values())
        how = (
            f"{_many(len(tested), 'tensor')} of {_many(values, 'value')} {'is' if one else 'are'} the same, bit for "
            f"bit, in {self._runs} runs on {self._inputs} different model inputs of one shape{self._flags()}"
        )
        if failed:
            return Proof(False, f"{failed[0]}; {how}")
        if not self._needs_inputs:
            how += f"; TensorFlow needs none of them to compute {'it' if one else 'them'}"
        return Proof(True, how)

    def _of_hidden(self) -> Proof:
        by_taker: dict[str, list[tuple[Crossing, _Seen]]] = defaultdict(list)
        for crossing, seen in self._seen.items():
            by_taker[crossing.taker].append((crossing, seen))
        shown = {
            taker: next(((crossing, seen.differs) for crossing, seen in group if seen.differs), None)
            for taker, group in by_taker.items()
        }
        first = next((found for found in shown.values() if found), None)
        open_takers = [taker for taker, found in shown.items() if not found]
        if first is None:
            return Proof(False, next((seen.reason for seen in self._seen.values()), "there is no tensor to compare"))
        how = self._difference(*first)
        if open_takers:
            reason = by_taker[open_takers[0]][0][1].reason
            return Proof(False, f"towards {open_takers[0]}, {reason}; {how}")
        if len(shown) > 1:
            how += f"; and so for each of the {len(shown)} layers that take it"
        return Proof(True, how)

    def _difference(self, crossing: Crossing, differs: Mapping[str, Any]) -> str:
        first, second = differs["seeds"]
        of_what = "model inputs of one shape" if self._changed == "inputs" else "sets of weights"
        flags = {"on": ", with flags on", "off": ", with flags off", "default": ", with flags at their defaults"}
        return (
            f"{crossing.name} differs in {differs['count']:,} of {_many(differs['of'], 'value')} between two {of_what} "
            f"(seeds {first} and {second}){flags.get(differs['setting'], '')}"
        )

    def _overturned(self, crossing: Crossing, differs: Mapping[str, Any]) -> Finding:
        """An artifact that changes with the inputs: the proof is wrong, and the edge is real."""
        how = self._difference(crossing, differs)
        rule = gd301_hidden_dependency.RULE
        return replace(
            self._finding,
            code=rule.code,
            rule=rule.name,
            verdict=Verdict.HIDDEN,
            severity=Severity.ERROR,
            carries=("activation",),
            message=(
                f"The graph shows that a dependency is real which graphdiag took for an artifact "
                f"({self._finding.code} {self._finding.rule}): {how}. That is a bug in graphdiag; please report it."
            ),
            fix="Give the tensor to the layer as an input instead of closing over it.",
            proof=Proof(True, how),
        )

    def _flags(self) -> str:
        words = {"on": "on", "off": "off", "default": "at their defaults"}
        named = [words[setting] for setting in self._settings if setting]
        return f", flags {', '.join(named[:-1])} and {named[-1]}" if named else ""


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
