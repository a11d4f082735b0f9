"""The cards of mode 2D: from findings to charts. No Qt."""

from __future__ import annotations

import numpy as np

from toydiff_gui.diagnostics.chart import Axis, Chart, Dots, Table, short
from toydiff_gui.diagnostics.charts import NOISE_HALF
from toydiff_gui.diagnostics.findings import Pairs
from toydiff_gui.state import wording
from toydiff_gui.style.numbers import grouped

HELP_PAIRS = (
    "Noise is added to data points, each at a time of its own; the network is asked what the noise "
    "was. On the dashed line it would be right. Little noise (small t, dark) is hard to guess."
)


def pair_chart(pairs: Pairs | None, index: int, message: str = "") -> Chart:
    """True against predicted noise in one dimension of the pairs."""
    number = index + 1 if pairs is None else int(pairs.dimensions[index]) + 1
    title = f"True and predicted noise, dimension {number}"
    key = f"pairs-{index + 1}"
    if pairs is None:
        return Chart(key, title, "one dot per training pair", message=message)
    true, predicted = pairs.eps[:, index], pairs.eps_hat[:, index]
    dots = f"one dot per training pair{wording.DOT}{grouped(len(true))} dots"
    return Chart(
        key,
        title,
        dots if not message else f"{dots}{wording.DOT}{message}",
        x=Axis("true noise", -NOISE_HALF, NOISE_HALF, group="noise-x"),
        y=Axis("predicted noise", -NOISE_HALF, NOISE_HALF, group="noise-y"),
        dots=Dots(true.astype(np.float64), predicted.astype(np.float64), pairs.t),
        figures=(
            ("r", short(float(pairs.r[index]))),
            ("MSE", short(float(pairs.mse[index]))),
            ("bias", short(float(pairs.bias[index]))),
        ),
        timesteps=pairs.timesteps,
        identity=True,
        help=HELP_PAIRS,
        table=Table(
            ("t", "true noise (deviations)", "predicted noise"), (pairs.t, true, predicted)
        ),
    )
