"""What the attention of a network looks at on the way from noise to an image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from engine.checkpoints.checkpoint import Checkpoint
from engine.devices import threads_for
from engine.diffusion.denoiser import NetworkDenoiser
from engine.models.attention import recorded_attention
from engine.models.unet import UNet
from engine.shared.config import MAX_TIMESTEPS, require_between
from engine.shared.trajectory import MAX_BYTES

MAX_MAP_BYTES = 2**26
"""Of the weights of all heads at one time, float32: one head at 64 x 64, many at 32 x 32."""


@dataclass(frozen=True)
class AttentionLayer:
    """One layer: the ``side`` of the image that it sees, and its number of ``heads``."""

    name: str
    side: int
    heads: int


def attention_layers(checkpoint: Checkpoint) -> list[AttentionLayer]:
    """The attention layers of a checkpoint's network, in order, the way up last.

    Raises ``ValueError`` for an exact denoiser and for networks without attention.
    """
    network = _network(checkpoint)
    sizes, heads = network.attention_sizes, network.config.heads
    return [AttentionLayer(name, side, heads) for name, side in sizes.items()]


def chosen_layer(checkpoint: Checkpoint, name: str = "") -> AttentionLayer:
    """The layer called ``name``; without a name the first one at the lowest resolution.

    Raises ``ValueError`` for a name that the network does not know.
    """
    layers = attention_layers(checkpoint)
    if not name:
        return min(layers, key=lambda layer: layer.side)
    for layer in layers:
        if layer.name == name:
            return layer
    known = ", ".join(layer.name for layer in layers)
    raise ValueError(f"unknown attention layer {name!r}; known: {known}")


def attention_maps(
    checkpoint: Checkpoint,
    x: Tensor,
    times: Sequence[int],
    *,
    layer: str = "",
    classes: Tensor | None = None,
) -> Iterator[Tensor]:
    """The weights (heads, L, L) of one layer at each of ``times``, one evaluation an item.

    ``x`` (K, C, H, W): ``x[k]`` is the image at ``times[k]``, in 1..T. ``classes`` (1, K classes)
    are told to the network. Row i of the weights is what pixel i, row * side + column, attends to;
    it sums to 1.

    Raises ``ValueError`` before anything is computed for an unknown layer, times out of range,
    states or classes that do not fit, and for weights that would take too much memory.
    """
    network, chosen = _network(checkpoint), chosen_layer(checkpoint, layer)
    if x.shape[1:] != checkpoint.shape or len(x) != len(times):
        raise ValueError(
            f"{len(times)} times need states of shape "
            f"{(len(times), *checkpoint.shape)}, got {tuple(x.shape)}"
        )
    require_between("number of times", len(times), 1, MAX_TIMESTEPS)
    for t in times:
        require_between("time", t, 1, checkpoint.schedule.timesteps)
    _check_size(chosen, len(times))
    if classes is not None:
        _check_classes(checkpoint, classes)
        classes = classes.to(x.dtype).to(x.device)
    return (_weights(network, chosen.name, x[k : k + 1], t, classes) for k, t in enumerate(times))


@torch.no_grad()
def _weights(network: UNet, layer: str, x: Tensor, t: int, classes: Tensor | None) -> Tensor:
    with threads_for(x), recorded_attention(network) as found:
        network.at(x, t, classes)
        return found[layer].weights()[0]


def _network(checkpoint: Checkpoint) -> UNet:
    denoiser = checkpoint.denoiser
    if not isinstance(denoiser, NetworkDenoiser):
        raise ValueError(f"{checkpoint.source!r} is no network, so it has no attention to show")
    if not hasattr(denoiser.network, "attention_sizes"):
        raise ValueError(f"the network of {checkpoint.source!r} has no attention to show")
    return cast(UNet, denoiser.network)


def _check_classes(checkpoint: Checkpoint, classes: Tensor) -> None:
    assert isinstance(checkpoint.denoiser, NetworkDenoiser)
    checkpoint.denoiser.conditioned(classes)  # refuses what does not fit
    if len(classes) != 1:
        raise ValueError(f"attention is shown for one row of class weights, got {len(classes)}")


def _check_size(layer: AttentionLayer, times: int) -> None:
    pixels = layer.side**2
    size = 4 * layer.heads * pixels**2
    of = f"the attention of {layer.heads} heads among {pixels} pixels"
    if size > MAX_MAP_BYTES:
        raise ValueError(
            f"{of} would take {size / 2**20:.0f} MiB, more than {MAX_MAP_BYTES / 2**20:.0f} MiB; "
            "choose a layer of a lower resolution"
        )
    if size * times > MAX_BYTES:
        raise ValueError(
            f"{of} at {times} times would take {size * times / 2**30:.1f} GiB, more than "
            f"{MAX_BYTES / 2**30:.0f} GiB; ask for fewer times"
        )
