"""What numpy does in a way that is too dear for a short run."""

from __future__ import annotations

import numpy as np


def distinct(values: np.ndarray) -> np.ndarray:
    """The different values, sorted.

    ``numpy.unique`` imports ``numpy.ma`` when it is not asked for an index, a tenth of a small comparison.
    """
    found, _ = np.unique(values, return_index=True)
    return found
