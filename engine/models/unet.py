"""A UNet for images of any channels and sizes, with attention at chosen resolutions."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.models.attention import MultiHeadAttention
from engine.models.embedding import time_table
from engine.shared.config import UNetConfig, resolutions

GROUP = 8
"""Channels that share a mean and a deviation; a few more where 8 does not divide them.

Fewer would lose what they say: a channel by itself has mean 0 and deviation 1 in every image.
"""


class UNet(nn.Module):
    """Residual blocks on the way down to small images and up again, with a skip at each level.

    Each level halves the image, rounding up, and the way back stretches to the size that was left:
    nothing is padded or cut, whatever the size. Attention is among the pixels of a level.

    ``time`` and classes enter every block as a scale and a shift of its channels. A class is a row
    of weights (K,), usually one of them 1: rows between two classes are between them, and zeros are
    no class at all.
    """

    table: Tensor

    def __init__(self, channels: int, size: int, timesteps: int, config: UNetConfig) -> None:
        super().__init__()
        self.channels, self.size, self.timesteps, self.config = channels, size, timesteps, config
        widths = config.widths
        embedded = config.embedding
        self.register_buffer("table", time_table(timesteps, embedded), persistent=False)
        self.time = nn.Sequential(nn.Linear(embedded, embedded), nn.SiLU())
        self.classes = nn.Linear(config.classes, embedded, bias=False) if config.classes else None
        self.embed = nn.Linear(embedded, embedded)
        self.inlet = nn.Conv2d(channels, widths[0], 3, padding=1)
        levels = range(len(widths))
        self.down = nn.ModuleList(
            Level(widths[max(level - 1, 0)], widths[level], 0, level, config) for level in levels
        )
        self.shrink = nn.ModuleList(
            nn.Conv2d(width, width, 3, stride=2, padding=1) for width in widths[:-1]
        )
        deepest = widths[-1]
        self.middle = nn.ModuleList(ResidualBlock(deepest, deepest, embedded) for _ in range(2))
        self.middle_attention = SelfAttention(deepest, config.heads)
        above = [*widths[1:], deepest]
        self.up = nn.ModuleList(
            Level(above[level], widths[level], widths[level], level, config) for level in levels
        )
        self.outlet = nn.Sequential(
            _norm(widths[0]), nn.SiLU(), nn.Conv2d(widths[0], channels, 3, padding=1)
        )
        last = self.outlet[-1]
        assert isinstance(last, nn.Conv2d)
        nn.init.zeros_(last.weight)

    @property
    def known_classes(self) -> int:
        """K; 0 for a network that knows no classes."""
        return self.config.classes

    @property
    def attention_sizes(self) -> dict[str, int]:
        """The side of the image that each attention layer sees, by the layer's name, in order."""
        sizes = resolutions(self.size, len(self.config.widths))
        found = {}
        for name, module in self.named_modules():
            if isinstance(module, SelfAttention):
                # 'middle_attention', or 'down.LEVEL.attention'.
                _, *level = name.split(".")
                found[f"{name}.heads"] = sizes[int(level[0])] if level else sizes[-1]
        return found

    def forward(self, x: Tensor, t: Tensor, classes: Tensor | None = None) -> Tensor:
        """x (N, C, H, W), t int64 (N,) in 0..T, ``classes`` (N, K) or None -> (N, C, H, W)."""
        return self._through(x, self.time(self.table[t]), classes)

    def at(self, x: Tensor, t: int, classes: Tensor | None = None) -> Tensor:
        """``forward`` at one time for all rows."""
        return self._through(x, self.time(self.table[t : t + 1]), classes)

    def _through(self, x: Tensor, embedded: Tensor, classes: Tensor | None) -> Tensor:
        if classes is not None:
            if self.classes is None:
                raise ValueError("this network was trained without classes")
            embedded = embedded + self.classes(classes)
        embedded = F.silu(self.embed(embedded))
        h = self.inlet(x.contiguous(memory_format=torch.channels_last))
        skips = []
        for level, block in enumerate(self.down):
            h = block(h, embedded)
            skips.append(h)
            if level < len(self.shrink):
                h = self.shrink[level](h)
        h = self.middle[0](h, embedded)
        h = self.middle_attention(h)
        h = self.middle[1](h, embedded)
        for block in reversed(self.up):
            skip = skips.pop()
            if h.shape[-2:] != skip.shape[-2:]:
                h = F.interpolate(h, size=skip.shape[-2:], mode="nearest")
            h = block(torch.cat([h, skip], dim=1), embedded)
        out: Tensor = self.outlet(h)
        return out


class Level(nn.Module):
    """The residual blocks of one resolution, on one way, with attention where it is asked for."""

    def __init__(
        self, before: int, width: int, skipped: int, level: int, config: UNetConfig
    ) -> None:
        super().__init__()
        widths = [before + skipped, *[width] * config.blocks]
        self.blocks = nn.ModuleList(
            ResidualBlock(come, go, config.embedding) for come, go in pairwise(widths)
        )
        self.attention = SelfAttention(width, config.heads) if level in config.attention else None

    def forward(self, h: Tensor, embedded: Tensor) -> Tensor:
        """(N, before + skipped, H, W) -> (N, width, H, W)."""
        for block in self.blocks:
            h = block(h, embedded)
        return h if self.attention is None else self.attention(h)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut; ``embedded`` scales and shifts between them."""

    def __init__(self, before: int, width: int, embedded: int) -> None:
        super().__init__()
        self.first = nn.Sequential(_norm(before), nn.SiLU(), nn.Conv2d(before, width, 3, padding=1))
        self.norm = _norm(width)
        self.modulate = nn.Linear(embedded, 2 * width)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.shortcut = nn.Identity() if before == width else nn.Conv2d(before, width, 1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.modulate.weight)
        nn.init.zeros_(self.modulate.bias)

    def forward(self, h: Tensor, embedded: Tensor) -> Tensor:
        """(N, before, H, W), embedded (N or 1, E) -> (N, width, H, W)."""
        scale, shift = self.modulate(embedded)[:, :, None, None].chunk(2, dim=1)
        inner = self.norm(self.first(h)) * (1 + scale) + shift
        out: Tensor = self.shortcut(h) + self.second(F.silu(inner))
        return out


class SelfAttention(nn.Module):
    """Attention among the pixels of an image, beside a shortcut."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm = _norm(width)
        self.heads = MultiHeadAttention(width, heads)
        nn.init.zeros_(self.heads.out_proj.weight)

    def forward(self, h: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W); a pixel is row * W + column among the keys."""
        pixels = self.norm(h).flatten(2).transpose(1, 2)
        attended: Tensor = self.heads(pixels)
        return h + attended.transpose(1, 2).reshape(h.shape)


def _norm(channels: int) -> nn.GroupNorm:
    most = max(1, channels // GROUP)
    groups = next(count for count in range(most, 0, -1) if channels % count == 0)
    return nn.GroupNorm(groups, channels)
