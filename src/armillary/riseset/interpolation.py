"""Piecewise cubic interpolation on a uniform grid: four-point Lagrange, kept as polynomial coefficients."""

from __future__ import annotations

import numpy as np

from armillary.riseset.timescales import FloatArray

# Nodes needed before and after the intervals of a table.
NODES_BEFORE = 1
NODES_AFTER = 2


def cubic_coefficients(nodes: FloatArray) -> FloatArray:
    """Coefficients in powers of the fraction of an interval.

    Args:
        nodes: values at n + 3 uniformly spaced nodes, from one before the first interval to one after the last node,
            along the last but one axis: (..., n + 3, components).

    Returns:
        (..., n, 4, components). The error at mid-interval is 3/128 of the fourth difference.
    """
    before, left, right, after = (nodes[..., i : nodes.shape[-2] - 3 + i, :] for i in range(4))
    return np.stack(
        [
            left,
            right - before / 3.0 - left / 2.0 - after / 6.0,
            (before + right) / 2.0 - left,
            (after - before) / 6.0 + (left - right) / 2.0,
        ],
        axis=-2,
    )
