"""graphdiag: which edges of TensorBoard's graph are in your Keras model, which are not, and why."""

from graphdiag.comparison import compare
from graphdiag.errors import GraphdiagError, ModelError, SourceError, UsageError
from graphdiag.modeldiff.run import diff, snapshot
from graphdiag.results.report import Report
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
