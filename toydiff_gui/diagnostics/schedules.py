"""What follows from a noise schedule, at every t, as tables to draw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from engine.shared import catalogue, noise_tables
from engine.shared.config import ScheduleConfig
from toydiff_gui.diagnostics.chart import Values


@dataclass(frozen=True)
class Quantity:
    """Something to plot over t: how it is called, and how it follows from alpha_bar (T + 1,)."""

    key: str
    name: str
    symbol: str
    log: bool
    meaning: str
    table: Callable[[Values], Values]


def _beta(bars: Values) -> Values:
    return np.concatenate([[np.nan], 1.0 - bars[1:] / bars[:-1]])


def _posterior(bars: Values) -> Values:
    # Ho et al. 2020, equation 7; at t = 1 nothing is left to choose.
    result = _beta(bars)
    result[1:] *= (1.0 - bars[:-1]) / (1.0 - bars[1:])
    result[1] = np.nan
    return result


def _log_snr(bars: Values) -> Values:
    with np.errstate(divide="ignore"):
        result = np.log(bars) - np.log1p(-bars)
    result[~np.isfinite(result)] = np.nan  # all signal at t = 0, none at a zero end
    return np.asarray(result)


_BAR = "\N{COMBINING MACRON}"
_ALPHA_BAR = f"\N{GREEK SMALL LETTER ALPHA}{_BAR}"

QUANTITIES = (
    Quantity("beta", "β", "β", True, "the variance that the step to t adds", _beta),
    Quantity(
        "alpha_bar",
        _ALPHA_BAR,
        _ALPHA_BAR,
        False,
        "the share of the data's variance that is left",
        lambda bars: bars,
    ),
    Quantity(
        "signal",
        f"signal √{_ALPHA_BAR}",
        f"√{_ALPHA_BAR}",
        False,
        "what the data are multiplied with",
        np.sqrt,
    ),
    Quantity(
        "noise",
        f"noise √(1−{_ALPHA_BAR})",
        f"√(1−{_ALPHA_BAR})",
        False,
        "the deviation of the noise",
        lambda bars: np.sqrt(1.0 - bars),
    ),
    Quantity(
        "log_snr",
        "log-SNR",
        "log-SNR",
        False,
        "the logarithm of signal over noise, in variances",
        _log_snr,
    ),
    Quantity(
        "posterior",
        "posterior variance",
        "β\N{COMBINING TILDE}",
        True,
        "of x at t−1, given x at t and the data",
        _posterior,
    ),
)


def quantity(key: str) -> Quantity:
    """The quantity called ``key``."""
    return next(each for each in QUANTITIES if each.key == key)


@lru_cache(maxsize=64)
def table(config: ScheduleConfig, key: str) -> Values:
    """The quantity ``key`` at t = 0..T, (T + 1,); NaN where it is not defined."""
    return quantity(key).table(noise_tables.alphas_cumprod(config))


def compared(own: ScheduleConfig) -> list[tuple[str, ScheduleConfig]]:
    """The schedules to compare at the T of ``own``, named; ``own`` is among them."""
    plain = [
        (row.name, ScheduleConfig(name=row.name, timesteps=own.timesteps))
        for row in catalogue.SCHEDULES
    ]
    if own.zero_terminal:
        plain.append((label(own), own))
    return plain


def label(config: ScheduleConfig) -> str:
    """A schedule in a word or two."""
    return f"{config.name}, zero end" if config.zero_terminal else config.name


def with_zero_end(config: ScheduleConfig) -> ScheduleConfig:
    """The same schedule, rescaled so that no signal is left at T."""
    return replace(config, zero_terminal=True)
