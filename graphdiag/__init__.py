"""graphdiag: which edges of TensorBoard's graph are in your Keras model, which are not, and why.

What may be relied on: the names of ``__all__``, and those of `graphdiag.testing` (assertions), `graphdiag.rules`,
`graphdiag.contracts` and `graphdiag.sources` (rules, contracts and sources of your own, and their entry-point groups).
Everything else may change between minor versions.

Names are imported when they are first used, so that ``import graphdiag`` costs nothing.
"""

# ruff: noqa: E402 - before this nothing may be imported, not even from __future__: it decides what is found.
from graphdiag.search_path import leave_out_current_directory

leave_out_current_directory(__file__)

from importlib import import_module
from typing import TYPE_CHECKING, Any

from graphdiag.version import __version__

if TYPE_CHECKING:
    from graphdiag.checking.check import check
    from graphdiag.checking.config import Config, read_config
    from graphdiag.comparison import compare, drawn_graph
    from graphdiag.diagnosis.finding import Blame, Evidence, Finding, Severity, Verdict
    from graphdiag.errors import (
        ConfigError,
        EmptySourceError,
        GraphdiagError,
        ModelError,
        ProgramError,
        SourceError,
        UsageError,
    )
    from graphdiag.modeldiff.differ import Diff
    from graphdiag.modeldiff.run import diff, snapshot
    from graphdiag.modeldiff.snapshot import Snapshot
    from graphdiag.repairing.repair import Repair
    from graphdiag.repairing.run import repair
    from graphdiag.results.check_report import CheckReport
    from graphdiag.results.report import Report
    from graphdiag.results.scan_report import ScanReport
    from graphdiag.results.scan_rows import ScanRow
    from graphdiag.scanning.scan import scan

_HOMES = {
    "Blame": "graphdiag.diagnosis.finding",
    "CheckReport": "graphdiag.results.check_report",
    "Config": "graphdiag.checking.config",
    "ConfigError": "graphdiag.errors",
    "Diff": "graphdiag.modeldiff.differ",
    "EmptySourceError": "graphdiag.errors",
    "Evidence": "graphdiag.diagnosis.finding",
    "Finding": "graphdiag.diagnosis.finding",
    "GraphdiagError": "graphdiag.errors",
    "ModelError": "graphdiag.errors",
    "ProgramError": "graphdiag.errors",
    "Repair": "graphdiag.repairing.repair",
    "Report": "graphdiag.results.report",
    "ScanReport": "graphdiag.results.scan_report",
    "ScanRow": "graphdiag.results.scan_rows",
    "Severity": "graphdiag.diagnosis.finding",
    "Snapshot": "graphdiag.modeldiff.snapshot",
    "SourceError": "graphdiag.errors",
    "UsageError": "graphdiag.errors",
    "Verdict": "graphdiag.diagnosis.finding",
    "check": "graphdiag.checking.check",
    "compare": "graphdiag.comparison",
    "diff": "graphdiag.modeldiff.run",
    "drawn_graph": "graphdiag.comparison",
    "read_config": "graphdiag.checking.config",
    "repair": "graphdiag.repairing.run",
    "scan": "graphdiag.scanning.scan",
    "snapshot": "graphdiag.modeldiff.run",
}
"""The module of each public name."""

__all__ = [
    "Blame",
    "CheckReport",
    "Config",
    "ConfigError",
    "Diff",
    "EmptySourceError",
    "Evidence",
    "Finding",
    "GraphdiagError",
    "ModelError",
    "ProgramError",
    "Repair",
    "Report",
    "ScanReport",
    "ScanRow",
    "Severity",
    "Snapshot",
    "SourceError",
    "UsageError",
    "Verdict",
    "__version__",
    "check",
    "compare",
    "diff",
    "drawn_graph",
    "read_config",
    "repair",
    "scan",
    "snapshot",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
