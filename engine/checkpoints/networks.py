"""The network of each kind of state: what it is built from, and how it is treated."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import torch
from torch import nn

from engine.checkpoints.precision import training_type
from engine.datasets.images import folder_training, image_training, info_of
from engine.diffusion.denoiser import Denoiser
from engine.models.mlp import ResidualMLP
from engine.models.unet import UNet
from engine.shared import catalogue
from engine.shared.catalogue import IMAGES, POINTS
from engine.shared.config import (
    LEAST_SIZE,
    MOST_SIZE,
    TrainingConfig,
    UNetConfig,
    require_between,
    resolutions,
)

Options = Mapping[str, Any]
"""Options of the command ``train`` by name; None for one that was not given."""


class NetworkOfKind(ABC):
    """The network for states of one kind.

    ``slow``: a pass takes long, so that a training takes few states at once while others wait, and
    gains from several threads. ``folds``: denoisers use a folded copy of its weights.
    """

    slow: ClassVar[bool]
    folds: ClassVar[bool]

    @abstractmethod
    def build(self, config: TrainingConfig, shape: Sequence[int]) -> nn.Module:
        """The untrained network that ``config`` asks for, for states of ``shape``."""

    @abstractmethod
    def working_type(self, device: torch.device) -> torch.dtype:
        """What it computes in while it is trained on ``device``."""

    @abstractmethod
    def usual(self, dataset: str, options: Options) -> TrainingConfig:
        """The training that suits ``dataset``, where ``options`` say nothing else."""

    @abstractmethod
    def changed(self, config: TrainingConfig, options: Options) -> TrainingConfig:
        """``config`` with the network that ``options`` ask for."""

    @abstractmethod
    def standing_for(
        self, dataset: str, shape: tuple[int, ...], denoiser: Denoiser
    ) -> TrainingConfig:
        """As much of a configuration as is known of a network that is not ours."""


class PointNetwork(NetworkOfKind):
    """A residual MLP."""

    slow, folds = False, True

    def build(self, config: TrainingConfig, shape: Sequence[int]) -> nn.Module:
        """See ``NetworkOfKind.build``."""
        return ResidualMLP(shape[0], config.schedule.timesteps, config.model)

    def working_type(self, device: torch.device) -> torch.dtype:
        """Tiny products gain nothing by less."""
        return torch.float32

    def usual(self, dataset: str, options: Options) -> TrainingConfig:
        """See ``NetworkOfKind.usual``."""
        return TrainingConfig(dataset=dataset)

    def changed(self, config: TrainingConfig, options: Options) -> TrainingConfig:
        """See ``NetworkOfKind.changed``."""
        model = _given({"width": options["width"], "depth": options["depth"]})
        return replace(config, model=replace(config.model, **model))

    def standing_for(
        self, dataset: str, shape: tuple[int, ...], denoiser: Denoiser
    ) -> TrainingConfig:
        """See ``NetworkOfKind.standing_for``."""
        return TrainingConfig(dataset=dataset, schedule=denoiser.schedule.config, prediction="v")


class ImageNetwork(NetworkOfKind):
    """A UNet."""

    slow, folds = True, False

    def build(self, config: TrainingConfig, shape: Sequence[int]) -> nn.Module:
        """See ``NetworkOfKind.build``."""
        assert config.unet is not None
        network = UNet(shape[0], shape[1], config.schedule.timesteps, config.unet)
        # Channels last: convolutions are faster so, on CPUs and on GPUs.
        return network.to(memory_format=torch.channels_last)

    def working_type(self, device: torch.device) -> torch.dtype:
        """bfloat16 where that is faster."""
        return training_type(device)

    def usual(self, dataset: str, options: Options) -> TrainingConfig:
        """See ``NetworkOfKind.usual``."""
        preset = options["preset"] or "medium"
        if not catalogue.image_set(dataset).own:
            return image_training(dataset, preset, classes=options["classes"] is not False)
        size = 32 if options["image_size"] is None else options["image_size"]
        require_between("image size", size, LEAST_SIZE, MOST_SIZE)
        channels = 3 if options["channels"] is None else options["channels"]
        return folder_training(size, channels, preset)

    def changed(self, config: TrainingConfig, options: Options) -> TrainingConfig:
        """See ``NetworkOfKind.changed``."""
        assert config.unet is not None
        sides = resolutions(info_of(config).shape[1], len(config.unet.multipliers))
        network = {
            "width": options["width"],
            "attention": _levels(options["attention"], sides),
            "unlabelled": options["unlabelled"],
        }
        return replace(config, unet=replace(config.unet, **_given(network)))

    def standing_for(
        self, dataset: str, shape: tuple[int, ...], denoiser: Denoiser
    ) -> TrainingConfig:
        """Its UNet is not the network: it only says how many classes that knows."""
        return TrainingConfig(
            dataset=dataset,
            schedule=denoiser.schedule.config,
            prediction=getattr(denoiser, "prediction", "v"),
            unet=UNetConfig(classes=getattr(denoiser, "classes", 0)),
            image_size=shape[1],
            channels=shape[0],
        )


NETWORKS: dict[str, NetworkOfKind] = {POINTS: PointNetwork(), IMAGES: ImageNetwork()}
catalogue.require_all("NETWORKS", NETWORKS, catalogue.KINDS)


def build_network(config: TrainingConfig, shape: Sequence[int]) -> nn.Module:
    """The untrained network that ``config`` asks for, for states of ``shape``."""
    return NETWORKS[config.resolved_kind].build(config, shape)


def _given(options: Options) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _levels(sides: str | None, known: list[int]) -> tuple[int, ...] | None:
    """The levels of a UNet whose images have the ``sides`` that were typed."""
    if sides is None:
        return None
    try:
        return tuple(sorted({known.index(int(side)) for side in sides.split(",")}))
    except ValueError:
        raise ValueError(
            f"--attention {sides}: this network sees images of side {', '.join(map(str, known))}"
        ) from None
