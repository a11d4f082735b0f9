"""Lengths along a chain of states, and places on it. NumPy only: the window measures paths too.

States of any shape count as points in the space of all their numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def neighbour_gaps(states: NDArray[Any]) -> Floats:
    """Distances between neighbours along ``states`` (N, ...), shape (N - 1,)."""
    flat = np.asarray(states, np.float64).reshape(len(states), -1)
    return np.asarray(np.linalg.norm(np.diff(flat, axis=0), axis=1))


def lengths_along(states: NDArray[Any]) -> Floats:
    """The length of the chain ``states`` (N, ...) up to each of them, (N,); it begins with 0."""
    return np.concatenate([[0.0], np.cumsum(neighbour_gaps(states))])


def at_shares(states: NDArray[Any], shares: Floats) -> Floats:
    """The places (M, D) of the chain ``states`` (N, D) at ``shares`` (M,) in [0, 1] of its length.

    A chain of no length gives its first state.
    """
    along = lengths_along(states)
    columns = [np.interp(shares * along[-1], along, column) for column in np.asarray(states).T]
    return np.stack(columns, axis=1)
