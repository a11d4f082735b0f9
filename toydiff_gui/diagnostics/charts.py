"""The cards of the diagnostics: from findings, schedules and data to charts. No Qt."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from engine.shared.config import ScheduleConfig
from toydiff_gui.diagnostics import schedules, signal_left
from toydiff_gui.diagnostics.chart import (
    Axis,
    Bar,
    Chart,
    Curve,
    Role,
    Table,
    Values,
    fixed,
)
from toydiff_gui.diagnostics.findings import LossCurve
from toydiff_gui.state import wording

TIME = "time t"
NOISE_HALF = 3.5
SHOWN_REACH = 4.0
BARS = "\N{GREEK SMALL LETTER ALPHA}\N{COMBINING MACRON}"

HELP_LOSS = (
    "How wrong the predicted noise is, time by time. 'Best possible' is the exact denoiser of the "
    "training points: what it cannot tell, nobody can. Near t = 0 it wins because it knows every "
    "single point."
)
HELP_SCHEDULES = (
    "How much noise each schedule adds, and what follows from it. The model's own is emphasised."
)
HELP_LEFT = (
    "The root of the share of the data that is left in x_T. Shift: how far from 0 the farthest "
    "data point ends on average. W₂ and KL: how far the noised data are from N(0, 1), which "
    "sampling starts from."
)
HELP_START = (
    "Sampling starts from N(0, 1), but the forward process ends in the noised data. Even where "
    "both look alike, a single data point still pulls its noised copies towards itself."
)
HELP_DIFFERENCE = (
    "What the plot above hides: where the noised data are denser or thinner than N(0, 1). A "
    "schedule that ends with no signal makes no difference."
)


def loss_chart(network: LossCurve | None, exact: LossCurve | None, message: str = "") -> Chart:
    """Loss by time of the network and of the denoiser that knows the training data."""
    title, subtitle = "Loss at each time", "mean squared error of the predicted noise"
    known = network or exact
    if known is None:
        return Chart("loss", title, subtitle, message=message)
    curves = []
    if network is not None:
        curves.append(_loss_curve("network", network, "main"))
    if exact is not None:
        curves.append(_loss_curve("best possible", exact, "reference"))
    top = max(float(curve.y.max()) for curve in curves if len(curve.y))
    return Chart(
        "loss",
        title,
        f"{subtitle}{wording.DOT}{message}" if message else subtitle,
        x=Axis(TIME, float(known.timesteps), 0.0, group="time"),
        y=Axis("loss", 0.0, max(1.06 * top, 1.06)),
        curves=tuple(curves),
        timesteps=known.timesteps,
        over_time=True,
        symbol="loss",
        help=HELP_LOSS,
        table=_loss_table(network, exact),
    )


def _loss_curve(name: str, curve: LossCurve, role: str) -> Curve:
    return Curve(name, curve.t.astype(np.float64), curve.loss, role, curve.error)  # type: ignore[arg-type]


def _loss_table(network: LossCurve | None, exact: LossCurve | None) -> Table:
    """A row a time that either has; NaN where one has not come as far."""
    known = [curve for curve in (network, exact) if curve is not None]
    t = np.unique(np.concatenate([curve.t for curve in known]))[::-1]
    columns: list[NDArray[np.generic]] = [t]
    heads = ["t"]
    for name, curve in (("network", network), ("best possible", exact)):
        if curve is not None:
            heads += [f"loss, {name}", f"standard error, {name}"]
            for values in (curve.loss, curve.error):
                column = np.full(len(t), np.nan)
                column[np.searchsorted(-t, -curve.t)] = values
                columns.append(column)
    return Table(tuple(heads), tuple(columns))


@lru_cache(maxsize=32)
def schedule_chart(own: ScheduleConfig, key: str) -> Chart:
    """A quantity of all schedules over t, that of the model emphasised."""
    quantity = schedules.quantity(key)
    t = np.arange(own.timesteps + 1, dtype=np.float64)
    curves = tuple(
        Curve(name, t, schedules.table(config, key), "main" if config == own else "plain")
        for name, config in schedules.compared(own)
    )
    values = np.concatenate([curve.y[np.isfinite(curve.y)] for curve in curves])
    low, high = float(values.min()), float(values.max())
    scale = "log scale" if quantity.log else quantity.meaning
    if quantity.log:
        y = Axis(quantity.symbol, low / 1.6, high * 1.6, log=True)
    else:
        room = 0.06 * (high - low)
        y = Axis(quantity.symbol, low - room, high + room)
    return Chart(
        "schedules",
        "Noise schedules",
        f"{quantity.name} at each time, {scale}",
        x=Axis(TIME, float(own.timesteps), 0.0, group="time"),
        y=y,
        curves=curves,
        timesteps=own.timesteps,
        over_time=True,
        labelled=True,
        help=HELP_SCHEDULES,
        symbol=quantity.symbol,
        table=Table(
            ("t", *(f"{quantity.key}, {curve.name}" for curve in curves)),
            (np.arange(own.timesteps + 1), *(curve.y for curve in curves)),
        ),
    )


START_TITLES = ("The signal left at T", "Start of sampling", "Difference at the start")


def start_charts(
    own: ScheduleConfig, directions: Sequence[signal_left.Direction]
) -> tuple[Chart, Chart, Chart]:
    """What is left of the signal at T, where sampling starts, and the difference of the two.

    Along that of the ``directions`` where there is most to see.
    """
    direction = signal_left.most_different(directions, signal_left.signal_left(own))
    plain = ScheduleConfig(name=own.name, timesteps=own.timesteps)
    mine = signal_left.ending(direction.along, signal_left.signal_left(own))
    zero = signal_left.ending(direction.along, 0.0)
    return (
        _left_chart(own, direction),
        _density_chart(own, direction, mine, zero, plain),
        _difference_chart(own, direction),
    )


def _all_schedules(own: ScheduleConfig) -> list[tuple[str, ScheduleConfig]]:
    plain = [pair for pair in schedules.compared(own) if not pair[1].zero_terminal]
    rescaled = [schedules.with_zero_end(config) for _, config in plain]
    return plain + [(schedules.label(config), config) for config in rescaled]


def _left_chart(own: ScheduleConfig, direction: signal_left.Direction) -> Chart:
    rows, table = [], []
    for name, config in _all_schedules(own):
        signal = signal_left.signal_left(config)
        end = signal_left.ending(direction.along, signal)
        figures = (
            fixed(signal, 4),
            fixed(end.farthest, 2),
            fixed(end.w2, 4),
            fixed(end.kl, 5),
        )
        rows.append(Bar(name, signal, figures, "main" if config == own else "plain"))
        table.append((name, signal, end.mean, end.deviation, end.farthest, end.w2, end.kl))
    columns = tuple(np.array(column) for column in zip(*table, strict=True))
    return Chart(
        "signal",
        f"The signal left at t = {own.timesteps}",
        f"what is left of the data at the end{wording.DOT}along {direction.name}",
        bars=tuple(rows),
        bar_columns=(f"√{BARS}", "shift", "W₂", "KL"),
        help=HELP_LEFT,
        timesteps=own.timesteps,
        table=Table(
            (
                "schedule",
                "sqrt(alpha_bar_T)",
                "mean of x_T",
                "deviation of x_T",
                "mean of x_T for the farthest data point",
                "W2 to N(0, 1)",
                "KL to N(0, 1) (nats)",
            ),
            columns,
        ),
    )


def _shown_grid() -> NDArray[np.bool_]:
    return np.abs(signal_left.GRID) <= SHOWN_REACH + 1e-9


def _density_chart(
    own: ScheduleConfig,
    direction: signal_left.Direction,
    mine: signal_left.Ending,
    zero: signal_left.Ending,
    plain: ScheduleConfig,
) -> Chart:
    kept = _shown_grid()
    grid = signal_left.GRID[kept]
    curves = [
        Curve("noised data", grid, mine.density[kept], "main"),
        Curve("N(0, 1)", grid, signal_left.NORMAL[kept], "reference"),
        Curve("farthest point", grid, mine.of_farthest[kept], "plain"),
    ]
    if not own.zero_terminal:
        name = schedules.label(schedules.with_zero_end(plain))
        curves.append(Curve(name, grid, zero.density[kept], "dotted"))
    top = max(float(curve.y.max()) for curve in curves)
    return Chart(
        "start",
        "Start of sampling",
        f"density of x at t = {own.timesteps} along {direction.name}",
        x=Axis(f"x at t = {own.timesteps}", -SHOWN_REACH, SHOWN_REACH, group="start"),
        y=Axis("density", 0.0, 1.1 * top),
        curves=tuple(curves),
        timesteps=own.timesteps,
        figures=(
            ("mean", fixed(mine.mean, 3)),
            ("deviation", fixed(mine.deviation, 3)),
            ("W₂", fixed(mine.w2, 4)),
            ("KL", fixed(mine.kl, 5)),
        ),
        help=HELP_START,
        table=Table(("x_T", *(curve.name for curve in curves)), (grid, *_ys(curves))),
    )


def _difference_chart(own: ScheduleConfig, direction: signal_left.Direction) -> Chart:
    kept = _shown_grid()
    grid = signal_left.GRID[kept]
    curves: list[Curve] = []
    for name, config in _all_schedules(own):
        if config.zero_terminal and config != own and config.name != own.name:
            continue  # all rescaled ones are the same line
        end = signal_left.ending(direction.along, signal_left.signal_left(config))
        role: Role = "main" if config == own else "reference" if config.zero_terminal else "plain"
        if role == "plain" and any(curve.role == "plain" for curve in curves):
            role = "dotted"  # two grey lines must be told apart by the legend
        curves.append(Curve(name, grid, (end.density - signal_left.NORMAL)[kept], role))
    reach = max(1e-4, *(float(np.abs(curve.y).max()) for curve in curves))
    return Chart(
        "difference",
        "Difference at the start",
        "density of the noised data less that of N(0, 1), which sampling starts from",
        x=Axis(f"x at t = {own.timesteps}", -SHOWN_REACH, SHOWN_REACH, group="start"),
        y=Axis("difference", -1.15 * reach, 1.15 * reach),
        help=HELP_DIFFERENCE,
        curves=tuple(curves),
        timesteps=own.timesteps,
        table=Table(("x_T", *(curve.name for curve in curves)), (grid, *_ys(curves))),
    )


def _ys(curves: list[Curve]) -> list[Values]:
    return [curve.y for curve in curves]
