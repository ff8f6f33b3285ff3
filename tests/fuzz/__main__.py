"""``make fuzz COUNT=1000``, ``make fuzz SECONDS=600``; ``python -m tests.fuzz --help`` says what else there is."""

from __future__ import annotations

import argparse
import secrets
import sys
from pathlib import Path

from tests.fuzz.campaign import Result, run
from tests.fuzz.kinds import KINDS


def main() -> int:
    """Run the fuzzer; the exit status is 1 when it finds a fault."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Run graphdiag on damaged inputs.")
    parser.add_argument("--count", type=int, help="how many inputs; 1,000 if neither this nor --seconds is given")
    parser.add_argument("--seconds", type=float, help="how long, instead")
    parser.add_argument("--seed", default="", help="the same seed makes the same inputs")
    parser.add_argument("--kind", action="append", help=f"only this kind: {', '.join(kind.name for kind in KINDS)}")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-faults"), help="where inputs with faults are put")
    given = parser.parse_args()
    kinds = [kind for kind in KINDS if not given.kind or kind.name in given.kind]
    seed = given.seed or secrets.token_hex(4)
    count = given.count if given.count or given.seconds else 1_000
    print(f"seed {seed}", flush=True)
    result = run(seed, count, given.seconds, kinds, given.keep, _progress)
    _show(result)
    return 1 if result.faults else 0


def _progress(result: Result) -> None:
    print(f"{sum(result.inputs.values()):,} inputs, {len(result.faults)} faults", file=sys.stderr, flush=True)


def _show(result: Result) -> None:
    print(f"{'kind':<26}{'inputs':>9}{'status 0':>10}{'1':>8}{'2':>8}{'faults':>8}")
    for kind in result.inputs:
        numbers = [result.statuses[kind, status] for status in (0, 1, 2)]
        faults = sum(fault.kind == kind for fault in result.faults)
        print(f"{kind:<26}{result.inputs[kind]:>9,}{numbers[0]:>10,}{numbers[1]:>8,}{numbers[2]:>8,}{faults:>8,}")
    print(f"{'all':<26}{sum(result.inputs.values()):>9,}{'':>26}{len(result.faults):>8,}")
    print(f"slowest {result.slowest:.1f} s of processor time, largest {result.largest:.0f} MB")
    for fault in result.faults:
        print(f"\n{fault.kind}, seed {fault.seed}: graphdiag {' '.join(fault.argv)}\n{fault.wrong.rstrip()}")


if __name__ == "__main__":
    sys.exit(main())
