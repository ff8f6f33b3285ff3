"""What each format of a report of 100,000 ops takes beyond the comparison."""

from __future__ import annotations

import time

from tests.bench.inputs import log_of, towers
from tests.bench.measuring import directory

TARGET_S = 5
FORMATS = (
    *("json", "html", "graphml", "graphml-ops", "graphml-drawn", "node-link", "node-link-ops", "node-link-drawn"),
    *("text", "markdown", "sarif", "junit"),
)


def run(quick: bool) -> None:
    """Print processor seconds and size of each."""
    from graphdiag import compare

    count = 8 if quick else 78
    with directory() as place:
        log_of(towers(count), place)
        report = compare(place)
    assert report.op_graph is not None
    for name in FORMATS:
        start = time.process_time()
        written = report.render(name)
        seconds = time.process_time() - start
        size = len(written if isinstance(written, bytes) else written.encode())
        what = f"{len(report.op_graph):,} ops as {name}"
        print(f"{what}: {seconds:.2f} s of CPU, {size / 1e6:.1f} MB (target at most {TARGET_S} s)")
