"""Short processes, each beside what it is held against."""

from __future__ import annotations

from tests.bench.inputs import REFERENCE
from tests.bench.measuring import GRAPHDIAG, PLAIN_NETWORKX, PYTHON, in_turn


def run(quick: bool) -> None:
    """Print processor milliseconds."""
    nothing, networkx = "python -c pass", "parse the log's graph, build a networkx.DiGraph"
    imports = "import what a comparison of a log needs"
    log = str(next(REFERENCE.glob("*tfevents*")))
    commands = {
        nothing: [*PYTHON, "-c", "pass"],
        "python -c 'import graphdiag'": [*PYTHON, "-c", "import graphdiag"],
        "graphdiag --version": [*GRAPHDIAG, "--version"],
        "graphdiag --help": [*GRAPHDIAG, "--help"],
        networkx: [*PLAIN_NETWORKX, log],
        imports: [*PYTHON, "-c", "import networkx, rich.console, tensorboard.compat.proto.graph_pb2"],
        "graphdiag compare of that log": [*GRAPHDIAG, "compare", str(REFERENCE)],
        "the same with its layer graph": [
            *(*GRAPHDIAG, "compare", str(REFERENCE), "--model", str(REFERENCE / "model.json")),
        ],
    }
    medians = {name: cost.seconds for name, cost in in_turn(commands, 3 if quick else 11).items()}
    for name, used in medians.items():
        print(f"{name}: {used * 1e3:.0f} ms of CPU, {used / medians[nothing]:.1f} times {nothing}")
    beyond = (medians["python -c 'import graphdiag'"] - medians[nothing]) * 1e3
    print(f"import graphdiag: {beyond:.0f} ms beyond {nothing} (target at most 50)")
    compare = medians["graphdiag compare of that log"]
    print(f"graphdiag compare / {networkx}: {compare / medians[networkx]:.2f} (target at most 1.5)")
    print(f"graphdiag compare / {imports}: {compare / medians[imports]:.2f}")
