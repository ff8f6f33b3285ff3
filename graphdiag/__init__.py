"""graphdiag: which edges of TensorBoard's graph are in your Keras model, which are not, and why."""

from graphdiag.compare import compare
from graphdiag.errors import GraphdiagError, ModelError, SourceError, UsageError
from graphdiag.report.report import Report
from graphdiag.snapshots import diff, snapshot
from graphdiag.version import __version__

__all__ = [
    "GraphdiagError",
    "ModelError",
    "Report",
    "SourceError",
    "UsageError",
    "__version__",
    "compare",
    "diff",
    "snapshot",
]
