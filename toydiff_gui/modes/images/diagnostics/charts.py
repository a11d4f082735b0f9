"""The cards of mode Images: from findings and images of the data to charts. No Qt."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.datasets import Standardisation
from engine.datasets.images import to_pixels
from engine.shared import noise_tables
from engine.shared.config import ScheduleConfig
from engine.shared.forward_process import in_closed_form, step_by_step
from engine.shared.trajectory import Trajectory
from toydiff_gui.diagnostics.chart import (
    Axis,
    Chart,
    Curve,
    Density,
    Film,
    HeatMap,
    Table,
    Values,
    fixed,
    short,
)
from toydiff_gui.diagnostics.charts import NOISE_HALF, TIME, loss_chart
from toydiff_gui.diagnostics.findings import ErrorMaps, LossCurve, PairDensity
from toydiff_gui.state import wording
from toydiff_gui.style.numbers import grouped

FRAMES = 51
"""Images that a film keeps; between them its painting takes the nearest."""

HELP_DENSITY = (
    "Noise is added to images, each at a time of its own; the network is asked what the noise in "
    "every pixel was. On the dashed line it would be right. Solid: many values. Little noise "
    "(small t, dark) is hard to guess."
)
BY_HEART = "by heart"
HELP_IMAGE_LOSS = (
    "How wrong the predicted noise is, time by time. 'By heart' is the exact denoiser of the "
    "images that are noised here, up to 4096 of the training set: it recognises them. A network "
    "that fell towards it would have memorised them."
)
HELP_MAPS = (
    "Where in the image the predicted noise is wrong, at some times. Each map has its own scale, "
    "from 0 to the largest value written below it. 1 is what guessing no noise at all would give."
)
HELP_FILMS = (
    "The same image on its way into noise: step by step, with fresh noise at every step, and in "
    "closed form, with one noise for all times. At every t both are distributed alike."
)
HELP_DEVIATION = (
    "How far the pixels of that image spread at each time. Step by step and in closed form they "
    "follow the same law, which the dashed line is."
)


def density_chart(found: PairDensity | None, reach: float, message: str = "") -> Chart:
    """True against predicted noise of all pixels."""
    title = "True and predicted noise of all pixels"
    if found is None:
        return Chart("density", title, "one value for each pixel", message=message)
    counts, edges = found.counts, found.edges
    number = f"{grouped(int(counts.sum()))} values"
    density = Density(counts, edges, -reach, reach)
    return Chart(
        "density",
        title,
        number if not message else f"{number}{wording.DOT}{message}",
        x=Axis("true noise", -NOISE_HALF, NOISE_HALF, group="noise-x"),
        y=Axis("predicted noise", -NOISE_HALF, NOISE_HALF, group="noise-y"),
        density=density,
        figures=(("r", short(found.r)), ("MSE", short(found.mse)), ("bias", fixed(found.bias, 3))),
        timesteps=found.timesteps,
        identity=True,
        help=HELP_DENSITY,
        table=_density_table(density),
    )


def _density_table(density: Density) -> Table:
    bins, rows, columns = np.nonzero(density.counts)
    cell = (density.high - density.low) / density.counts.shape[1]
    return Table(
        ("t from", "t to", "true noise (deviations)", "predicted noise", "values"),
        (
            density.edges[bins] + 1,
            density.edges[bins + 1],
            density.low + (columns + 0.5) * cell,
            density.low + (rows + 0.5) * cell,
            density.counts[bins, rows, columns],
        ),
    )


def image_loss_chart(
    network: LossCurve | None, exact: LossCurve | None, message: str = ""
) -> Chart:
    """Loss by time; the exact denoiser is one that knows some of the images by heart."""
    chart = loss_chart(network, exact, message)
    curves = tuple(
        replace(curve, name=BY_HEART) if curve.role == "reference" else curve
        for curve in chart.curves
    )
    if not curves:
        return chart
    top = max(float(curve.y.max()) for curve in curves if len(curve.y))
    y = Axis("loss", 0.0, max(1.1 * top, 1e-3))
    return replace(chart, curves=curves, y=y, help=HELP_IMAGE_LOSS)


def error_chart(found: ErrorMaps | None, message: str = "") -> Chart:
    """Mean squared error of the predicted noise for each pixel, at some times."""
    title, subtitle = "Error maps", "mean squared error of the predicted noise, pixel by pixel"
    if found is None or not len(found.t):
        return Chart("error-maps", title, subtitle, message=message)
    maps = []
    for t, error in zip(found.t.tolist(), found.errors, strict=True):
        grey = error.mean(axis=0)
        notes = f"mean {short(float(grey.mean()))}", f"most {short(float(grey.max()))}"
        maps.append(HeatMap(t, grey, notes))
    size = found.errors[0].size
    channels, rows, columns = (axis.ravel() for axis in np.indices(found.errors[0].shape))
    count = len(maps)
    return Chart(
        "error-maps",
        title,
        f"{subtitle}{wording.DOT}{message}" if message else subtitle,
        maps=tuple(maps),
        timesteps=found.timesteps,
        symbol="error",
        help=HELP_MAPS,
        table=Table(
            ("t", "channel", "row", "column", "mean squared error"),
            (
                np.repeat(found.t, size),
                *(np.tile(axis, count) for axis in (channels, rows, columns)),
                np.concatenate([error.ravel() for error in found.errors]),
            ),
        ),
    )


def forward_charts(
    image: NDArray[np.float32],
    name: str,
    schedule: ScheduleConfig,
    transform: Standardisation,
    seed: int,
) -> tuple[Chart, Chart]:
    """The forward process of one ``image`` (C, H, W), standardised: as films, and in figures."""
    steps = step_by_step(image[None], schedule, seed)
    closed = in_closed_form(image[None], schedule, seed)
    return (
        _film_chart(steps, closed, name, schedule, transform),
        _deviation_chart(image, steps, closed, schedule),
    )


def _film_chart(
    steps: Trajectory,
    closed: Trajectory,
    name: str,
    schedule: ScheduleConfig,
    transform: Standardisation,
) -> Chart:
    kept = np.unique(np.round(np.linspace(0, len(steps.t) - 1, FRAMES)).astype(int))
    times = np.array(steps.t)[kept]
    films = []
    for title, trajectory in (
        ("Step by step, fresh noise at every step", steps),
        ("In closed form, one noise for all times", closed),
    ):
        states = np.stack([trajectory.x[k][0] for k in kept])
        films.append(Film(title, times, to_pixels(states, transform)))
    shape = films[0].pixels.shape[1:]
    size = int(np.prod(shape))
    channels, rows, columns = (axis.ravel().astype(np.int16) for axis in np.indices(shape))
    return Chart(
        "forward-films",
        "Forward process of an image",
        name,
        x=Axis(TIME, float(schedule.timesteps), 0.0, group="time"),
        films=tuple(films),
        timesteps=schedule.timesteps,
        over_time=True,
        help=HELP_FILMS,
        table=Table(
            ("t", "channel", "row", "column", "step by step (0 to 255)", "closed form (0 to 255)"),
            (
                np.repeat(times, size),
                *(np.tile(axis, len(times)) for axis in (channels, rows, columns)),
                *(film.pixels.ravel() for film in films),
            ),
        ),
    )


def _deviation_chart(
    image: NDArray[np.float32], steps: Trajectory, closed: Trajectory, schedule: ScheduleConfig
) -> Chart:
    bars = noise_tables.alphas_cumprod(schedule)
    t = np.array(steps.t)
    # x_t = sqrt(ab) x0 + sqrt(1 - ab) eps, over the pixels of the image.
    law = np.sqrt(bars[t] * float(image.astype(np.float64).var()) + 1 - bars[t])
    at = t.astype(np.float64)
    curves = [
        Curve("step by step", at, _deviations(steps), "main"),
        Curve("closed form", at, _deviations(closed), "plain"),
        Curve("expected", at, law, "reference"),
    ]
    values = np.concatenate([curve.y for curve in curves])
    low, high = float(values.min()), float(values.max())
    room = max(0.08 * (high - low), 0.02)
    return Chart(
        "forward-deviation",
        "Deviation of its pixels",
        "root of the variance over the image, in standardised units",
        x=Axis(TIME, float(schedule.timesteps), 0.0, group="time"),
        y=Axis("deviation", low - room, high + room),
        curves=tuple(curves),
        timesteps=schedule.timesteps,
        over_time=True,
        symbol="deviation",
        help=HELP_DEVIATION,
        table=Table(("t", *(curve.name for curve in curves)), (t, *(c.y for c in curves))),
    )


def _deviations(run: Trajectory) -> Values:
    return np.array([float(x.astype(np.float64).std()) for x in run.x])
