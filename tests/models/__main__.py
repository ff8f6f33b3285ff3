"""Make models, run them, and hold what graphdiag says of them against what the runs show.

    python -m tests.models --count 1000 --seed 1
    python -m tests.models wrong-models/*.py    # those that were kept, once more

Models are shared out over the stacks, and over processes of their own. What graphdiag gets wrong is printed as it is
found, and the model's file is kept. The end is a table: for each stack and each kind of thing planted, how many models,
dependencies missed, and false alarms. The exit status is 1 if there is one of either.
"""

from __future__ import annotations

import argparse
import pickle
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

from tests.models.generator import STACKS
from tests.models.truth import stack_of

if TYPE_CHECKING:
    from tests.models.measure import Measured

ROOT = Path(__file__).resolve().parents[2]
AT_ONCE = 50
"""Models in one process: TensorFlow gives back little of what it takes."""
_MODEL = "MODEL"


def main() -> int:
    """Run the command; see above."""
    parser = argparse.ArgumentParser(prog="python -m tests.models", description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, help="generated models to measure, instead of new ones")
    parser.add_argument("--count", type=int, default=30, help="how many models, all stacks together")
    parser.add_argument("--seed", type=int, default=0, help="the same number gives the same models")
    parser.add_argument("--stack", choices=STACKS, action="append", help="only these")
    parser.add_argument("--keep", type=Path, default=Path("wrong-models"), help="where files of wrong ones are written")
    parser.add_argument("--again", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--process", nargs=3, metavar=("STACK", "COUNT", "SEED"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.process:
        stack, count, number = options.process
        for measured in _measured(stack, int(count), int(number)):
            print(_MODEL, pickle.dumps(measured).hex(), flush=True)
        return 0
    if options.files and options.again:
        for measured in _measured_again(options.files):
            print(_MODEL, pickle.dumps(measured).hex(), flush=True)
        return 0
    stacks = options.stack or STACKS
    tally = Tally(options.keep)
    if options.files:
        for stack in stacks:
            files = [str(path.resolve()) for path in options.files if stack_of(path) == stack]
            if files:
                tally.process(f"{stack}-again", ["--again", *files])
        return tally.end()
    shares = [
        _chunks(options.count // len(stacks) + (place < options.count % len(stacks))) for place in range(len(stacks))
    ]
    for round_, counts in enumerate(zip_longest(*shares, fillvalue=0)):
        for stack, count in zip(stacks, counts, strict=True):
            if count:
                # Other numbers for each stack, or all would get the same programs.
                number = 1000 * options.seed + 10 * round_ + STACKS.index(stack)
                tally.process(f"{stack}-{number}", ["--process", stack, str(count), str(number)])
    return tally.end()


def _chunks(count: int) -> list[int]:
    return [min(AT_ONCE, count - first) for first in range(0, count, AT_ONCE)]


def _measured(stack: str, count: int, number: int) -> Iterator[Measured]:
    if stack == "tf1":
        import tensorflow as tf

        tf.compat.v1.disable_v2_behavior()
    from tests.models.measure import measure, sources

    for place, text in enumerate(sources(stack, count, number)):
        # In TF 1 graph mode there is one graph, in which nothing is dropped.
        yield measure(text, stack, graph="inference" if place % 3 == 2 or stack == "tf1" else "training")


def _measured_again(files: Sequence[Path]) -> Iterator[Measured]:
    stack = stack_of(files[0])
    if stack == "tf1":
        import tensorflow as tf

        tf.compat.v1.disable_v2_behavior()
    from tests.models.measure import measure

    for path in files:
        for graph in ("inference",) if stack == "tf1" else ("training", "inference"):
            yield measure(path.read_text(encoding="utf-8"), stack, graph=graph)


class Tally:
    """Counts of what was seen.

    Args:
        keep: Directory for the files of models that graphdiag gets wrong.
    """

    def __init__(self, keep: Path) -> None:
        self.keep = keep
        self.models: Counter[tuple[str, str]] = Counter()
        self.missed: Counter[tuple[str, str]] = Counter()
        self.false: Counter[tuple[str, str]] = Counter()
        self.doubtful: Counter[str] = Counter()
        self.planted: Counter[str] = Counter()
        self.wrong: Counter[str] = Counter()
        self.ended: list[str] = []

    def process(self, name: str, arguments: Sequence[str]) -> None:
        """Measure some models in a process of their own.

        Args:
            name: What to call them.
            arguments: What the process is to measure.
        """
        command = [sys.executable, "-m", "tests.models", *arguments]
        with subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process:
            assert process.stdout is not None
            for place, line in enumerate(line for line in process.stdout if line.startswith(_MODEL)):
                self.count(f"{name}-{place}", pickle.loads(bytes.fromhex(line.split(" ", 1)[1])))
            if process.wait() != 0:
                self.ended.append(f"{name}: exit status {process.returncode}")

    def count(self, name: str, measured: Measured) -> None:
        """Count one model.

        Args:
            name: What to call its file.
            measured: What was seen of it.
        """
        stack = measured.stack
        lines = measured.doubts or measured.wrong
        if lines:
            self.keep.mkdir(parents=True, exist_ok=True)
            path = self.keep / f"{name}.py"
            path.write_text(measured.text, encoding="utf-8")
            print(f"{path} {list(measured.kinds)}", *lines, sep="\n    ", flush=True)
        if measured.doubts:
            self.doubtful[stack] += 1
            return
        self.wrong[stack] += bool(measured.wrong)
        self.planted[stack] += len(measured.truth.dependencies)
        for kind in dict.fromkeys(["all", *(measured.kinds or ["nothing planted"])]):
            self.models[stack, kind] += 1
            for _, judgment in measured.answers:
                self.missed[stack, kind] += len(judgment.missed)
                self.false[stack, kind] += len(judgment.false)

    def end(self) -> int:
        """Print the table.

        Returns:
            The exit status.
        """
        print(f"\n{'stack':10}{'planted':44}{'models':>7}{'missed':>8}{'false alarms':>14}")
        for stack, kind in sorted(self.models, key=lambda key: (key[0], key[1] != "all", key[1])):
            counts = (self.models[stack, kind], self.missed[stack, kind], self.false[stack, kind])
            print(f"{stack:10}{kind:44}{counts[0]:>7}{counts[1]:>8}{counts[2]:>14}")
        for stack in sorted({stack for stack, _ in self.models}):
            print(
                f"{stack}: {self.models[stack, 'all']} models, {self.planted[stack]} dependencies planted, "
                f"{self.wrong[stack]} models answered wrongly; {self.doubtful[stack]} left out, of which runs do not "
                f"tell what is true"
            )
        for line in self.ended:
            print(f"ended early: {line}")
        return int(bool(self.ended or any(self.wrong.values())))


if __name__ == "__main__":
    sys.exit(main())
