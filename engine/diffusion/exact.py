"""Denoisers in closed form: for a finite data set, and for Gaussian mixtures."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from functools import partial

import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.utils import checkpoint as recomputation

from engine.diffusion.denoiser import Denoiser, Prediction
from engine.diffusion.point_posterior import PointPosterior, float32_is_enough
from engine.diffusion.schedules import Schedule, Time


class _ExactDenoiser(Denoiser):
    """E[x0 | x_t] in closed form; eps follows from it."""

    def predict(self, x_t: Tensor, t: Time) -> Prediction:
        """See ``Denoiser.predict``."""
        self._check_time(t)
        if isinstance(t, int):
            x0 = self._x0(x_t, t)
        else:
            x0 = torch.empty_like(x_t)
            for value in torch.unique(t).tolist():
                rows = t == value
                x0[rows] = self._x0(x_t[rows], value)
        return Prediction(
            x0, (x_t - self.schedule.signal(t, x_t) * x0) / self.schedule.noise(t, x_t)
        )

    def _x0(self, x_t: Tensor, t: int) -> Tensor:
        flat = x_t.reshape(len(x_t), -1)
        alpha_bar = self.schedule.alpha_bar(t)
        flat = flat.to(self._working_type(flat, alpha_bar))
        return self._posterior_mean(flat, alpha_bar).to(x_t.dtype).reshape(x_t.shape)

    def _working_type(self, x: Tensor, alpha_bar: float) -> torch.dtype:
        # Squared distances over small variances lose too much in float32; MPS has no float64.
        return x.dtype if x.device.type == "mps" else torch.float64

    @abstractmethod
    def _posterior_mean(self, x: Tensor, alpha_bar: float) -> Tensor: ...


class IdealDenoiser(_ExactDenoiser):
    """Exact for data that is uniform on ``points`` (M, ...): softmax-weighted means of them.

    E[x0 | x_t] = sum_i w_i y_i, w = softmax(-|x_t - sqrt(alpha_bar) y_i|^2 / (2 (1 - alpha_bar))).
    float32 states are done in float32 where it is exact to about 1e-5, else in float64. Rows are
    evaluated in padded blocks of one size, as by ``NetworkDenoiser``.
    """

    MAX_WEIGHTS = 2**17
    """Weights held at once on a CPU, about a cache's worth; elsewhere 64 times as many."""

    def __init__(self, points: ArrayLike | Tensor, schedule: Schedule) -> None:
        self.schedule = schedule
        points = torch.as_tensor(points)
        if points.ndim < 2 or len(points) == 0 or not torch.isfinite(points).all():
            raise ValueError(
                f"points must be finite with shape (M, ...), got {tuple(points.shape)}"
            )
        self._points = points.reshape(len(points), -1)

    def _working_type(self, x: Tensor, alpha_bar: float) -> torch.dtype:
        if x.dtype == torch.float32 and float32_is_enough(x.shape[1], alpha_bar):
            return x.dtype
        return super()._working_type(x, alpha_bar)

    def _posterior_mean(self, x: Tensor, alpha_bar: float) -> Tensor:
        points = self._points.to(x.dtype).to(x.device)
        mean: Callable[[Tensor], Tensor] = PointPosterior(points, alpha_bar).mean
        if torch.is_grad_enabled() and x.requires_grad:
            # The weights are found again on the way back: kept, they would fill the memory.
            mean = partial(
                recomputation.checkpoint, mean, use_reentrant=False, preserve_rng_state=False
            )
        rows = max(1, self.MAX_WEIGHTS * (1 if x.device.type == "cpu" else 64) // len(points))
        padded = nn.functional.pad(x, (0, 0, 0, -len(x) % rows))
        return torch.cat([mean(block) for block in torch.split(padded, rows)])[: len(x)]


class MixtureDenoiser(_ExactDenoiser):
    """Exact for a Gaussian mixture.

    ``weights`` (K,), ``means`` (K, D), ``covariances`` (K, D, D). Component k of x_t is
    N(sqrt(ab) m_k, ab S_k + (1 - ab) I), and given k,
    E[x0 | x_t] = m_k + sqrt(ab) S_k (ab S_k + (1 - ab) I)^-1 (x_t - sqrt(ab) m_k).
    """

    def __init__(
        self, weights: ArrayLike, means: ArrayLike, covariances: ArrayLike, schedule: Schedule
    ) -> None:
        self.schedule = schedule
        self._weights = torch.as_tensor(weights, dtype=torch.float64)
        self._means = torch.as_tensor(means, dtype=torch.float64)
        self._covariances = torch.as_tensor(covariances, dtype=torch.float64)
        components, dimension = self._means.shape
        if self._weights.shape != (components,) or self._covariances.shape != (
            components,
            dimension,
            dimension,
        ):
            raise ValueError(
                f"weights {tuple(self._weights.shape)}, means {tuple(self._means.shape)} and "
                f"covariances {tuple(self._covariances.shape)} do not fit together"
            )

    def _posterior_mean(self, x: Tensor, alpha_bar: float) -> Tensor:
        signal, identity = alpha_bar**0.5, torch.eye(self._means.shape[1], dtype=torch.float64)
        marginal = alpha_bar * self._covariances + (1 - alpha_bar) * identity
        gain = signal * torch.linalg.solve(marginal, self._covariances).mT  # S (ab S + ..)^-1
        factor = torch.linalg.cholesky(marginal)
        means, gain, factor = (v.to(x.dtype).to(x.device) for v in (self._means, gain, factor))
        logits, posterior = [], []
        for k, weight in enumerate(self._weights.tolist()):
            centred = x - signal * means[k]
            white = torch.linalg.solve_triangular(factor[k], centred.T, upper=False)
            half_log_det = factor[k].diagonal().log().sum()
            logits.append(
                torch.log(x.new_tensor(weight)) - half_log_det - white.square().sum(0) / 2
            )
            posterior.append(means[k] + centred @ gain[k].T)
        share = torch.stack(logits, 1).softmax(1)
        return (share[:, :, None] * torch.stack(posterior, 1)).sum(1)


class GaussianDenoiser(MixtureDenoiser):
    """Exact for N(mean, covariance): the mixture of one component."""

    def __init__(self, mean: ArrayLike, covariance: ArrayLike, schedule: Schedule) -> None:
        mean = torch.as_tensor(mean, dtype=torch.float64)
        covariance = torch.as_tensor(covariance, dtype=torch.float64)
        super().__init__([1.0], mean[None], covariance[None], schedule)
