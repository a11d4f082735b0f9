"""What is measured of a training of points."""

from __future__ import annotations

from toydiff_gui.panels.run_figures import Figure, decimals, percent

FIGURES = (
    Figure(
        "Distance to data",
        "sliced W₂",
        "distance",
        "distance_floor",
        "Sliced 2-Wasserstein distance of fresh samples to the data: how far the points would have "
        "to be moved. The floor is what true data reach.",
        decimals(3),
        bar=True,
    ),
    Figure(
        "Off the data",
        "",
        "off_data",
        "off_data_floor",
        "Share of samples that lie farther from the data than all but one in a thousand true "
        "points do. The floor is that of true points.",
        percent,
    ),
)
