"""A small classifier of a set of images: the eye that judges what a diffusion model draws.

It is trained here on the same data, knows how sure it is of a class, and its features are where the
Frechet distance is taken (see ``engine.analysis.images``). Classifiers of the usual sets come with
ToyDiff; others are trained when they are first needed, and kept
(``engine.analysis.classifier_training``).
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import msgspec
import numpy as np
import platformdirs
import safetensors.torch
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn import functional as F

from engine.analysis.images import ImageQuality, Moments, Reference, image_quality
from engine.datasets import Standardisation
from engine.devices import threads_for
from engine.shared.config import LEAST_SIZE, MOST_SIZE
from engine.shared.files import write_atomically

BUNDLED_CLASSIFIERS = ("digits", "mnist", "fashion")

FEATURES = 64
WIDTHS = (24, 48, 64)
BLOCK = 256
"""Images that are looked at in one go."""

METADATA_KEY = "classifier"
MAX_FILE_BYTES = 2**26
WEIGHTS, MEAN, COVARIANCE = "weights.", "reference.mean", "reference.covariance"


class ClassifierNetwork(nn.Module):
    """Three convolutions, a mean over each quarter of the image, and two linear layers."""

    def __init__(self, shape: Sequence[int], classes: int) -> None:
        super().__init__()
        channels, height, width = shape
        first, second, third = WIDTHS
        stride = 1 if min(height, width) < 16 else 2
        self.convolutions = nn.Sequential(
            nn.Conv2d(channels, first, 5, stride=stride, padding=2),
            nn.ReLU(),
            nn.Conv2d(first, second, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(second, third, 3, padding=1),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
        )
        self.inner = nn.Linear(4 * third, FEATURES)
        self.last = nn.Linear(FEATURES, classes)

    def features(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, ``FEATURES``), what the last layer sees."""
        return F.relu(self.inner(self.convolutions(x)))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, K), logits."""
        out: Tensor = self.last(self.features(x))
        return out


class ClassifierDescription(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a classifier's file says of it.

    ``seconds`` are those of computing, of all threads together. ``accuracy`` and ``recognised``,
    the share of which it is at least 90 % sure, are those of ``test_images`` that it was not
    trained with. ``reference_images`` and ``floors`` are those of the
    ``engine.analysis.images.Reference``, whose moments are among the file's tensors.
    """

    format: int = 1
    dataset: str
    shape: tuple[int, int, int]
    classes: int
    mean: list[float]
    std: list[float]
    images: int
    seed: int
    steps: int
    seconds: float
    accuracy: float
    recognised: float
    test_images: int
    reference_images: int
    floors: dict[int, float]
    command: str = ""

    def __post_init__(self) -> None:
        channels, *sides = self.shape
        if self.format != 1:
            raise ValueError(f"format {self.format} comes from a later version")
        if not (channels in (1, 3) and all(LEAST_SIZE <= side <= MOST_SIZE for side in sides)):
            raise ValueError(f"images of shape {self.shape}")
        if not len(self.mean) == len(self.std) == channels:
            raise ValueError(f"{len(self.mean)} means and {len(self.std)} deviations")
        if not (np.isfinite([*self.mean, *self.std]).all() and min(self.std) > 0):
            raise ValueError("mean or deviation out of range")
        if not (2 <= self.classes <= 1000 and self.reference_images >= 2):
            raise ValueError(f"{self.classes} classes, {self.reference_images} reference images")
        floors = np.array(list(self.floors.values()))
        if not (len(floors) and np.isfinite(floors).all() and floors.min() > 0):
            raise ValueError(f"floors {self.floors}")

    @property
    def transform(self) -> Standardisation:
        """From pixels / 255 to the units that the network sees."""
        return Standardisation.by_channel(self.mean, self.std, self.shape)


class Classifier:
    """A trained classifier. It sees images as they are shown: cut off at black and white.

    Images come standardised by a ``transform``; without one, by that of its own training data.
    """

    def __init__(
        self, description: ClassifierDescription, network: ClassifierNetwork, moments: Moments
    ) -> None:
        self.description = description
        self.network = network.requires_grad_(False).eval()
        self.reference = Reference(moments, description.floors, description.recognised)

    def probabilities(
        self, states: NDArray[np.floating] | Tensor, transform: Standardisation | None = None
    ) -> NDArray[np.float32]:
        """Of each class for ``states`` (N, C, H, W), float32 (N, K)."""
        return self.look(states, transform)[1]

    def features(
        self, states: NDArray[np.floating] | Tensor, transform: Standardisation | None = None
    ) -> NDArray[np.float32]:
        """Of ``states`` (N, C, H, W), float32 (N, ``FEATURES``).

        In units in which their variance over the training images is 1 on average.
        """
        return self.look(states, transform)[0]

    def look(
        self, states: NDArray[np.floating] | Tensor, transform: Standardisation | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Features and probabilities of ``states`` (N, C, H, W) at once.

        Raises ``ValueError`` for images of another shape.
        """
        described = self.description
        images = torch.as_tensor(states).detach().float().cpu()
        if images.shape[1:] != described.shape:
            raise ValueError(
                f"the classifier of {described.dataset!r} sees images of shape {described.shape}, "
                f"got {tuple(images.shape[1:])}"
            )
        return look_with(self.network, images, transform or described.transform, described)

    def quality(
        self, states: NDArray[np.floating] | Tensor, transform: Standardisation | None = None
    ) -> ImageQuality:
        """The figures of samples (N, C, H, W); raises ``ValueError`` if N has no floor."""
        return image_quality(*self.look(states, transform), self.reference)


@torch.no_grad()
def look_with(
    network: ClassifierNetwork,
    images: Tensor,
    given: Standardisation,
    own: ClassifierDescription | Standardisation,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Features and probabilities of ``images`` float32 (N, C, H, W), standardised by ``given``,
    from a network that wants them standardised by ``own``.
    """
    wanted = own if isinstance(own, Standardisation) else own.transform
    scale, shift = (torch.from_numpy(value).float() for value in (given.std, given.mean))
    own_scale, own_shift = (torch.from_numpy(value).float() for value in (wanted.std, wanted.mean))
    features, probabilities = [], []
    with threads_for(images):
        for block in torch.split(images, BLOCK):
            shown = (block * scale + shift).clamp_(0, 1)
            found = network.features((shown - own_shift) / own_scale)
            features.append(found)
            probabilities.append(network.last(found).softmax(1))
    return torch.cat(features).numpy(), torch.cat(probabilities).numpy()


def save_classifier(classifier: Classifier, path: Path) -> None:
    """Write a classifier with its reference, in half precision, atomically. Raises ``OSError``."""
    moments = classifier.reference.moments
    tensors = {
        WEIGHTS + name: value.half() for name, value in classifier.network.state_dict().items()
    }
    tensors[MEAN] = torch.from_numpy(moments.mean).float()
    tensors[COVARIANCE] = torch.from_numpy(moments.covariance).float()
    metadata = {METADATA_KEY: msgspec.json.encode(classifier.description).decode()}
    data = safetensors.torch.save(tensors, metadata)
    write_atomically(path, lambda stream: stream.write(data))


def read_classifier(path: Path) -> Classifier:
    """Read what ``save_classifier`` wrote; raises ``ValueError`` naming the file and its fault."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ValueError(f"it holds {path.stat().st_size} bytes, more than {MAX_FILE_BYTES}")
        with safe_open(path, framework="pt") as file:
            metadata = (file.metadata() or {}).get(METADATA_KEY)
            if metadata is None:
                raise ValueError("it was not saved by ToyDiff")
            description = msgspec.json.decode(metadata, type=ClassifierDescription)
            tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
        network = ClassifierNetwork(description.shape, description.classes)
        expected = {WEIGHTS + name: value.shape for name, value in network.state_dict().items()}
        expected |= {MEAN: torch.Size([FEATURES]), COVARIANCE: torch.Size([FEATURES, FEATURES])}
        if {name: value.shape for name, value in tensors.items()} != expected:
            raise ValueError("its tensors do not fit its description")
        if not all(bool(torch.isfinite(value).all()) for value in tensors.values()):
            raise ValueError("its tensors are not finite")
    except FileNotFoundError:
        raise ValueError(f"no such classifier: {path}") from None
    except (OSError, SafetensorError, msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ValueError(
            f"{path} is not a usable classifier: {' '.join(str(error).split())}"
        ) from error
    network.load_state_dict({name: tensors[WEIGHTS + name] for name in network.state_dict()})
    moments = Moments(
        tensors[MEAN].double().numpy(),
        tensors[COVARIANCE].double().numpy(),
        description.reference_images,
    )
    return Classifier(description, network, moments)


def kept_folder() -> Path:
    """Where classifiers are kept that do not come with ToyDiff."""
    return platformdirs.user_cache_path("toydiff") / "classifiers"


def classifier_path(dataset: str, root: Path | None = None) -> Path:
    """Where the classifier of ``dataset`` is, or would be kept: in ``root``, else bundled, else in
    the user's cache.
    """
    name = f"{dataset}.safetensors"
    if root is not None:
        return root / name
    if dataset in BUNDLED_CLASSIFIERS:
        return Path(str(files("resources") / "classifiers" / name))
    return kept_folder() / name


def check_judged(dataset: str) -> None:
    """Raise ``ValueError`` for a set that no classifier can be trained with."""
    if dataset == "folder":
        raise ValueError(
            "there is no distance for images from a 'folder': they have no classes from which a "
            "classifier could learn what matters"
        )


def load_classifier(dataset: str, root: Path | None = None) -> Classifier:
    """The classifier of ``dataset``, from ``root`` or where it is by itself.

    Raises ``ValueError`` if there is none, or if it is damaged or one of another set.
    """
    check_judged(dataset)
    path = classifier_path(dataset, root)
    found = read_classifier(path)
    if found.description.dataset != dataset:
        raise ValueError(
            f"{path} is a classifier of {found.description.dataset!r}, not {dataset!r}"
        )
    return found


def known_classifier(dataset: str) -> Classifier | None:
    """``load_classifier``, or None where there is none yet or there can be none."""
    if dataset == "folder" or not classifier_path(dataset).is_file():
        return None
    return load_classifier(dataset)
