"""From a thousand ops to a million: TensorBoard, the plainest networkx script and ``graphdiag compare`` on one log.

The graph is the reference graph, repeated under ``tower_k/`` scopes.
"""

from __future__ import annotations

import shutil
import statistics
from pathlib import Path

from tests.bench.inputs import inception, log_of, towers
from tests.bench.measuring import GRAPHDIAG, PLAIN_NETWORKX, Cost, directory, exponent, in_turn, seconds_below

SIZES = {1: (9, 1.5), 78: (3, 0.7), 778: (1, 0.5)}
"""How often the reference graph is repeated: how often each command is run on it, and the ratio to reach."""
MEMORY_TARGET_MB = 2048
_OPS_OF_ONE = 1285
_PATIENCE_S = 1200
_NETWORKX, _COMPARE = "networkx script", "graphdiag compare"


def run(quick: bool) -> None:
    """Print the table."""
    figures: list[tuple[int, float]] = []
    print("ops | TensorBoard until its hierarchy stands | networkx script | graphdiag compare | ratio | peak")
    for count, (times, target) in SIZES.items():
        if quick and count > 100:
            continue
        times = min(times, 3) if quick else times
        ops = count * _OPS_OF_ONE
        with directory() as place:
            log = log_of(towers(count), place)
            commands = {_NETWORKX: [*PLAIN_NETWORKX, str(log)], _COMPARE: [*GRAPHDIAG, "compare", str(log)]}
            costs = in_turn(commands, times, warm=times > 1)
            drawn = tensorboard_seconds(place, times=1 if quick else min(times, 3))
        figures.append((ops, costs[_COMPARE].seconds))
        print(f"{ops:,} ops | {drawn} | {_row(costs, target)}", flush=True)
    if len(figures) > 1:
        print(f"exponent of growth: {exponent(figures[-2:]):.2f} between the last two (target at most 1.05)")


def with_layers(quick: bool) -> None:
    """Print the same for InceptionResNetV2 of Keras 2.1.6, with its layer graph."""
    with directory() as place:
        log, model = inception(place)
        compare = [*GRAPHDIAG, "compare", str(log), "--model", str(model)]
        costs = in_turn({_NETWORKX: [*PLAIN_NETWORKX, str(log)], _COMPARE: compare}, 1 if quick else 5)
    print("InceptionResNetV2 of Keras 2.1.6 | networkx script | graphdiag compare --model | ratio | peak")
    print(f"27,356 ops, 879 layer edges | {_row(costs, 1.5)}", flush=True)


def _row(costs: dict[str, Cost], target: float) -> str:
    ours, plain = costs[_COMPARE], costs[_NETWORKX]
    ratio = f"{ours.seconds / plain.seconds:.2f} (target at most {target})"
    peak = f"{ours.megabytes:,.0f} MB (target at most {MEMORY_TARGET_MB:,})"
    return f"{plain.seconds:.2f} s | {ours.seconds:.2f} s | {ratio} | {peak}"


def tensorboard_seconds(logdir: Path, times: int) -> str:
    """How long TensorBoard takes from the load of its page until the hierarchy stands.

    Args:
        logdir: The log directory.
        times: How often the page is loaded.

    Returns:
        The median processor time of server and browser together; no time where Chromium is not installed.
    """
    if not shutil.which("chromium") or not shutil.which("chromedriver"):
        return "no Chromium"
    from tests.browser.tensorboard_page import chromium, open_graphs, tensorboard

    seconds = []
    with tensorboard(logdir, start_timeout=_PATIENCE_S) as address, chromium(patience=_PATIENCE_S) as driver:
        for _ in range(times):
            before = seconds_below()
            open_graphs(driver, address, timeout=_PATIENCE_S)
            seconds.append(seconds_below() - before)
    return f"{statistics.median(seconds):.1f} s"
