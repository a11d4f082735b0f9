"""How long the ideal denoiser takes, beside its formula written down in float64 in the same run.

    python -m bench.exact [--json]

500 states of 8,000 points in the plane, as an exact lane of the window asks for them: at times from
all over the schedule, for float32 and float64, and with the gradient that a search for a path
needs. Best of several; the ratio counts, since milliseconds drift with the machine.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable

import torch
from torch import Tensor

from engine import datasets
from engine.diffusion.exact import IdealDenoiser
from engine.diffusion.noise import draw_latents
from engine.diffusion.schedules import make_schedule

STATES, POINTS, REPEATS = 500, 8000, 7
TIMES = (1, 10, 25, 60, 125, 190, 250)
LIMIT = 1 / 3
"""Of the time of the formula, for float32 over all times."""


def formula(x: Tensor, points: Tensor, alpha_bar: float) -> Tensor:
    """E[x0 | x_t] as it stands in the docstring of ``IdealDenoiser``, all weights at once."""
    distances = torch.cdist(x, alpha_bar**0.5 * points).square()
    return (-distances / (2 * (1 - alpha_bar))).softmax(dim=1) @ points


def milliseconds(work: Callable[[], object]) -> float:
    """The best of ``REPEATS``, after one that does not count."""
    taken = []
    for _ in range(REPEATS + 1):
        begin = time.perf_counter()
        work()
        taken.append(1e3 * (time.perf_counter() - begin))
    return min(taken[1:])


def gradient(mean: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Of the sum of all means."""
    asked = x.clone().requires_grad_()
    return torch.autograd.grad(mean(asked).sum(), asked)[0]


def measure_at(t: int, denoiser: IdealDenoiser, points: Tensor) -> dict[str, float]:
    """Milliseconds for an evaluation at time ``t``, and the difference of the results."""
    schedule = denoiser.schedule
    x = schedule.add_noise(points[:STATES], t, draw_latents(0, STATES, (2,)))
    exact, wide = x.double(), points.double()

    def ours(x: Tensor) -> Tensor:
        return denoiser.predict_x0(x, t)

    def by_formula(x: Tensor) -> Tensor:
        return formula(x, wide, schedule.alpha_bar(t))

    with torch.no_grad():
        figures = {
            "formula": milliseconds(lambda: by_formula(exact)),
            "float64": milliseconds(lambda: ours(exact)),
            "float32": milliseconds(lambda: ours(x)),
            "difference": float((ours(x) - by_formula(exact)).abs().max()),
        }
    return figures | {
        "formula_gradient": milliseconds(lambda: gradient(by_formula, exact)),
        "gradient": milliseconds(lambda: gradient(ours, x)),
    }


def measure() -> dict[str, float]:
    """Means over ``TIMES``, the ratios to the formula, and the largest difference."""
    torch.set_num_threads(1)  # as the engine does
    points = torch.from_numpy(datasets.load("v", n=POINTS, seed=0).points)
    denoiser = IdealDenoiser(points, make_schedule("linear", 250))
    measured = [measure_at(t, denoiser, points) for t in TIMES]
    means = {name: sum(one[name] for one in measured) / len(measured) for name in measured[0]}
    return {
        **means,
        "difference": max(one["difference"] for one in measured),
        "ratio": means["float32"] / means["formula"],
        "ratio_float64": means["float64"] / means["formula"],
        "ratio_gradient": means["gradient"] / means["formula_gradient"],
        "limit": LIMIT,
    }


def main() -> int:
    """Measure, print, and say by the exit status whether the limit is kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    figures = measure()
    kept = figures["ratio"] <= LIMIT
    if options.json:
        print(json.dumps(figures))
    else:
        print(
            f"{STATES} states, {POINTS} points, one thread; the formula in float64: "
            f"{figures['formula']:.1f} ms, with gradient {figures['formula_gradient']:.1f} ms\n"
            f"float32:  {figures['float32']:.1f} ms, to the formula {figures['ratio']:.2f}, "
            f"limit {LIMIT:.2f}{'' if kept else ' MISSED'}; "
            f"largest difference {figures['difference']:.1e}\n"
            f"float64:  {figures['float64']:.1f} ms, {figures['ratio_float64']:.2f}\n"
            f"gradient: {figures['gradient']:.1f} ms, {figures['ratio_gradient']:.2f}"
        )
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
