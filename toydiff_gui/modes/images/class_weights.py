"""Class weights that go along with requests for images. NumPy only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from toydiff_gui.modes.images.settings import IMAGE_SAMPLING
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.store import Store

Weights = NDArray[np.float32]


def one_hot(asked: Sequence[int | None], known: int) -> Weights:
    """A row for each class asked for, (N, K); zeros for None."""
    rows = np.zeros((len(asked), known), np.float32)
    for row, number in zip(rows, asked, strict=True):
        if number is not None and number < known:
            row[number] = 1.0
    return rows


def asked_arrays(rows: Weights) -> dict[str, Weights]:
    """The array 'classes' of a request, if any class is asked for."""
    return {"classes": rows} if rows.any() else {}


def path_weights(state: Store) -> Weights:
    """Class weights along the path, (N, K): from A's class to B's, evenly."""
    images = state.get(IMAGE_SAMPLING)
    first, last = one_hot((images.class_a, images.class_b), len(state.get(MODEL).labels))
    s = np.linspace(0, 1, images.path_images, dtype=np.float32)[:, None]
    return np.asarray((1 - s) * first + s * last, np.float32)


def plane_weights(state: Store, corners: Weights, class_c: int | None) -> Weights:
    """Class weights at shares (N, 3) of A, B and C; what lies outside the triangle as its edge."""
    images = state.get(IMAGE_SAMPLING)
    shares = np.maximum(corners, 0)
    shares = shares / shares.sum(axis=1, keepdims=True)
    asked = (images.class_a, images.class_b, class_c)
    return np.asarray(shares @ one_hot(asked, len(state.get(MODEL).labels)), np.float32)
