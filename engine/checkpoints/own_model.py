"""A network of the user's own, from a Python file that the user names: ``python:FILE[:FUNCTION]``.

The file is run, so it is only ever loaded when it is asked for by that name.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from engine.checkpoints.data import DATA
from engine.checkpoints.networks import NETWORKS
from engine.diffusion.denoiser import Denoiser
from engine.diffusion.schedules import Schedule
from engine.shared import catalogue
from engine.shared.config import PYTHON, TrainingConfig, require_between, require_choice

FUNCTION = "denoiser"
"""The function that is called when the name does not say which."""
MOST, LEAST_STD = 1e6, 1e-6
"""Of what leads from the data's own units to the network's."""


@dataclass(frozen=True)
class OwnModel:
    """What the function in the user's file returns.

    ``denoiser``: an ``engine.Denoiser``, such as ``engine.NetworkDenoiser(network, schedule,
    "noise")`` around any ``torch.nn.Module`` (x (N, ...), t int64 (N,)) -> (N, ...).
    ``shape``: of one state, (2,) for points of the plane or (C, H, W) for images.
    ``dataset``: what it was trained with; a set of points by name, for images 'folder' if it is
    none of ours. ``mean`` and ``std``, one for each coordinate or channel, lead from the data's own
    units (points) or pixels / 255 (images) to the network's; by default those of the set of points,
    and -1..1 for images.
    """

    denoiser: Denoiser
    shape: tuple[int, ...]
    dataset: str = "folder"
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    title: str = ""
    kind: str = field(init=False)
    """What the states are, by their shape."""

    def __post_init__(self) -> None:
        if not isinstance(self.denoiser, Denoiser):
            raise ValueError(
                f"its denoiser must be an engine.Denoiser, got {type(self.denoiser).__name__}"
            )
        if not isinstance(getattr(self.denoiser, "schedule", None), Schedule):
            raise ValueError("its denoiser must have an engine.Schedule as its schedule")
        suited = [kind for kind in DATA if DATA[kind].may_be(self.shape)]
        if not suited:
            known = ", or ".join(data.own_shapes for data in DATA.values())
            raise ValueError(f"its shape must be {known}, got {self.shape}")
        object.__setattr__(self, "kind", suited[0])
        if DATA[self.kind].plain:
            kinds = catalogue.kind(self.kind).data
            sets = [row for row in catalogue.DATA_SETS if row.kind in kinds]
            require_choice("data set", self.dataset, catalogue.names(sets), ())
        for name, numbers in (("mean", self.mean), ("std", self.std)):
            if numbers is None:
                continue
            if len(numbers) != self.shape[0]:
                raise ValueError(f"its {name} must have {self.shape[0]} numbers, got {numbers}")
            for number in numbers:
                require_between(f"its {name}", number, LEAST_STD if name == "std" else -MOST, MOST)

    @property
    def standardisation(self) -> tuple[list[float], list[float]]:
        """``mean`` and ``std``, with the defaults filled in."""
        mean, std = DATA[self.kind].usual_units(self.dataset, self.shape)
        return (
            mean if self.mean is None else list(self.mean),
            std if self.std is None else list(self.std),
        )

    @property
    def config(self) -> TrainingConfig:
        """As much of a configuration as is known of a foreign network."""
        return NETWORKS[self.kind].standing_for(self.dataset, self.shape, self.denoiser)


def split_name(name: str) -> tuple[Path, str]:
    """The file and the function of ``python:FILE[:FUNCTION]``; raises ``ValueError``."""
    place = name.removeprefix(PYTHON)
    file, colon, function = place.rpartition(":")
    # A drive's letter is no file: C:\\net.py has no function.
    if not colon or not function.isidentifier() or len(file) < 2:
        file, function = place, ""
    path = Path(file)
    if not path.is_file():
        raise ValueError(f"no such Python file: {str(path)!r}, asked for as {name!r}")
    return path, function or FUNCTION


def load_own_model(name: str, device: torch.device) -> OwnModel:
    """Run the file that ``name`` names and call its function with ``device``.

    Raises ``ValueError`` naming the file and what is wrong with it.
    """
    path, function = split_name(name)
    spec = importlib.util.spec_from_file_location(f"toydiff_own_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    run = spec.loader.exec_module
    sys.modules[module.__name__] = module  # dataclasses look their module up there
    sys.path.insert(0, str(path.resolve().parent))  # it may import what lies beside it
    try:
        _guarded(path, lambda: run(module))
    except ValueError:
        del sys.modules[module.__name__]
        raise
    finally:
        with suppress(ValueError):  # it may have been taken out meanwhile
            sys.path.remove(str(path.resolve().parent))
    make = getattr(module, function, None)
    if not callable(make):
        raise ValueError(f"{path} has no function {function!r} that returns an engine.OwnModel")
    model = _guarded(path, lambda: make(device))
    if not isinstance(model, OwnModel):
        raise ValueError(
            f"{function!r} in {path} must return an engine.OwnModel, got {type(model).__name__}"
        )
    _guarded(path, lambda: _try_out(model, device))
    return model


def _guarded(path: Path, act: Callable[[], object]) -> Any:
    """What ``act`` gives; whatever goes wrong in the user's code becomes one sentence."""
    try:
        return act()
    except (Exception, SystemExit) as error:
        said = " ".join(str(error).split())
        kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
        raise ValueError(f"{path} cannot be used: {kind}{said}") from error


def _try_out(model: OwnModel, device: torch.device) -> None:
    """One evaluation, so that a mistake is told now and not in the middle of a lane."""
    x = torch.zeros(2, *model.shape, device=device)
    with torch.no_grad():
        found = model.denoiser.predict(x, model.denoiser.schedule.timesteps)
    for name, states in (("x0", found.x0), ("eps", found.eps)):
        if states.shape != x.shape:
            raise ValueError(
                f"its denoiser gave {name} of shape {tuple(states.shape)} for states of shape "
                f"{tuple(x.shape)}"
            )
