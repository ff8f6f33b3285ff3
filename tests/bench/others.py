"""Commands beside ``compare``."""

from __future__ import annotations

import subprocess
import sys
import time

from tests.bench.inputs import REFERENCE, towers
from tests.bench.measuring import GRAPHDIAG, directory, measure

_SAVED = """
import sys, keras
for name in sys.argv[2:]:
    model = getattr(keras.applications, name)(weights=None)
    open(f"{sys.argv[1]}/{name}.json", "w").write(model.to_json())
"""


def repairs(quick: bool) -> None:
    """Seconds of CPU that a repair takes, beside those of the comparison of the same graph."""
    from graphdiag import compare, repair

    with directory() as place:
        path = place / "graph.pb"
        path.write_bytes(towers(8 if quick else 78))
        seconds = {}
        for work in (compare, repair):
            start = time.process_time()
            work(path, model=REFERENCE / "model.json")
            seconds[work] = time.process_time() - start
    ratio = seconds[repair] / seconds[compare]
    ops = "10,000" if quick else "100,000"
    print(f"repair of {ops} ops: {seconds[repair]:.1f} s of CPU, {ratio:.2f} times compare (target at most 3)")


def diffs(quick: bool) -> None:
    """CPU seconds in which neighbors of ``keras.applications`` are compared from saved files."""
    pairs = (("ResNet50", "ResNet101"), ("DenseNet121", "DenseNet169"), ("InceptionV3", "InceptionResNetV2"))
    pairs = pairs[:1] if quick else pairs
    with directory() as place:
        names = [name for pair in pairs for name in pair]
        subprocess.run([sys.executable, "-c", _SAVED, str(place), *names], check=True, capture_output=True)
        for pair in pairs:
            # The exit status is 1: they differ.
            files = [str(place / f"{name}.json") for name in pair]
            used = min(measure([*GRAPHDIAG, "diff", *files]).seconds for _ in range(3))
            print(f"graphdiag diff {' '.join(pair)}: {used:.2f} s of CPU (target at most 1)")
