"""Run the benchmarks, or some of them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from importlib import import_module


def _part(where: str) -> Callable[[bool], None]:
    module, _, name = where.partition(":")
    return lambda quick: getattr(import_module(f"tests.bench.{module}"), name)(quick)


PARTS: Mapping[str, tuple[str, Callable[[bool], None]]] = {
    "starts": ("short processes", _part("starts:run")),
    "sizes": ("TensorBoard, networkx and compare, from a thousand ops to a million", _part("sizes:run")),
    "layers": ("compare with a layer graph: InceptionResNetV2 of Keras 2.1.6", _part("sizes:with_layers")),
    "formats": ("the formats of a report of 100,000 ops", _part("formats:run")),
    "shapes": ("shapes that are worst for some stage: processor time, peak memory, growth", _part("shapes:run")),
    "stages": ("the stages of a comparison", _part("stages:run")),
    "models": ("models in Python files, and in training", _part("models:run")),
    "diffs": ("graphdiag diff", _part("others:diffs")),
    "repairs": ("graphdiag repair", _part("others:repairs")),
    "scans": ("graphdiag scan on 2,000 runs: one process, two, Dask", _part("scans:run")),
    "tab": ("the tab in a TensorBoard of 200 runs", _part("tab:run")),
}


def main() -> None:
    """Read the command line, and run."""
    listed = "; ".join(f"{name}: {what}" for name, (what, _) in PARTS.items())
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__, epilog=listed)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"one of {', '.join(PARTS)}; all if none is given")
    parser.add_argument("--quick", action="store_true", help="leave out what takes minutes: large inputs, repetitions")
    given = parser.parse_args()
    unknown = sorted(set(given.parts) - set(PARTS))
    if unknown:
        parser.error(f"no part is called {unknown[0]}; choose from {', '.join(PARTS)}")
    for name in given.parts or PARTS:
        what, run = PARTS[name]
        print(f"\n{name}: {what}", flush=True)
        run(given.quick)


if __name__ == "__main__":
    main()
