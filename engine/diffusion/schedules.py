"""The table of coefficients of a noise schedule, and the forward process.

Tables are float64 on the CPU; coefficients are turned into the states' own type and device where
they are used. t = 0 is data, t = T is noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from engine.shared import noise_tables
from engine.shared.config import ScheduleConfig, ScheduleName

Time = int | Tensor
"""One time for all samples, or int64 (N,) with a time each."""


@dataclass(frozen=True)
class Schedule:
    """alpha_bar and what follows from it.

    ``alphas_cumprod``: float64 (T + 1,) on the CPU, ``alphas_cumprod[0] == 1``.
    """

    config: ScheduleConfig

    @cached_property
    def alphas_cumprod(self) -> Tensor:
        """alpha_bar_t, the share of the data's variance left at t, float64 (T + 1,)."""
        return torch.from_numpy(noise_tables.alphas_cumprod(self.config))

    @cached_property
    def betas(self) -> Tensor:
        """beta_t, the variance added by the step to t, float64 (T + 1,); beta_0 = 0."""
        return torch.from_numpy(noise_tables.betas(self.config))

    @cached_property
    def _floats(self) -> list[float]:
        # Picking a number from a tensor costs microseconds and, on a device, a wait.
        return [float(value) for value in noise_tables.alphas_cumprod(self.config)]

    def alpha_bar(self, t: int) -> float:
        """alpha_bar_t as a number."""
        return self._floats[t]

    @cached_property
    def _signal(self) -> Tensor:
        return self.alphas_cumprod.sqrt()

    @cached_property
    def _noise(self) -> Tensor:
        return (1 - self.alphas_cumprod).sqrt()

    @property
    def timesteps(self) -> int:
        """T."""
        return self.config.timesteps

    def signal(self, t: Time, like: Tensor) -> float | Tensor:
        """sqrt(alpha_bar_t): a float for one time, else (N, 1, ...) to multiply ``like`` with."""
        return self.alpha_bar(t) ** 0.5 if isinstance(t, int) else _at(self._signal, t, like)

    def noise(self, t: Time, like: Tensor) -> float | Tensor:
        """sqrt(1 - alpha_bar_t), as ``signal``."""
        return (1 - self.alpha_bar(t)) ** 0.5 if isinstance(t, int) else _at(self._noise, t, like)

    def add_noise(self, x0: Tensor, t: Time, eps: Tensor) -> Tensor:
        """x_t = sqrt(alpha_bar_t) x0 + sqrt(1 - alpha_bar_t) eps (Ho et al. 2020, equation 4)."""
        return self.signal(t, x0) * x0 + self.noise(t, x0) * eps

    def forward_step(self, x_s: Tensor, t: int, eps: Tensor) -> Tensor:
        """One step of the forward process, from s = t - 1 to t (Ho et al. 2020, equation 2)."""
        if not 1 <= t <= self.timesteps:
            raise ValueError(f"t must be between 1 and T = {self.timesteps}, got {t}")
        beta = float(self.betas[t])
        x_t: Tensor = (1 - beta) ** 0.5 * x_s + beta**0.5 * eps
        return x_t


def make_schedule(
    name: ScheduleName = "linear", timesteps: int = 250, *, zero_terminal: bool = False
) -> Schedule:
    """A schedule by name; raises ``ValueError`` for an unknown name or T < 2."""
    return Schedule(ScheduleConfig(name=name, timesteps=timesteps, zero_terminal=zero_terminal))


def _at(table: Tensor, t: Tensor, like: Tensor) -> Tensor:
    # The type is changed before the device: some devices have no float64.
    values = table.to(like.dtype).to(like.device)[t]
    return values.view(-1, *([1] * (like.ndim - 1)))
