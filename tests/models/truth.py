"""What a model file says is true of it, and whether graphdiag says the same.

A model file may have these constants; one that has none of them is clean:

- ``HIDDEN``: hidden dependencies, as ``"source -> target"``. Where one dependency may rightly be told in several ways,
  they are joined by ``or``; names may have wildcards.
- ``NEXT_CALL``: those that arrive in the next call of the model.
- ``PARAMETERS``: layers that read other layers' variables, or variables that no layer tracks (``* -> target``).
- ``SAME``: pairs that a run joins although nothing is hidden: the layer takes the tensor that Keras gives it, but not
  by its argument.
- ``EITHER``: pairs that may be told or not: whether anything is hidden depends on what is run.
- ``ARTIFACTS``: pairs that TensorFlow joins although nothing is carried: its control dependencies between stateful ops.
- ``UNDRAWN``: edges of the model along which its own ``train_step`` does not go; a log of that lacks them.
- ``LIVE_ONLY``: why a log of the model does not tell enough.
- ``NOT_IN_A_LOG``: those of the above that names in a log do not tell.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

Pair = tuple[str, str]


@dataclass(frozen=True)
class Truth:
    """What is true of a model; see above."""

    hidden: Sequence[str] = ()
    next_call: Sequence[str] = ()
    parameters: Sequence[str] = ()
    same: Sequence[str] = ()
    either: Sequence[str] = ()
    artifacts: Sequence[str] = ()
    undrawn: Sequence[str] = ()
    live_only: Sequence[str] = ()
    not_in_a_log: Sequence[str] = ()

    @property
    def dependencies(self) -> tuple[str, ...]:
        return (*self.hidden, *self.next_call, *self.parameters)


def truth_of(path: str | Path) -> Truth:
    """Read what a model file says of itself, without running it."""
    tree = ast.parse(Path(path).read_text(encoding="utf-8"))
    found = {
        target.id.lower(): tuple(ast.literal_eval(node.value))
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and target.id.lower() in Truth.__dataclass_fields__
    }
    return Truth(**found)


def stack_of(path: str | Path) -> str:
    """``keras3``, ``tf_keras`` or ``tf1``: what a model file is written for."""
    text = Path(path).read_text(encoding="utf-8")
    if "disable_v2_behavior" in text:
        return "tf1"
    return "tf_keras" if "import tf_keras" in text else "keras3"


def told_by(entry: str, pair: Pair) -> bool:
    """Whether a pair of layers is one of the ways in which a dependency may be told."""
    ways = (way.split(" -> ") for way in entry.split(" or "))
    return any(fnmatchcase(pair[0], source) and fnmatchcase(pair[1], target) for source, target in ways)


@dataclass(frozen=True)
class Answer:
    """What graphdiag says of a model.

    Attributes:
        path: The model file.
        graph: ``training``, ``inference`` or ``train-step``.
        via: ``live``, or ``log``.
        hidden: Layer edges that are called hidden, with the findings' messages.
        artifacts: Layer edges that are called artifacts, with the codes.
        missing: Layer edges that are called missing, with the codes.
        errors: Codes of the errors that name no layer edge.
        notes: The notes.
        failure: The message, if the model could not be read.
        seconds: How long it took, the model's own building included.
        codes: The codes of all findings.
    """

    path: str
    graph: str
    via: str
    hidden: Mapping[Pair, str] = field(default_factory=dict)
    artifacts: Mapping[Pair, str] = field(default_factory=dict)
    missing: Mapping[Pair, str] = field(default_factory=dict)
    errors: Sequence[str] = ()
    notes: Sequence[str] = ()
    failure: str = ""
    seconds: float = 0.0
    codes: Sequence[str] = ()


@dataclass(frozen=True)
class Judgment:
    """How an answer compares with the truth.

    Attributes:
        missed: Dependencies that were not told, or called harmless, or not told to arrive in the next call.
        false: Layer edges called hidden or missing that are neither, and errors of a clean model.
        harmless: Layer edges called artifacts: not in the model, and said to carry nothing.
    """

    missed: Sequence[str]
    false: Sequence[str]
    harmless: Sequence[str]

    @property
    def right(self) -> bool:
        return not self.missed and not self.false and not self.harmless

    def lines(self) -> list[str]:
        return [
            *(f"missed: {entry}" for entry in self.missed),
            *(f"false: {entry}" for entry in self.false),
            *(f"called an artifact: {entry}" for entry in self.harmless),
        ]


def judge(truth: Truth, answer: Answer, strict: bool = True) -> Judgment:
    """Hold an answer against the truth.

    Args:
        truth: What is true.
        answer: What graphdiag says.
        strict: Whether all pairs are known that TensorFlow joins without carrying anything; else any pair may be called
            an artifact, but those of the dependencies.

    Returns:
        Where they differ.
    """
    if answer.failure:
        return Judgment([], [f"fails: {answer.failure.splitlines()[0]}"], ())
    # Names do not tell who of two readers tracks a variable.
    both_ways = truth.parameters if answer.via == "log" else ()

    def tells(entry: str, pair: Pair) -> bool:
        return told_by(entry, pair) or (entry in both_ways and told_by(entry, pair[::-1]))

    expected = [entry for entry in truth.dependencies if answer.via == "live" or entry not in truth.not_in_a_log]
    missed = []
    for entry in expected:
        told = [message for pair, message in answer.hidden.items() if tells(entry, pair)]
        if not told:
            missed.append(entry)
        elif entry in truth.next_call and not any("next call" in message for message in told):
            missed.append(f"{entry} (next call)")
    true = [*truth.dependencies, *truth.either]
    false = [
        f"{source} -> {target} ({message[:5]})"
        for (source, target), message in answer.hidden.items()
        if not any(tells(entry, (source, target)) for entry in true)
    ]
    false += [
        f"{source} -> {target} is missing ({codes})"
        for (source, target), codes in answer.missing.items()
        if answer.graph != "train-step" or not any(told_by(entry, (source, target)) for entry in truth.undrawn)
    ]
    if not expected:
        false += answer.errors
    harmless = [
        f"{source} -> {target} ({codes})"
        for (source, target), codes in answer.artifacts.items()
        if strict and not any(told_by(entry, (source, target)) for entry in truth.artifacts)
    ]
    return Judgment(missed, false, harmless)


def unexpected(truth: Truth, pairs: Collection[Pair], entries: Iterable[str]) -> list[str]:
    """Pairs that a run joins, and that the truth does not know."""
    known = [*entries, *truth.same]
    return [
        f"{source} -> {target}"
        for source, target in sorted(pairs)
        if not any(told_by(entry, (source, target)) for entry in known)
    ]


def unseen(pairs: Collection[Pair], entries: Iterable[str]) -> list[str]:
    """Dependencies of the truth that no run shows."""
    return [entry for entry in entries if not any(told_by(entry, pair) for pair in pairs)]


def answer_of(report: Any, path: str, graph: str, via: str, seconds: float = 0.0) -> Answer:
    """What a `graphdiag.Report` says.

    Args:
        report: The report.
        path: The model file.
        graph: Which graph was looked at.
        via: ``live`` or ``log``.
        seconds: How long it took.
    """
    by_verdict: dict[str, dict[Pair, str]] = {"hidden": {}, "artifact": {}, "missing": {}}
    for edge in report.edges:
        if edge.verdict is not None:
            by_verdict[edge.verdict.value][edge.source, edge.target] = ",".join(edge.codes)
    hidden = {
        pair: " ".join(f"{finding.code} {finding.message}" for finding in report.findings if pair in finding.edges)
        for pair in by_verdict["hidden"]
    }
    errors = [
        f"{finding.code} {finding.message}"
        for finding in report.findings
        if finding.severity.value == "error" and not finding.edges
    ]
    return Answer(
        path,
        graph,
        via,
        hidden,
        by_verdict["artifact"],
        by_verdict["missing"],
        errors,
        tuple(report.notes),
        "",
        seconds,
        tuple(finding.code for finding in report.findings),
    )
