"""Devices without float64 (MPS): nothing is made double there, and nothing double is sent there.

Such a device is pretended by tensors that refuse both.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from engine.analysis import noise_errors
from engine.checkpoints.checkpoint import load_checkpoint
from engine.diffusion.samplers import DDIM, DDPM, Heun, sample
from engine.paths import geodesic_points
from engine.paths.curves import make_curve
from engine.paths.latents import evenly_spaced
from engine.training.trainer import finish

SHAPE = (1, 8, 8)
PATHS = ["linear", "prior-preserving", "spherical", "norm-guided", "drawn"]
CPU = torch.device("cpu")


class Single(Tensor):
    """A tensor on a device that has no float64; only ``cpu`` takes it off."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        name, given = getattr(func, "__name__", ""), [*args, *kwargs.values()]
        with torch._C.DisableTorchFunctionSubclass():
            leaves = name == "cpu" or (name == "to" and ("cpu" in given or CPU in given))
            here = isinstance(args[0], Single) if args else False
            if name == "to" and here:  # a copy may convert on either side
                refused = torch.float64 in given
            elif name == "to":
                target = any(isinstance(each, Single) for each in args[1:])
                refused = target and args[0].dtype == torch.float64
            else:
                refused = name == "double" or (here and kwargs.get("dtype") is torch.float64)
            if refused:
                raise TypeError("Cannot convert a MPS Tensor to float64")
            out = func(*args, **kwargs)
        if not isinstance(out, Tensor):
            return out
        return out.as_subclass(Tensor if leaves else Single)


def on_device(tensor: Tensor) -> Tensor:
    return tensor.float().as_subclass(Single)


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return on_device(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)))


@pytest.fixture
def digits():
    return load_checkpoint("digits")


def test_the_pretence_refuses_what_such_a_device_refuses():
    x = drawn(3)
    for attempt in (x.double, lambda: x.to(torch.float64), lambda: x.to("cpu", torch.float64)):
        with pytest.raises(TypeError, match="float64"):
            attempt()
    with pytest.raises(TypeError, match="float64"):
        torch.zeros(3, dtype=torch.float64).to(x)
    with pytest.raises(TypeError, match="float64"):
        (x + 1).square().sum(dtype=torch.float64)
    assert x.cpu().double().dtype == torch.float64


@pytest.mark.parametrize("name", PATHS)
def test_paths(name):
    a, b = drawn(*SHAPE), drawn(*SHAPE, seed=1)
    through = drawn(1, *SHAPE, seed=2) if name == "drawn" else None
    positions = on_device(torch.linspace(0, 1, 5))
    latents = make_curve(name, a, b, through=through)(positions)
    plain = make_curve(name, a.cpu(), b.cpu(), through=None if through is None else through.cpu())(
        positions.cpu()
    )
    assert latents.dtype == torch.float32
    torch.testing.assert_close(latents.cpu(), plain)
    assert evenly_spaced(latents, 4).shape == (4, *SHAPE)


@pytest.mark.parametrize("sampler", [DDIM(steps=3), DDPM(steps=3), Heun(steps=2)])
def test_samplers(digits, sampler):
    *_, last = sample(digits.denoiser, digits.schedule, drawn(2, *SHAPE), sampler=sampler)
    assert last.x.dtype == torch.float32


def test_a_path_that_is_evenly_decoded(digits, monkeypatch):
    monkeypatch.setattr(geodesic_points, "LEAST_REFINED", 8)
    monkeypatch.setattr(geodesic_points, "JUDGE_STEPS", 3)
    a, b = drawn(*SHAPE), drawn(*SHAPE, seed=1)
    curve = make_curve("linear", a, b)
    steps = geodesic_points.evenly_decoded(digits.denoiser, digits.schedule, curve, 3, a)
    assert finish(steps).shape == (3, *SHAPE)


@pytest.mark.parametrize("name", ["noise_pairs", "noise_density", "loss_by_time", "error_maps"])
def test_diagnostics(digits, monkeypatch, name):
    draws = noise_errors._draws
    monkeypatch.setattr(
        noise_errors, "_draws", lambda *given: tuple(on_device(part) for part in draws(*given))
    )
    times = ([5],) if name in ("loss_by_time", "error_maps") else ()
    assert list(getattr(noise_errors, name)(digits.denoiser, drawn(40, *SHAPE), *times, count=16))
