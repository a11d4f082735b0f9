"""Checkpoints: safetensors with the configuration as JSON metadata. Nothing is ever unpickled."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Tensor

from engine.checkpoints import diffusers_folder
from engine.checkpoints.data import DATA
from engine.checkpoints.diffusers_folder import is_diffusers_folder, load_diffusers
from engine.checkpoints.networks import NETWORKS, build_network
from engine.checkpoints.own_model import load_own_model, split_name
from engine.datasets import Standardisation
from engine.diffusion.denoiser import Denoiser, NetworkDenoiser
from engine.diffusion.exact import IdealDenoiser
from engine.diffusion.schedules import Schedule
from engine.shared import catalogue
from engine.shared.config import EXACT, PYTHON, TrainingConfig
from engine.shared.files import write_atomically
from engine.shared.run_files import CHECKPOINT

BUNDLED = catalogue.names(catalogue.BUNDLED)
METADATA_KEY = "toydiff"  # one key: safetensors writes several in no fixed order
MOST_PARAMETERS = 100_000_000
"""Of a network to be trained: five copies of them are kept."""
MAX_FILE_BYTES = 16 * MOST_PARAMETERS + 2**24
"""A training's state holds four copies in float32; it must be possible to resume any."""


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a bundled checkpoint was made: ``command``, a line each where the training was taken up
    again, gives it again but for rounding.

    ``seconds`` it took on the ``machine``. ``quality``: figures of ``toydiff evaluate``, by the
    words that say how the samples were drawn.
    """

    command: str
    seconds: float
    machine: str
    quality: dict[str, dict[str, float | None]]


class Description(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a checkpoint says of itself."""

    format: int = 1
    config: TrainingConfig
    step: int
    mean: list[float]
    std: list[float]
    """Of each coordinate of a point, of each channel of an image."""
    shape: list[int] | None = None
    """Of a state, where the mean does not say it (see ``DataOfKind.written_shape``)."""
    network: str = ""
    """What the network is, in words, where it is none of ours."""
    record: Record | None = None
    """How it was made, for a bundled one."""

    def __post_init__(self) -> None:
        if self.format != 1:
            raise ValueError(f"format {self.format} comes from a later version")
        if not (self.mean and len(self.mean) == len(self.std) <= 1_000_000):
            raise ValueError(f"{len(self.mean)} means and {len(self.std)} deviations")
        if not (
            np.isfinite([*self.mean, *self.std]).all() and min(self.std) > 0 and self.step >= 0
        ):
            raise ValueError("mean, deviation or step out of range")
        _ = self.state_shape  # refuses one that no such state has

    @classmethod
    def of(
        cls,
        config: TrainingConfig,
        shape: tuple[int, ...],
        mean: list[float],
        std: list[float],
        *,
        step: int = 0,
        network: str = "",
    ) -> Description:
        """For states of ``shape``, after ``step`` updates."""
        written = DATA[config.resolved_kind].written_shape(shape)
        return cls(config=config, step=step, mean=mean, std=std, shape=written, network=network)

    @property
    def state_shape(self) -> tuple[int, ...]:
        """The shape of one state."""
        return DATA[self.config.resolved_kind].read_shape(self.config, self.shape, len(self.mean))

    @property
    def transform(self) -> Standardisation:
        """From the data's own units to the network's."""
        return Standardisation.by_channel(self.mean, self.std, self.state_shape)


@dataclass(frozen=True)
class Checkpoint:
    """A trained network, ready to sample from; ``denoiser`` uses the averaged weights.

    Or the exact denoiser in its place, for a name that begins with 'exact:'.
    """

    description: Description
    denoiser: Denoiser
    schedule: Schedule
    source: str
    device: torch.device
    """Where the denoiser computes."""

    @property
    def config(self) -> TrainingConfig:
        """The configuration it was trained with."""
        return self.description.config

    @property
    def transform(self) -> Standardisation:
        """From the data's own units to the network's."""
        return self.description.transform

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one state of the data."""
        return self.description.state_shape

    def shape_at(self, t: int) -> tuple[int, ...]:
        """The shape of a state on its way at ``t``, that of the data at 0."""
        return self.denoiser.shape_at(t, self.shape)

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """The shape of a state at t = T."""
        return self.shape_at(self.schedule.timesteps)

    def sizes_at(self, times: Sequence[int]) -> list[int]:
        """How many numbers a state has at each of ``times``."""
        return [math.prod(self.shape_at(t)) for t in times]

    def training_points(self, data_root: Path | None = None) -> NDArray[np.float32]:
        """The data (M, ...) that it was trained with, in the network's units.

        Images are looked for in ``data_root`` first. Raises ``ValueError`` for images that are not
        to be found, or of another shape, or too many for the memory.
        """
        data = DATA[self.config.resolved_kind]
        return data.states(self.config, self.transform, self.shape, data_root)

    def exact(self, data_root: Path | None = None) -> Checkpoint:
        """The same with the closed-form denoiser of its training data (see ``training_points``)."""
        points = torch.from_numpy(self.training_points(data_root)).to(self.device)
        denoiser = IdealDenoiser(points, self.schedule)
        return replace(self, denoiser=denoiser, source=f"{EXACT}{self.source}")

    def describe(self) -> dict[str, Any]:
        """Plain data about it, for messages and files."""
        return {"source": self.source, **asdict_plain(self.description)}


def asdict_plain(description: Description) -> dict[str, Any]:
    """A description as plain dictionaries, lists and numbers.

    With the ``kind`` of its states and their ``state_shape``, for whoever has only that.
    """
    return {
        "kind": description.config.resolved_kind,
        "state_shape": list(description.state_shape),
        **msgspec.to_builtins(description),
    }


def _written(description: Description) -> str:
    """A description as the JSON of a file.

    The kind of state is left out where the data set says it: the same bytes as before there were
    kinds.
    """
    plain = msgspec.to_builtins(description)
    if description.config.kind is None:
        del plain["config"]["kind"]
    return msgspec.json.encode(plain).decode()


def count_parameters(config: TrainingConfig, shape: Sequence[int]) -> int:
    """The numbers that the network of ``config`` learns, for states of ``shape``.

    It is built on the meta device, which takes no memory. Raises ``ValueError`` if they are more
    than ``MOST_PARAMETERS``.
    """
    with torch.device("meta"):
        network = build_network(config, shape)
    count = sum(parameter.numel() for parameter in network.parameters())
    if count > MOST_PARAMETERS:
        raise ValueError(f"the network has {count} parameters, more than {MOST_PARAMETERS}")
    return count


def save_tensors(path: Path, tensors: Mapping[str, Tensor], description: Description) -> None:
    """Write tensors with their description, atomically. Raises ``OSError``."""
    content = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    metadata = {METADATA_KEY: _written(description)}
    data = safetensors.torch.save(content, metadata)
    write_atomically(path, lambda stream: stream.write(data))


def load_tensors(path: Path) -> tuple[Description, dict[str, Tensor]]:
    """Read what ``save_tensors`` wrote; raises ``ValueError`` naming the file and its fault."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ValueError(f"it holds {path.stat().st_size} bytes, more than {MAX_FILE_BYTES}")
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if METADATA_KEY not in metadata:
                raise ValueError("it was not saved by ToyDiff")
            description = msgspec.json.decode(metadata[METADATA_KEY], type=Description)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except FileNotFoundError:
        raise ValueError(f"no such checkpoint: {path}") from None
    except (OSError, SafetensorError, msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not a usable checkpoint: {_one_line(error)}") from error
    return description, tensors


def locate(name_or_path: str | Path) -> Path:
    """The file behind a bundled name, a checkpoint file, or a training's folder.

    Raises ``ValueError`` naming what was not found.
    """
    if str(name_or_path) in BUNDLED:
        found = Path(
            str(resources.files("resources") / "checkpoints" / f"{name_or_path}.safetensors")
        )
        if not found.is_file():
            raise ValueError(
                f"the bundled checkpoint {name_or_path!r} is missing from this installation"
            )
        return found
    if str(name_or_path).startswith(PYTHON):
        return split_name(str(name_or_path))[0]
    path = Path(name_or_path)
    if is_diffusers_folder(path):
        return path
    if path.is_dir():
        path = path / CHECKPOINT
    if not path.is_file() or not str(name_or_path):  # nothing is not the folder we are in
        raise ValueError(
            f"no checkpoint {str(name_or_path)!r}: not a file, not a folder of a training, and not "
            f"one of {', '.join(BUNDLED)}"
        )
    return path


def load_checkpoint(
    name_or_path: str | Path,
    *,
    device: str | torch.device = "cpu",
    averaged: bool = True,
    data_root: Path | None = None,
) -> Checkpoint:
    """Load a bundled checkpoint by name, or one from a file or a training's folder.

    With 'exact:' before it, the closed-form denoiser of its training data replaces the network;
    images are looked for in ``data_root`` first.
    ``python:FILE[:FUNCTION]`` is a network of the user's own (see ``engine.OwnModel``); a folder
    saved by diffusers opens where that library is installed.

    ``averaged``: use the averaged weights, which sample better, rather than the last ones. Raises
    ``ValueError`` with the name and the reason if it is missing, damaged or foreign.
    """
    if str(name_or_path).startswith(EXACT):
        name = str(name_or_path).removeprefix(EXACT)
        return load_checkpoint(name, device=device, averaged=averaged).exact(data_root)
    path = locate(name_or_path)
    if str(name_or_path).startswith(PYTHON):
        return _own(str(name_or_path), torch.device(device))
    if path.is_dir():
        return _from_diffusers(path, str(name_or_path), torch.device(device))
    description, tensors = load_tensors(path)
    config = description.config
    with torch.device("meta"):  # takes no memory, whatever size a foreign file claims
        outline = build_network(config, description.state_shape)
    prefix = "averaged." if averaged else "weights."
    weights = {
        name.removeprefix(prefix): value.float()
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
    expected = {name: tuple(value.shape) for name, value in outline.state_dict().items()}
    if not weights and not averaged:
        raise ValueError(f"{path} has only averaged weights: it was saved to sample, not to train")
    if {name: tuple(value.shape) for name, value in weights.items()} != expected:
        raise ValueError(
            f"{path} is not a usable checkpoint: its weights do not fit its configuration"
        )
    if not all(bool(torch.isfinite(value).all()) for value in weights.values()):
        raise ValueError(f"{path} is not a usable checkpoint: its weights are not finite")
    network = build_network(config, description.state_shape)
    network.load_state_dict(weights)
    network.requires_grad_(False).eval().to(device)
    schedule = Schedule(config.schedule)
    denoiser = NetworkDenoiser(network, schedule, config.resolved_prediction)
    return Checkpoint(description, denoiser, schedule, str(name_or_path), torch.device(device))


def _own(name: str, device: torch.device) -> Checkpoint:
    """A network of the user's own."""
    model = load_own_model(name, device)
    mean, std = model.standardisation
    try:
        config = model.config
    except ValueError as error:
        raise ValueError(f"{split_name(name)[0]} cannot be used: {error}") from error
    network = model.title or Path(name.removeprefix(PYTHON)).name
    description = Description.of(config, model.shape, mean, std, network=network)
    return Checkpoint(description, model.denoiser, model.denoiser.schedule, name, device)


def _from_diffusers(path: Path, source: str, device: torch.device) -> Checkpoint:
    """An image model that diffusers has saved; its images are scaled to -1..1."""
    denoiser, shape, words = load_diffusers(path, device)
    config = NETWORKS[diffusers_folder.KIND].standing_for("folder", shape, denoiser)
    half = [0.5] * shape[0]
    description = Description.of(config, shape, half, half, network=words)
    return Checkpoint(description, denoiser, denoiser.schedule, source, device)


def going_on(stored: TrainingConfig, asked: TrainingConfig) -> TrainingConfig:
    """``stored`` with what a training may take up anew when it goes on.

    How long, how often it is saved, with what rate, and how many images are shown without their
    class.
    """
    unet = stored.unet
    if unet is not None and asked.unet is not None:
        unet = replace(unet, unlabelled=asked.unet.unlabelled)
    return replace(
        stored,
        steps=asked.steps,
        checkpoint_every=asked.checkpoint_every,
        rate=asked.rate,
        unet=unet,
    )


def same_run(stored: TrainingConfig, asked: TrainingConfig) -> str | None:
    """What differs between two configurations beyond ``going_on``; None if nothing does."""
    return _difference(asdict(going_on(stored, asked)), asdict(asked))


def _difference(stored: dict[str, Any], asked: dict[str, Any]) -> str | None:
    """The first value that differs, with the names that lead to it."""
    for name, value in stored.items():
        other, words = asked[name], name.replace("_", " ")
        if isinstance(value, dict) and isinstance(other, dict):
            if inner := _difference(value, other):
                return f"{words} {inner}"
        elif other != value:
            return f"{words} {value!r}, not {other!r}"
    return None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
