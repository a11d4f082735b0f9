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
    """softmax(Q K^T / sqrt(d)) V in ``heads`` heads of d = dim / heads.

    Q, K and V are linear maps of query, key and value; another one joins the heads (Vaswani et al.
    2017, section 3.2.2). The state dict is that of ``torch.nn.MultiheadAttention``:
    ``in_proj_weight`` (3 dim, dim) and ``in_proj_bias`` (3 dim,), in the order Q, K, V,
    ``out_proj.weight`` (dim, dim) and ``out_proj.bias`` (dim,).

    Raises ``ValueError`` unless ``dim`` and ``heads`` are positive whole numbers and ``heads``
    divides ``dim``.
    """

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        for what, number in (("width", dim), ("number of heads", heads)):
            _check_number(what, number)
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
        (L, S), (B, L, S) or (B or 1, heads or 1, L, S): True, where a query may attend to a key, or
        a number that is added to the score. A head that may attend to nothing adds nothing; a row
        of which no head may gives zeros. Raises ``ValueError`` for shapes that do not fit.
        """
        key, value = self._defaults(query, key, value)
        _check_inputs(query, key, value, self.dim)
        allowed = self._mask(mask, query, key)
        q, k, v = self._project(query, key, value)
        if allowed is None:
            return self._join(F.scaled_dot_product_attention(q, k, v))
        usable, blocked = _unblocked(allowed, q.dtype)
        heads = F.scaled_dot_product_attention(q, k, v, attn_mask=usable)
        joined = self._join(heads.masked_fill(blocked, 0.0))
        return joined.masked_fill(blocked.all(1), 0.0)

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
        if allowed is None:
            return scores.softmax(-1)
        usable, blocked = _unblocked(allowed, scores.dtype)
        scores = (
            scores.masked_fill(~usable, -math.inf)
            if usable.dtype == torch.bool
            else scores + usable
        )
        return scores.softmax(-1).masked_fill(blocked, 0.0)

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
        size = self.dim // self.heads
        q, k, v = (part.view(*part.shape[:2], self.heads, size).transpose(1, 2) for part in parts)
        return q, k, v

    def _join(self, heads: Tensor) -> Tensor:
        """(B, heads, L, d) -> (B, L, dim)."""
        joined: Tensor = self.out_proj(heads.transpose(1, 2).flatten(2))
        return joined

    def _mask(self, mask: Tensor | None, query: Tensor, key: Tensor) -> Tensor | None:
        """``mask`` with four axes, or None if all may attend to all."""
        batch, length, source = len(query), query.shape[1], key.shape[1]
        if mask is None:
            nothing = torch.zeros(1, 1, length, 0, dtype=torch.bool, device=query.device)
            return None if source else nothing
        if mask.dtype != torch.bool and not mask.is_floating_point():
            raise ValueError(f"an attention mask must be bool or floating point, got {mask.dtype}")
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
        return mask


def _check_number(what: str, number: object) -> None:
    if not isinstance(number, int) or number < 1:
        raise ValueError(f"the {what} of an attention must be 1 or more, got {number!r}")


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


def _unblocked(mask: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """``mask`` with the rows opened that may attend to nothing, and True (..., L, 1) for those.

    A softmax of nothing is NaN, also in a gradient.
    """
    if mask.dtype == torch.bool:
        blocked = ~mask.any(-1, keepdim=True)
        return mask | blocked, blocked
    mask = mask.to(dtype)  # first: a large negative number may be infinite in it
    blocked = (mask == -math.inf).all(-1, keepdim=True)
    return mask.masked_fill(blocked, 0.0), blocked


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
