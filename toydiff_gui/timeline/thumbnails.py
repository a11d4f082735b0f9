"""Small grey pictures of the forward process for the timeline. NumPy only.

Only this module knows that the data are points in the plane; the timeline takes any pictures.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float64]

HALF_HEIGHT = 2.6
"""Standardised units from the middle of a picture to its upper edge."""
MAX_POINTS = 8000
SMOOTHING, NOISE_SMOOTHING = 1.2, 1.6
"""Deviation of the blur in pixels at the data, and what pure noise, being wide, is blurred more."""


def thumbnail_times(timesteps: int, count: int) -> NDArray[np.float64]:
    """The times in the middle of ``count`` pictures that lie side by side from noise to data."""
    return timesteps * (1.0 - (np.arange(count) + 0.5) / count)


def forward_thumbnails(
    points: NDArray[np.floating],
    alphas_cumprod: NDArray[np.float64],
    count: int,
    shape: tuple[int, int],
    *,
    seed: int = 0,
) -> list[Image]:
    """Densities of the data on their way into noise, from noise to data.

    ``points`` (n, 2) in standardised units, ``alphas_cumprod`` (T + 1,). The state at t is drawn
    in closed form, x_t = sqrt(alpha_bar) x_0 + sqrt(1 - alpha_bar) noise, with the same noise in
    all pictures. Each picture has ``shape`` (H, W), values 0..1, its first row at the top.
    """
    height, width = shape
    if points.ndim != 2 or points.shape[1] != 2:
        raise ValueError(f"thumbnails need points in the plane (n, 2), got {points.shape}")
    if count < 1 or height < 1 or width < 1:
        raise ValueError(f"thumbnails need a count and a size, got {count} of {shape}")
    stride = max(1, len(points) // MAX_POINTS)
    x0 = np.asarray(points[::stride], np.float64)
    noise = np.random.default_rng(seed).standard_normal(x0.shape)
    pictures = []
    for t in thumbnail_times(len(alphas_cumprod) - 1, count):
        signal = float(np.interp(t, np.arange(len(alphas_cumprod)), alphas_cumprod))
        x = np.sqrt(signal) * x0 + np.sqrt(1.0 - signal) * noise
        smoothing = SMOOTHING + NOISE_SMOOTHING * np.sqrt(1.0 - signal)
        density = _blur(height, smoothing) @ _histogram(x, height, width) @ _blur(width, smoothing)
        pictures.append(_tone(density))
    return pictures


def _histogram(x: Image, height: int, width: int) -> Image:
    """Counts of ``x`` (n, 2) on pixels of equal sides; points outside the picture are left out."""
    scale = height / (2 * HALF_HEIGHT)
    column = np.floor(x[:, 0] * scale + width / 2).astype(np.int64)
    row = np.floor(height / 2 - x[:, 1] * scale).astype(np.int64)
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    counts = np.bincount(row[inside] * width + column[inside], minlength=height * width)
    return counts.reshape(height, width).astype(np.float64)


def _blur(size: int, deviation: float) -> Image:
    """The symmetric matrix (size, size) of a Gaussian blur by ``deviation`` pixels."""
    offset = np.arange(size)[:, None] - np.arange(size)[None, :]
    weight = np.exp(-0.5 * (offset / deviation) ** 2)
    return np.asarray(weight / (np.sqrt(2 * np.pi) * deviation))


def _tone(density: Image) -> Image:
    """Density to brightness: full at the densest, the thin parts lifted so that they are seen."""
    peak = float(density.max())
    return np.sqrt(density / peak) if peak > 0 else density
