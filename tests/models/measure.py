"""Hold graphdiag against generated models."""

from __future__ import annotations

import ast
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.models.answers import ask
from tests.models.generator import models
from tests.models.oracle import observe
from tests.models.truth import Answer, Judgment, Truth, judge, truth_of, unexpected, unseen


@dataclass(frozen=True)
class Measured:
    """What was seen of one model.

    Attributes:
        stack: What it is written for.
        text: Its source.
        kinds: What is planted in it.
        truth: What is true of it.
        answers: What graphdiag says, live and through a log, and how that compares with the truth.
        doubts: Why the truth is not sure, or the model is of no use: it does not run, say.
        seconds: How long running it took, and asking graphdiag.
    """

    stack: str
    text: str
    kinds: Sequence[str]
    truth: Truth
    answers: Sequence[tuple[Answer, Judgment]] = ()
    doubts: Sequence[str] = ()
    seconds: tuple[float, float] = (0.0, 0.0)

    @property
    def wrong(self) -> list[str]:
        """What graphdiag says wrongly, a line each."""
        return [
            f"{answer.graph}, {answer.via}: {line}" for answer, judgment in self.answers for line in judgment.lines()
        ]


def measure(text: str, stack: str, vias: Sequence[str] = ("live", "log"), graph: str = "training") -> Measured:
    """Run a model, and ask graphdiag about it.

    Args:
        text: Its source, as `tests.models.generator` makes it.
        stack: What it is written for; TF 1 needs an interpreter in graph mode.
        vias: ``live``, ``log`` or both.
        graph: ``training`` or ``inference``.

    Returns:
        What was seen.
    """
    with TemporaryDirectory() as directory:
        path = Path(directory) / "model_file.py"
        path.write_text(text, encoding="utf-8")
        truth = truth_of(path)
        kinds = ast.literal_eval(text.rsplit("KINDS = ", 1)[1])
        start = time.perf_counter()
        try:
            observed = observe(path, training=graph == "training", thorough=False)
        except Exception as error:  # layers of the model run here, and may raise anything
            doubts = [f"does not run: {type(error).__name__}: {str(error).strip().splitlines()[0][:200]}"]
            return Measured(stack, text, kinds, truth, doubts=doubts)
        allowed = [*truth.dependencies, *truth.either]
        joined = observed.activations | observed.parameters | observed.next_call
        doubts = [f"joined by a run, and not planted: {pair}" for pair in unexpected(truth, joined, allowed)]
        doubts += [f"planted, and not seen in a run: {entry}" for entry in unseen(observed.activations, truth.hidden)]
        doubts += [f"planted, and not seen in a run: {entry}" for entry in unseen(observed.next_call, truth.next_call)]
        doubts += [
            f"planted, and not seen in a run: {entry}" for entry in unseen(observed.parameters, truth.parameters)
        ]
        middle = time.perf_counter()
        answers = [(answer, judge(truth, answer, strict=False)) for answer in (ask(path, graph, via) for via in vias)]
        return Measured(stack, text, kinds, truth, answers, doubts, (middle - start, time.perf_counter() - middle))


def sources(stack: str, count: int, number: int = 0) -> Iterator[str]:
    """Sources of models, the same ones for the same number."""
    made: list[str] = []

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(models(stack))
    def collect(text: str) -> None:
        made.append(text)

    collect()
    yield from dict.fromkeys(made)
