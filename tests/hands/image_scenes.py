"""A scene of mode Images without a network: real digits on their way out of noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.datasets.images import ImageSet, load_digits
from engine.shared import noise_tables
from engine.shared.config import ScheduleConfig, sampler_times
from engine.shared.trajectory import Trajectory
from toydiff_gui.modes.images.scene import (
    AttentionCard,
    AttentionLayer,
    Endpoint,
    Face,
    ImageScene,
    LookedAt,
    SliceCard,
    StripLane,
    TilesCard,
)

T = 250
STRIPS = (("ddpm", "DDPM", "η = 1"), ("ddpm-shared", "DDPM, shared noise", "η = 1"))
SIDE = 7
"""Of the attention layer's grid, and of the slice's map."""


def alphas(timesteps: int = T) -> NDArray[np.float64]:
    """alpha_bar of a cosine schedule."""
    return noise_tables.alphas_cumprod(ScheduleConfig(name="cosine", timesteps=timesteps))


def denoised(
    clean: NDArray[np.float32], latents: NDArray[np.float32], steps: int, timesteps: int = T
) -> Trajectory:
    """``latents`` (N, C, H, W) turning into ``clean``, as the closed form has it."""
    table = alphas(timesteps)
    trajectory = Trajectory(tuple(sampler_times(timesteps, steps)))
    for t in trajectory.t:
        x = np.sqrt(table[t]) * clean + np.sqrt(1 - table[t]) * latents
        trajectory = trajectory.with_frame(x.astype(np.float32), clean)
    return trajectory


def image_scene(
    images: ImageSet | None = None,
    *,
    count: int = 64,
    path: int = 12,
    steps: int = 50,
    face: Face = "picture",
    attends: bool = True,
    seed: int = 0,
) -> ImageScene:
    """Tiles, three strips, and whatever the ``face`` of the card beside the tiles needs."""
    data = load_digits() if images is None else images
    shape, transform = data.shape, data.transform
    rng = np.random.default_rng(seed)
    clean = data.standardised(np.arange(count))
    latents = rng.standard_normal((count, *shape)).astype(np.float32)
    tiles = denoised(clean, latents, steps)
    a, b = 3 % count, 17 % count
    share = np.linspace(0, 1, path, dtype=np.float32)[:, None, None, None]
    ways = (1 - share) * latents[a] + share * latents[b]
    norms = np.linalg.norm(ways.reshape(path, -1).astype(np.float64), axis=1)
    straight = (1 - share) * clean[a] + share * clean[b]
    ends = (
        data.standardised(np.arange(count, count + path)),
        straight + 0.12 * rng.standard_normal((path, *shape)).astype(np.float32),
        straight,
    )
    names = (*STRIPS, ("ddim", "DDIM", "η = 0"))
    strips = tuple(
        StripLane(
            key,
            number,
            title,
            detail,
            denoised(end, ways, steps),
            "done",
            latent_norms=norms,
        )
        for number, ((key, title, detail), end) in enumerate(zip(names, ends, strict=True), start=1)
    )
    looked = LookedAt("Tile 4", tiles, a, "A")
    size = float(np.sqrt(np.prod(shape)))
    return ImageScene(
        timesteps=T,
        alphas_cumprod=alphas(),
        title="Digits 8 · cosine β · 250 steps",
        shape=shape,
        mean=tuple(transform.mean.ravel().tolist()),
        std=tuple(transform.std.ravel().tolist()),
        tiles=TilesCard(
            tiles, f"{count} images · DDIM · 1.9 s", "done", marks={a: "A", b: "B"}, pinned=a
        ),
        face=face,
        looked_at=looked,
        attention=attention_card(looked, rng) if attends else AttentionCard(),
        slice=SliceCard(
            SIDE,
            SIDE,
            (-0.25, 1.25, -0.25, 1.25),
            data.standardised(np.arange(SIDE * SIDE)),
            (0.6, 0.4),
            clean[a],
            "done",
        ),
        endpoints=(Endpoint("A", "Tile 4", clean[a]), Endpoint("B", "Tile 18", clean[b])),
        strips=strips,
        path_label="linear",
        prior_norms=(size - 1.4, size, size + 1.4),
        selected="ddim",
    )


def attention_card(looked: LookedAt, rng: np.random.Generator, heads: int = 4) -> AttentionCard:
    """Weights that are rows of a softmax, sharper in some heads than in others."""
    length = SIDE * SIDE
    places = np.stack(np.divmod(np.arange(length), SIDE), axis=1)
    apart = ((places[:, None] - places[None]) ** 2).sum(axis=2)
    weights = {}
    for t in looked.trajectory.t[:-1]:
        scores = rng.normal(size=(heads, length, length)) * 0.6
        scores -= apart / np.array([2.0, 6.0, 14.0, 60.0])[:heads, None, None]
        soft = np.exp(scores - scores.max(axis=2, keepdims=True))
        weights[t] = (soft / soft.sum(axis=2, keepdims=True)).astype(np.float32)
    layer = AttentionLayer("middle", f"Middle, {SIDE} × {SIDE}", SIDE, heads)
    return AttentionCard(looked, (layer,), layer, 0, (3, 3), False, weights, "done")
