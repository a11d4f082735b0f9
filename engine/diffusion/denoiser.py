"""What a sampler asks: the pair (x0, eps) for states x_t at time t.

``NetworkDenoiser`` gives it whatever its network predicts; those of ``engine.diffusion.exact`` give
it in closed form.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from engine.devices import on_a_grid, threads_for
from engine.diffusion.schedules import Schedule, Time
from engine.shared import catalogue
from engine.shared.config import MOST_GUIDANCE, PredictionName, require_between


@dataclass(frozen=True)
class Prediction:
    """``x0`` and ``eps``, shaped like x_t = sqrt(alpha_bar) x0 + sqrt(1 - alpha_bar) eps."""

    x0: Tensor
    eps: Tensor


class Denoiser(ABC):
    """The one interface between samplers and what they sample from."""

    schedule: Schedule

    def shape_at(self, t: int, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape of a state at t in 0..T, where that of the data is ``shape``: the same."""
        return shape

    @abstractmethod
    def predict(self, x_t: Tensor, t: Time) -> Prediction:
        """The clean data and the noise in x_t (N, ...) at t in 1..T (an int, or int64 (N,)).

        Raises ``ValueError`` for a t outside 1..T.
        """

    def predict_noise(self, x_t: Tensor, t: Time) -> Tensor:
        """eps in x_t (N, ...) at t in 1..T (an int, or int64 (N,)), shaped like x_t."""
        return self.predict(x_t, t).eps

    def predict_x0(self, x_t: Tensor, t: Time) -> Tensor:
        """E[x0 | x_t], shaped like x_t; arguments as in ``predict_noise``."""
        return self.predict(x_t, t).x0

    def _check_time(self, t: Time) -> None:
        first, last = (t, t) if isinstance(t, int) else (int(t.min()), int(t.max()))
        if not 1 <= first <= last <= self.schedule.timesteps:
            wrong = first if first < 1 else last
            raise ValueError(
                f"a denoiser is asked at t between 1 and T = {self.schedule.timesteps}, "
                f"got t = {wrong}"
            )


Share = float | Tensor
"""sqrt(alpha_bar_t) or sqrt(1 - alpha_bar_t): a number, or one for each row."""


@dataclass(frozen=True)
class Predicted:
    """What a network may predict.

    ``read`` (output, x_t, signal, noise) gives what its output says; ``target`` (x0, eps, t,
    schedule) is what it is trained towards.
    """

    read: Callable[[Tensor, Tensor, Share, Share], Prediction]
    target: Callable[[Tensor, Tensor, Time, Schedule], Tensor]


PREDICTED = {
    "noise": Predicted(
        lambda output, x_t, signal, noise: Prediction((x_t - noise * output) / signal, output),
        lambda x0, eps, t, schedule: eps,
    ),
    "x0": Predicted(
        lambda output, x_t, signal, noise: Prediction(output, (x_t - signal * output) / noise),
        lambda x0, eps, t, schedule: x0,
    ),
    "v": Predicted(
        lambda output, x_t, signal, noise: Prediction(
            signal * x_t - noise * output, noise * x_t + signal * output
        ),
        lambda x0, eps, t, schedule: schedule.signal(t, x0) * eps - schedule.noise(t, x0) * x0,
    ),
}
catalogue.require_all("PREDICTED", PREDICTED, catalogue.PREDICTIONS)


def to_prediction(
    output: Tensor, x_t: Tensor, t: Time, schedule: Schedule, prediction: PredictionName
) -> Prediction:
    """What a network's output says about (x0, eps).

    'v' is sqrt(alpha_bar) eps - sqrt(1 - alpha_bar) x0 (Salimans and Ho 2022, section 4): it gives
    both without any division. Only 'noise' divides by sqrt(alpha_bar), and is refused for schedules
    where that root reaches zero; 'x0' divides by sqrt(1 - alpha_bar_t), positive for t >= 1.
    """
    signal, noise = schedule.signal(t, x_t), schedule.noise(t, x_t)
    return PREDICTED[prediction].read(output, x_t, signal, noise)


def training_target(
    x0: Tensor, eps: Tensor, t: Time, schedule: Schedule, prediction: PredictionName
) -> Tensor:
    """What a network that predicts ``prediction`` is trained towards."""
    return PREDICTED[prediction].target(x0, eps, t, schedule)


BLOCK_PIXELS = 16 * 28 * 28
"""Pixels that go through a UNet at once on a CPU: small enough for its caches."""


class FoldedNetwork(Protocol):
    """A network at one time for all rows, writing into ``out``."""

    def __call__(self, x: Tensor, t: int, out: Tensor) -> None: ...


class ConditionalNetwork(Protocol):
    """A network that can be told classes: weights (N, K), or (1, K) for all rows."""

    def at(self, x: Tensor, t: int, classes: Tensor | None = None) -> Tensor: ...


class NetworkDenoiser(Denoiser):
    """A network (x (N, ...), t int64 (N,)) -> (N, ...) with what it predicts.

    At one t for all rows and without gradient, rows are evaluated in padded blocks of one fixed
    size: matrix products round a row differently in other sizes, and asking for more samples must
    not move the first ones. A network with a method ``folded`` is then used in its folded form,
    which holds a copy of the weights; call ``refresh`` after changing them.
    """

    def __init__(self, network: nn.Module, schedule: Schedule, prediction: PredictionName) -> None:
        if prediction == "noise" and schedule.alpha_bar(schedule.timesteps) == 0.0:
            raise ValueError("prediction 'noise' cannot be used with zero terminal signal")
        self.network, self.schedule, self.prediction = network, schedule, prediction
        self._folded: FoldedNetwork | None = None

    def refresh(self) -> None:
        """Take over the network's present weights."""
        self._folded = None

    @property
    def classes(self) -> int:
        """K, the number of classes that the network knows; 0 for none."""
        return getattr(self.network, "known_classes", 0)

    def conditioned(self, classes: Tensor, guidance: float = 1.0) -> Denoiser:
        """The same denoiser, told ``classes``: weights (N, K), or (1, K) for all states.

        See ``GuidedDenoiser``. Raises ``ValueError`` for a network that knows no classes, weights
        of another shape or not finite, and a guidance that is not between 0 and 20.
        """
        return GuidedDenoiser(self, classes, guidance)

    def predict(self, x_t: Tensor, t: Time) -> Prediction:
        """See ``Denoiser.predict``."""
        return to_prediction(self.output(x_t, t), x_t, t, self.schedule, self.prediction)

    def output(self, x_t: Tensor, t: Time, classes: Tensor | None = None) -> Tensor:
        """What the network itself says, shaped like x_t; ``classes`` (N, K) or None."""
        self._check_time(t)
        if isinstance(t, int) and not torch.is_grad_enabled():
            return self._in_blocks(x_t, t, classes)
        return self._with_gradient(x_t, t, classes)

    def _with_gradient(self, x_t: Tensor, t: Time, classes: Tensor | None) -> Tensor:
        given = () if classes is None else (classes,)
        if not isinstance(t, int):
            output: Tensor = self.network(x_t, t, *given)
        elif (at := getattr(self.network, "at", None)) is not None:
            output = at(x_t, t, *given)
        else:
            output = self.network(x_t, torch.full((len(x_t),), t, device=x_t.device), *given)
        return _like(x_t, output)

    def _in_blocks(self, x_t: Tensor, t: int, classes: Tensor | None) -> Tensor:
        rows = _block_rows(x_t)
        output = torch.empty_like(x_t)
        with threads_for(x_t):
            for start in range(0, len(x_t), rows):
                block = x_t[start : start + rows]
                told = None if classes is None else classes[start : start + rows]
                into = output[start : start + rows]
                if len(block) == rows:
                    self._evaluate(block, t, told, into)
                    continue
                padded = x_t.new_zeros(rows, *x_t.shape[1:])
                padded[: len(block)] = block
                if told is not None:
                    told = torch.cat([told, told.new_zeros(rows - len(told), told.shape[1])])
                result = torch.empty_like(padded)
                self._evaluate(padded, t, told, result)
                into.copy_(result[: len(block)])
        return output

    def _evaluate(self, x: Tensor, t: int, classes: Tensor | None, out: Tensor) -> None:
        if classes is not None:
            out.copy_(cast("ConditionalNetwork", self.network).at(x, t, classes))
            return
        if self._folded is None:
            folded = getattr(self.network, "folded", None)
            self._folded = folded() if folded is not None else _Unfolded(self.network)
        self._folded(x, t, out)


class _Unfolded:
    """The folded interface for a network that has no folded form."""

    def __init__(self, network: nn.Module) -> None:
        self._network = network

    def __call__(self, x: Tensor, t: int, out: Tensor) -> None:
        at = getattr(self._network, "at", None)
        if at is not None:
            out.copy_(_like(x, at(x, t)))
        else:
            out.copy_(_like(x, self._network(x, torch.full((len(x),), t, device=x.device))))


def _like(x: Tensor, output: object) -> Tensor:
    """What a network gave, if it suits: anything smaller would be spread over all states."""
    if not isinstance(output, Tensor):
        raise ValueError(f"the network gave a {type(output).__name__}, not a tensor")
    if output.shape != x.shape:
        given, wanted = tuple(output.shape), tuple(x.shape)
        raise ValueError(f"the network gave shape {given} for states of shape {wanted}")
    return output


class GuidedDenoiser(Denoiser):
    """A network that is told a class of each state, with classifier-free guidance.

    The output is o + w (o_c - o), where o_c knows the class and o does not (Ho and Salimans 2022,
    equation 6, with w for their 1 + w): w = 0 ignores the class, 1 is the conditional network, more
    exaggerates. Other values than 1 cost two evaluations. Weights between two classes are between
    them; zeros are no class.
    """

    def __init__(self, denoiser: NetworkDenoiser, classes: Tensor, guidance: float = 1.0) -> None:
        if denoiser.classes == 0:
            raise ValueError("this network was trained without classes")
        if classes.ndim != 2 or classes.shape[1] != denoiser.classes:
            raise ValueError(
                f"class weights must have shape (N, {denoiser.classes}), got {tuple(classes.shape)}"
            )
        if not bool(torch.isfinite(classes).all()):
            raise ValueError("class weights must be finite, got NaN or infinity")
        require_between("guidance", guidance, 0.0, MOST_GUIDANCE)
        self.schedule, self.guidance = denoiser.schedule, guidance
        self._denoiser, self._classes = denoiser, classes

    def shape_at(self, t: int, shape: tuple[int, ...]) -> tuple[int, ...]:
        """That of the network."""
        return self._denoiser.shape_at(t, shape)

    def predict(self, x_t: Tensor, t: Time) -> Prediction:
        """See ``Denoiser.predict``. Raises ``ValueError`` for other states than classes."""
        if len(self._classes) not in (1, len(x_t)):
            raise ValueError(f"{len(x_t)} states with {len(self._classes)} rows of class weights")
        inner, w = self._denoiser, self.guidance
        told = self._classes.to(x_t.dtype).to(x_t.device).expand(len(x_t), -1)
        output = inner.output(x_t, t, told if w else None)
        if w not in (0.0, 1.0):
            output = torch.lerp(inner.output(x_t, t), output, w)
        return to_prediction(output, x_t, t, self.schedule, inner.prediction)


def _block_rows(x: Tensor) -> int:
    """A fixed number of rows for states of this size and device, about a cache's worth."""
    if on_a_grid(x):
        pixels = math.prod(x.shape[2:])
        most = BLOCK_PIXELS if x.device.type == "cpu" else 8 * BLOCK_PIXELS
        return max(4, min(64, most // pixels))
    if x.device.type == "cpu":
        return 512 if x[0].numel() <= 64 else 16
    return 8192 if x[0].numel() <= 64 else 64
