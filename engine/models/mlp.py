"""A small residual MLP for points, and its folded form for sampling."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.models.embedding import time_table
from engine.shared.config import ModelConfig


class ResidualMLP(nn.Module):
    """h <- h + silu(W_l h + b_l + u_l(t)) for each block l, between two linear layers.

    ``u(t)`` is a linear map of a sinusoidal embedding: a table with a row for every t.
    """

    table: Tensor

    def __init__(self, dimension: int, timesteps: int, config: ModelConfig) -> None:
        super().__init__()
        self.dimension, self.timesteps, self.config = dimension, timesteps, config
        self.inlet = nn.Linear(dimension, config.width)
        self.blocks = nn.ModuleList(
            nn.Linear(config.width, config.width) for _ in range(config.depth)
        )
        self.time = nn.Linear(config.embedding, config.depth * config.width, bias=False)
        self.outlet = nn.Linear(config.width, dimension)
        self.register_buffer("table", time_table(timesteps, config.embedding), persistent=False)

    def time_biases(self) -> Tensor:
        """u(t) for all times, (T + 1, depth, width)."""
        projected: Tensor = self.time(self.table)
        return projected.view(self.timesteps + 1, self.config.depth, self.config.width)

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        """x (N, D), t int64 (N,) in 0..T -> (N, D)."""
        # T rows are usually fewer than a batch: project the table, then pick.
        return self._through(x, self.time_biases()[t].unbind(1))

    def at(self, x: Tensor, t: int) -> Tensor:
        """``forward`` at one time for all rows: only its row of the table is projected."""
        biases: Tensor = self.time(self.table[t])
        return self._through(x, biases.view(self.config.depth, self.config.width).unbind(0))

    def _through(self, x: Tensor, biases: tuple[Tensor, ...]) -> Tensor:
        h = self.inlet(x)
        for block, bias in zip(self.blocks, biases, strict=True):
            h = h + F.silu(block(h) + bias)
        out: Tensor = self.outlet(h)
        return out

    def folded(self) -> FoldedMLP:
        """The same function at one time for all rows, without gradient; a copy of the weights."""
        return FoldedMLP(self)


class FoldedMLP:
    """``ResidualMLP`` for sampling: times folded into biases, buffers made once.

    A reverse process asks for hundreds of evaluations at one t each. Here an evaluation is one
    ``addmm`` a layer into memory that is already there.
    """

    def __init__(self, network: ResidualMLP) -> None:
        with torch.no_grad():
            self._biases = (
                network.time_biases() + torch.stack([_linear(b).bias for b in network.blocks])
            ).clone()
            self._inlet = _transposed(network.inlet)
            self._blocks = [_transposed(block)[0] for block in network.blocks]
            self._outlet = _transposed(network.outlet)
        self._buffers: tuple[Tensor, Tensor] | None = None

    def __call__(self, x: Tensor, t: int, out: Tensor) -> None:
        """Write the output for x (N, D) at time ``t`` into ``out`` (N, D)."""
        shape = (len(x), self._inlet[0].shape[1])
        if self._buffers is None or self._buffers[0].shape != shape:
            self._buffers = (x.new_empty(shape), x.new_empty(shape))
        h, g = self._buffers
        torch.addmm(self._inlet[1], x, self._inlet[0], out=h)
        for level, weight in enumerate(self._blocks):
            torch.addmm(self._biases[t, level], h, weight, out=g)
            h.add_(F.silu(g, inplace=True))
        torch.addmm(self._outlet[1], h, self._outlet[0], out=out)


def _linear(module: nn.Module) -> nn.Linear:
    assert isinstance(module, nn.Linear)
    return module


def _transposed(module: nn.Module) -> tuple[Tensor, Tensor]:
    layer = _linear(module)
    return layer.weight.detach().t().contiguous(), layer.bias.detach().clone()
