"""Makes inputs, runs them, and says what is wrong with what came of each."""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.kinds import KINDS, Command, Kind
from tests.fuzz.pool import MEMORY_LIMIT_MB, Outcome, Task, Worker

LONGEST_LINE = 2_000
_BATCH = 25
_TOLD = 500


@dataclass(frozen=True)
class Fault:
    """An input on which something is wrong.

    Attributes:
        kind: The kind of input.
        seed: What the input is made from again: ``--seed`` and ``--kind`` of the command.
        argv: The command.
        wrong: What is wrong with what came of it.
    """

    kind: str
    seed: str
    argv: tuple[str, ...]
    wrong: str


@dataclass
class Result:
    """Counts by kind: inputs, exit statuses; and the faults."""

    inputs: Counter[str] = field(default_factory=Counter)
    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)
    slowest: float = 0.0
    largest: float = 0.0


def run(
    seed: str,
    count: int | None = None,
    seconds: float | None = None,
    kinds: list[Kind] | None = None,
    keep: Path | None = None,
    progress: Callable[[Result], None] | None = None,
) -> Result:
    """Run inputs one after the other; Ctrl-C ends it early.

    Args:
        seed: The inputs are the same for the same seed.
        count: How many.
        seconds: How long, instead.
        kinds: Of these kinds only.
        keep: Where the inputs with faults are put.
        progress: Is told now and then.
    """
    result = Result()
    chosen = kinds or KINDS
    order = random.Random(seed)
    weights = [kind.weight for kind in chosen]
    worker = Worker()
    end = None if seconds is None else time.monotonic() + seconds
    number = 0
    try:
        while (count is None or number < count) and (end is None or time.monotonic() < end):
            size = _BATCH if count is None else min(_BATCH, count - number)
            batch = [(order.choices(chosen, weights)[0], f"{seed}/{number + place}") for place in range(size)]
            _run_batch(worker, batch, result, keep)
            number += size
            if progress and number % _TOLD < _BATCH:
                progress(result)
    except KeyboardInterrupt:
        # What has been found until now is wanted all the same.
        pass
    finally:
        worker.close()
    return result


@dataclass(frozen=True)
class _Input:
    """An input that was made: its kind and seed, the command, and the directories with it and for what is written."""

    kind: Kind
    seed: str
    command: Command
    directory: Path
    written: Path

    @property
    def task(self) -> Task:
        """What the worker is to do."""
        command = self.command
        return Task(
            self._with_files(command.argv),
            str(self.directory),
            str(self.written / "out"),
            command.schema,
            self._with_files(command.then),
        )

    def _with_files(self, argv: tuple[str, ...]) -> list[str]:
        return [str(self.written / word.lower()) if word in ("OUT", "OUT2") else word for word in argv]


def _run_batch(worker: Worker, batch: list[tuple[Kind, str]], result: Result, keep: Path | None) -> None:
    with tempfile.TemporaryDirectory(prefix="graphdiag-fuzz-") as name:
        inputs = [_make(kind, seed, Path(name, str(place))) for place, (kind, seed) in enumerate(batch)]
        for made, outcome in zip(inputs, worker.run([made.task for made in inputs]), strict=True):
            result.inputs[made.kind.name] += 1
            result.statuses[made.kind.name, outcome.status] += 1
            result.slowest = max(result.slowest, outcome.seconds)
            result.largest = max(result.largest, outcome.megabytes)
            wrong = next(_wrong(made, outcome), "")
            if wrong:
                fault = Fault(made.kind.name, made.seed, made.command.argv, wrong)
                result.faults.append(fault)
                if keep:
                    _keep(keep / f"fault-{len(result.faults)}-{made.seed.replace('/', '-')}", made.directory, fault)


def _make(kind: Kind, seed: str, place: Path) -> _Input:
    directory, written = place / "in", place / "out"
    directory.mkdir(parents=True)
    written.mkdir()
    return _Input(kind, seed, kind.make(random.Random(seed), directory), directory, written)


def _wrong(made: _Input, outcome: Outcome) -> Iterator[str]:
    """What is wrong with an outcome, the worst first."""
    if outcome.ending:
        yield outcome.ending
        return
    if outcome.crash:
        yield outcome.crash
    if outcome.status not in (0, 1, 2):
        yield f"exit status {outcome.status}"
    if outcome.heavy:
        yield f"imported {', '.join(outcome.heavy)}"
    if outcome.megabytes > MEMORY_LIMIT_MB:
        yield f"took {outcome.megabytes:.0f} MB"
    lines = outcome.stderr.splitlines()
    # Below the line about several runs stands a table of them, indented.
    complaints = [line for line in lines if not line.startswith("  ")]
    there = sorted(file.name for file in made.written.iterdir())
    # A check that could not read one of its models says so in its report.
    is_report = made.command.argv[0] == "check" and bool(there)
    if outcome.status == 2 and len(complaints) != 1 and not is_report:
        yield f"{len(complaints)} lines of complaint: {outcome.stderr[:500]}"
    if any(len(line) >= LONGEST_LINE for line in lines):
        yield f"a line of {max(map(len, lines))} characters: {outcome.stderr[:500]}"
    complete = ["out"] if "OUT" in made.command.argv else []
    second = ["out2"] if outcome.then and outcome.then.status == 0 and "OUT2" in made.command.then else []
    wanted = complete + second if outcome.status in (0, 1) or is_report else []
    if there != wanted:
        yield f"exit status {outcome.status}, and the files written are {there}"
    if outcome.invalid:
        yield f"the {made.command.schema} written is not valid: {outcome.invalid}"
    if outcome.then and outcome.then.status != 0:
        yield f"{' '.join(made.command.then)}: {outcome.then.crash or outcome.then.stderr}"


def _keep(place: Path, directory: Path, fault: Fault) -> None:
    place.mkdir(parents=True, exist_ok=True)
    for file in sorted(directory.rglob("*")):
        if file.is_file() and not file.is_symlink():
            to = place / file.relative_to(directory)
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, to)
    (place / "fault.txt").write_text(
        f"{fault.kind}, seed {fault.seed}\ngraphdiag {' '.join(fault.argv)}\n\n{fault.wrong}\n", encoding="utf-8"
    )
