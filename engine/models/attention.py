"""Multi-head attention, written on PyTorch's scaled dot product, and a way to watch it at work."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class MultiHeadAttention(nn.Module):
    """softmax(Q K^T / sqrt(d)) V in ``heads`` heads of d = dim / heads (Vaswani et al. 2017, 3.2.2).

    Q, K and V are linear maps of query, key and value; another one joins the heads. The state dict
    is that of ``torch.nn.MultiheadAttention``: ``in_proj_weight`` (3 dim, dim) and ``in_proj_bias``
    (3 dim,), in the order Q, K, V, ``out_proj.weight`` (dim, dim) and ``out_proj.bias`` (dim,).

    Raises ``ValueError`` unless ``dim`` and ``heads`` are positive and ``heads`` divides ``dim``.
    """

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        if dim < 1 or heads < 1:
            raise ValueError(f"attention needs a positive width and heads, got {dim} and {heads}")
        if dim % heads:
            raise ValueError(f"the number of heads must divide the width {dim}, got {heads}")
        self.dim, self.heads = dim, heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * dim, dim))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * dim))
        self.out_proj = nn.Linear(dim, dim)
        nn.init.xavier_uniform_(self.in_proj_weight)
        nn.init.zeros_(self.out_proj.bias)

    def forward(
        self,
        query: Tensor,
        key: Tensor | None = None,
        value: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        """What ``query`` (B, L, dim) gathers from ``value`` (B, S, dim): (B, L, dim).

        Without ``key`` it is self-attention; ``value`` defaults to ``key``. ``mask`` of shape
        (L, S), (B, L, S) or (B, heads or 1, L, S): True, where a query may attend to a key, or a
        number that is added to the score. A row that may attend to nothing gives zeros. Raises
        ``ValueError`` for shapes that do not fit.
        """
        key, value = self._defaults(query, key, value)
        _check_inputs(query, key, value, self.dim)
        allowed = self._mask(mask, query, key)
        q, k, v = self._project(query, key, value)
        heads = F.scaled_dot_product_attention(q, k, v, attn_mask=_unblocked(allowed))
        out: Tensor = self.out_proj(heads.transpose(1, 2).flatten(2))
        blocked = _blocked_rows(allowed)
        return out if blocked is None else out.masked_fill(blocked.all(1), 0.0)

    def weights(
        self, query: Tensor, key: Tensor | None = None, mask: Tensor | None = None
    ) -> Tensor:
        """softmax(Q K^T / sqrt(d)) itself, (B, heads, L, S); arguments as in ``forward``.

        Rows sum to 1; those that may attend to nothing are zeros.
        """
        key, _ = self._defaults(query, key, None)
        _check_inputs(query, key, key, self.dim)
        allowed = self._mask(mask, query, key)
        q, k, _ = self._project(query, key, key)
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.dim // self.heads)
        usable = _unblocked(allowed)
        if usable is not None:
            scores = (
                scores.masked_fill(~usable, -math.inf)
                if usable.dtype == torch.bool
                else scores + usable
            )
        shares = scores.softmax(-1)
        blocked = _blocked_rows(allowed)
        return shares if blocked is None else shares.masked_fill(blocked, 0.0)

    @staticmethod
    def _defaults(query: Tensor, key: Tensor | None, value: Tensor | None) -> tuple[Tensor, Tensor]:
        if key is None:
            if value is not None:
                raise ValueError("attention got a value without its key")
            key = query
        return key, key if value is None else value

    def _project(self, query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Q, K and V as (B, heads, length, d)."""
        if query is key is value:
            parts = F.linear(query, self.in_proj_weight, self.in_proj_bias).chunk(3, dim=-1)
        else:
            maps = zip(self.in_proj_weight.chunk(3), self.in_proj_bias.chunk(3), strict=True)
            inputs = (query, key, value)
            parts = tuple(F.linear(x, *each) for x, each in zip(inputs, maps, strict=True))
        q, k, v = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts)
        return q, k, v

    def _mask(self, mask: Tensor | None, query: Tensor, key: Tensor) -> Tensor | None:
        """``mask`` with four axes, or None."""
        if mask is None:
            return None
        if mask.dtype != torch.bool and not mask.is_floating_point():
            raise ValueError(f"an attention mask must be bool or floating point, got {mask.dtype}")
        batch, length, source = len(query), query.shape[1], key.shape[1]
        shapes = {(length, source), (batch, length, source)}
        shapes |= {(b, h, length, source) for b in (1, batch) for h in (1, self.heads)}
        if tuple(mask.shape) not in shapes:
            raise ValueError(
                f"an attention mask must have shape (L, S) = {(length, source)}, (B, L, S) or "
                f"(B, heads, L, S) with B = {batch} and heads = {self.heads}, "
                f"got {tuple(mask.shape)}"
            )
        if mask.ndim == 2:
            mask = mask[None, None]
        elif mask.ndim == 3:
            mask = mask[:, None]
        return mask if mask.dtype == torch.bool else mask.to(query.dtype)


def _check_inputs(query: Tensor, key: Tensor, value: Tensor, dim: int) -> None:
    for name, states in (("query", query), ("key", key), ("value", value)):
        if states.ndim != 3 or states.shape[-1] != dim:
            raise ValueError(
                f"the {name} of an attention of width {dim} must have shape (B, L, {dim}), "
                f"got {tuple(states.shape)}"
            )
    if not len(query) == len(key) == len(value) or key.shape[1] != value.shape[1]:
        raise ValueError(
            "query, key and value of an attention must agree in B, key and value in length, got "
            f"{tuple(query.shape)}, {tuple(key.shape)} and {tuple(value.shape)}"
        )


def _blocked_rows(mask: Tensor | None) -> Tensor | None:
    """True (..., L, 1) where a query may attend to nothing; None without a mask."""
    if mask is None:
        return None
    open_ = mask if mask.dtype == torch.bool else mask != -math.inf
    return ~open_.any(-1, keepdim=True)


def _unblocked(mask: Tensor | None) -> Tensor | None:
    """``mask`` with its blocked rows opened: a softmax of nothing is NaN, also in a gradient."""
    blocked = _blocked_rows(mask)
    if mask is None or blocked is None:
        return None
    return mask | blocked if mask.dtype == torch.bool else mask.masked_fill(blocked, 0.0)


@dataclass(frozen=True)
class AttentionInputs:
    """What one attention layer was given: ``query`` (B, L, dim) and ``key`` (B, S, dim)."""

    layer: MultiHeadAttention
    query: Tensor
    key: Tensor
    mask: Tensor | None

    def weights(self) -> Tensor:
        """softmax(Q K^T / sqrt(d)), (B, heads, L, S)."""
        return self.layer.weights(self.query, self.key, self.mask)


@contextmanager
def recorded_attention(network: nn.Module) -> Iterator[dict[str, AttentionInputs]]:
    """Keep what each attention layer of ``network`` is given last, under the layer's name.

    Outside the block no layer does anything more than compute.
    """
    found: dict[str, AttentionInputs] = {}
    hooks = []

    def keeper(name: str) -> Any:
        def keep(layer: MultiHeadAttention, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            given = dict(zip(("query", "key", "value", "mask"), args, strict=False)) | kwargs
            query = given["query"]
            key = query if given.get("key") is None else given["key"]
            found[name] = AttentionInputs(layer, query, key, given.get("mask"))

        return keep

    for name, module in network.named_modules():
        if isinstance(module, MultiHeadAttention):
            hooks.append(module.register_forward_pre_hook(keeper(name), with_kwargs=True))
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()
