"""How many runs a scan compares in a second: in one process, in two, on Dask; and the memory that more of them take."""

from __future__ import annotations

import hashlib
import json
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from graphdiag.results.scan_rows import RuleFound, ScanRow
from graphdiag.scanning.table import RowTable
from tests.bench.measuring import GRAPHDIAG, PYTHON, ROOT, measure
from tests.support.scan_runs import SMALL, make_runs

COUNT = 2_000
_LOGS = (*SMALL, "keras216_reference", "k3_reference_training", "tf110_mnist_171", "keras216_siamese")
_ENGINES = {
    "one process": ("-j", "1"),
    "two processes": ("-j", "2"),
    "Dask, two workers": ("--scheduler", "local", "-j", "2"),
}
_AT_LEAST = 1.7
_NUMBERS = (500, 2_000, 8_000)
_ROWS = (2_000, 8_000, 32_000, 128_000)
_PEAKS = """
import atexit, json, resource, sys
from graphdiag.__main__ import main
peaks = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
atexit.register(lambda: print(json.dumps([resource.getrusage(who).ru_maxrss / 1024 for who in peaks]), file=sys.stderr))
main()
"""


@dataclass(frozen=True)
class _Scan:
    """One command: its seconds on the clock and of the processors, its largest process, and what it wrote."""

    clock: float
    processor: float
    megabytes: float
    digest: str


def run(quick: bool) -> None:
    """Print runs a second of each engine, and what the second scan with a store takes."""
    count = COUNT // 10 if quick else COUNT
    print(f"  {count:,} runs made from {len(_LOGS)} logs of the fixtures; each command from its start to its end")
    with TemporaryDirectory() as name:
        directory = Path(name)
        runs, few = directory / "runs", directory / "few"
        make_runs(runs, count, logs=_LOGS)
        make_runs(few, count // 10, logs=_LOGS)
        found = {}
        for engine, options in _ENGINES.items():
            less = _scan(few, directory, *options)
            found[engine] = scan = _scan(runs, directory, *options)
            cores = 1 if options[-1] == "1" else 2
            print(
                f"  {engine:<18} {scan.clock:6.1f} s, {count / scan.clock:5.1f} runs/s, "
                f"{count / scan.clock / cores:5.1f} for each core; processors {1000 * scan.processor / count:5.1f} ms "
                f"a run; largest process {scan.megabytes:4.0f} MB, with a tenth of the runs {less.megabytes:4.0f} MB",
                flush=True,
            )
        one, two = found["one process"].clock, found["two processes"].clock
        print(f"  two processes are {one / two:.2f} times one; at least {_AT_LEAST} is wanted")
        same = len({scan.digest for scan in found.values()}) == 1
        print(f"  all three wrote the same bytes: {'yes' if same else 'NO'}")
        _again(runs, directory, count)
    _memory([number // 10 if quick else number for number in _NUMBERS])
    _table([number // 10 if quick else number for number in _ROWS])


def _memory(numbers: Sequence[int]) -> None:
    """Print the peaks of the process that coordinates and of those that compare, for ever more small runs."""
    with TemporaryDirectory() as name:
        for number in numbers:
            runs, output = Path(name, str(number)), Path(name, "scan.jsonl")
            make_runs(runs, number)
            done = subprocess.run(
                [*PYTHON, "-c", _PEAKS, "scan", str(runs), "-j", "2", "-o", str(output)],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=True,
            )
            coordinator, worker = json.loads(done.stderr)
            print(
                f"  {number:>5,} small runs, two processes: at most {coordinator:4.1f} MB for the process that "
                f"coordinates, {worker:4.1f} MB for one that compares",
                flush=True,
            )


def _table(numbers: Sequence[int]) -> None:
    """Print what the table of the rows takes, filled and read, for ever more rows: all that is kept of a run."""
    figures = []
    for number in numbers:
        command = [*PYTHON, "-c", f"from tests.bench.scans import fill; fill({number})"]
        cost = measure(command)
        assert cost.status == 0, cost.said
        figures.append(f"{number:,} rows {cost.megabytes:.1f} MB")
    print(f"  the table alone, filled and read: {', '.join(figures)}")


def fill(number: int) -> None:
    """Fill a table with rows, and ask all of it that a scan asks."""
    table = RowTable()
    rule = RuleFound(
        "GD101", "shared-learning-phase", "artifact", "warning", "keras", 1, 8, ["learning_phase"], "x" * 200
    )
    for place in range(number):
        row = ScanRow(f"logs/{place}", str(place), written=1e9 + place, ops=1_285, artifact=8, headline="y" * 200)
        table.add(replace(row, rules=[rule], structure=f"{place:032}"), f"series {place % 100}")
    table.rules()
    for _ in table.neighbors():
        pass
    for _ in table.chosen((), "", 20):
        pass


def _again(runs: Path, directory: Path, count: int) -> None:
    store = directory / "store"
    options = ("-j", "2", "--store", str(store))
    _scan(runs, directory, *options)
    size = sum(file.stat().st_size for file in store.rglob("*") if file.is_file())
    again = _scan(runs, directory, *options)
    lines = (directory / "scan.jsonl").stat().st_size
    print(
        f"  again with a store, nothing changed: {again.clock:.1f} s, {1000 * again.processor / count:.1f} ms a run; "
        f"a run takes {size / count:,.0f} bytes of the store, and {lines / count:,.0f} of JSON lines"
    )


def _scan(runs: Path, directory: Path, *options: str) -> _Scan:
    output = directory / "scan.jsonl"
    start = time.perf_counter()
    cost = measure([*GRAPHDIAG, "scan", str(runs), *options, "-o", str(output)])
    clock = time.perf_counter() - start
    assert cost.status == 0, cost.said
    return _Scan(clock, cost.seconds, cost.megabytes, hashlib.sha256(output.read_bytes()).hexdigest())
