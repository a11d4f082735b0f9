"""What is measured of a training of images."""

from __future__ import annotations

from toydiff_gui.panels.run_figures import Figure, decimals, percent

FIGURES = (
    Figure(
        "Distance to data",
        "Fréchet",
        "distance",
        "distance_floor",
        "Fréchet distance between samples and real images, in what a small classifier sees in "
        "them. The floor is what as many other real images reach.",
        decimals(2),
        bar=True,
    ),
    Figure(
        "Recognised",
        "",
        "recognised",
        "recognised_floor",
        "Share of samples that the classifier is at least 90 % sure of. The floor is that of "
        "real images.",
        percent,
    ),
)
