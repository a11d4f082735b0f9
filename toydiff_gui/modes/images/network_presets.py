"""Training configurations of mode Images: other data or another network, the rest kept."""

from __future__ import annotations

from dataclasses import replace

from engine.datasets.images import folder_training, image_training, info_of
from engine.shared.config import PRESETS, TrainingConfig, unet_preset
from toydiff_gui.modes.images.kind import trains_images

KEPT = ("schedule", "prediction", "steps", "batch_size", "rate", "seed")
"""What stays when other data are chosen."""


def size_of(config: TrainingConfig) -> int:
    """The side of its images, in pixels."""
    return info_of(config).shape[1]


def preset_of(config: TrainingConfig) -> str:
    """The preset that its network is; '' for one of its own."""
    if config.unet is None:
        return ""
    plain = replace(config.unet, classes=0)
    found = (name for name in PRESETS if unet_preset(name, size_of(config)) == plain)
    return next(found, "")


def learns_classes(config: TrainingConfig) -> bool:
    """Whether its network is shown the classes."""
    return config.unet is not None and config.unet.classes > 0


def with_dataset(config: TrainingConfig, dataset: str) -> TrainingConfig:
    """The same training with other data; a fresh one if it was for points."""
    preset = preset_of(config) or "medium"
    if dataset == "folder":
        found = folder_training(config.image_size, config.channels, preset)
    else:
        # A folder has no classes: coming from there says nothing of whether they are wanted.
        wanted = learns_classes(config) or config.dataset == "folder" or not trains_images(config)
        found = image_training(dataset, preset, classes=wanted)
    if not trains_images(config):
        return found
    return replace(found, **{name: getattr(config, name) for name in KEPT})


def with_network(
    config: TrainingConfig, preset: str | None = None, *, classes: bool | None = None
) -> TrainingConfig:
    """The same training with another network, or one that learns the classes or does not."""
    known = len(info_of(config).labels)
    wanted = learns_classes(config) if classes is None else classes
    unet = config.unet
    if preset is not None or unet is None:
        unet = unet_preset(preset or "medium", size_of(config))
    return replace(config, unet=replace(unet, classes=known if wanted else 0))


def with_folder(config: TrainingConfig, size: int, channels: int) -> TrainingConfig:
    """A training with a folder's images at another size, with a network to suit.

    Raises ``ValueError`` for a size out of range.
    """
    changed = replace(config, image_size=size, channels=channels)
    return with_network(changed, preset_of(config) or "medium")


def defaults_of(config: TrainingConfig) -> TrainingConfig:
    """The usual training with the same data and schedule; T is as usual."""
    if config.dataset == "folder":
        usual = folder_training(config.image_size, config.channels)
    else:
        usual = image_training(config.dataset)
    schedule = replace(config.schedule, timesteps=usual.schedule.timesteps)
    return replace(usual, schedule=schedule)
