"""Our attention against ``torch.nn.MultiheadAttention`` with the same weights, and against paper.

The peer's boolean masks say the opposite of ours: True there means *may not* attend.
"""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from engine.models.attention import MultiHeadAttention, recorded_attention

B, L, S, DIM, HEADS = 3, 5, 7, 24, 4
FLOAT32, BFLOAT16 = 1e-5, 2e-2


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def pair(
    dim: int = DIM, heads: int = HEADS, dtype: torch.dtype = torch.float32
) -> tuple[MultiHeadAttention, nn.MultiheadAttention]:
    """Ours and the peer's with one set of weights, all of which matter."""
    peer = nn.MultiheadAttention(dim, heads, batch_first=True)
    for i, value in enumerate(peer.parameters()):
        value.data = drawn(*value.shape, seed=100 + i) / math.sqrt(dim)
    peer.to(dtype)
    ours = MultiHeadAttention(dim, heads).to(dtype)
    ours.load_state_dict(peer.state_dict(), strict=True)
    return ours, peer


def inputs(kind: str) -> tuple[torch.Tensor, torch.Tensor | None, torch.Tensor | None]:
    """Query, key and value as they are handed to our attention."""
    query = drawn(B, S if kind == "self" else L, DIM, seed=1)
    if kind == "self":
        return query, None, None
    key = drawn(B, S, DIM, seed=2)
    return query, key, drawn(B, S, DIM, seed=3) if kind == "own value" else None


KINDS = ["self", "cross", "own value"]


def boolean(shape: tuple[int, ...]) -> torch.Tensor:
    """Some keys for every query, by chance, and never none."""
    mask = drawn(*shape, seed=5) > 0.3
    mask[..., 2] = True
    return mask


MASKS = {
    "none": lambda length: None,
    "(L, S)": lambda length: boolean((length, S)),
    "(B, L, S)": lambda length: boolean((B, length, S)),
    "(B, heads, L, S)": lambda length: boolean((B, HEADS, length, S)),
    "(B, 1, L, S)": lambda length: boolean((B, 1, length, S)),
    "(1, heads, L, S)": lambda length: boolean((1, HEADS, length, S)),
    "(1, 1, L, S)": lambda length: boolean((1, 1, length, S)),
    "causal": lambda length: torch.ones(length, S).tril().bool(),
    "added (L, S)": lambda length: drawn(length, S, seed=6),
    "added (B, L, S)": lambda length: drawn(B, length, S, seed=6),
    "added (B, heads, L, S)": lambda length: drawn(B, HEADS, length, S, seed=6),
    "added, with -inf": lambda length: drawn(B, HEADS, length, S, seed=6).masked_fill(
        ~boolean((B, HEADS, length, S)), -math.inf
    ),
}


def as_peer(mask: torch.Tensor | None) -> torch.Tensor | None:
    """Our mask as the peer wants it: (B * heads, L, S), True = may not attend."""
    if mask is None:
        return None
    if mask.ndim == 3:
        mask = mask[:, None]
    whole = mask.expand(B, HEADS, *mask.shape[-2:]).flatten(0, 1)
    return ~whole if whole.dtype == torch.bool else whole


def leaves(tensors, dtype: torch.dtype) -> list[torch.Tensor | None]:
    return [None if x is None else x.to(dtype).requires_grad_() for x in tensors]


def run_ours(ours: MultiHeadAttention, given, mask, dtype: torch.dtype = torch.float32):
    """The output, the weights, and the gradients by input and parameter."""
    query, key, value = leaves(given, dtype)
    out = ours(query, key, value, mask)
    cotangent = drawn(*out.shape, seed=7).to(dtype) / out.shape[1]
    out.backward(cotangent)
    gradients = {
        name: x.grad
        for name, x in (("query", query), ("key", key), ("value", value))
        if x is not None
    }
    gradients |= {name: x.grad for name, x in ours.named_parameters()}
    return out.detach(), ours.weights(query, key, mask).detach(), gradients


def run_peer(peer: nn.MultiheadAttention, given, mask, dtype: torch.dtype = torch.float32):
    query, key, value = leaves(given, dtype)
    k = query if key is None else key
    v = k if value is None else value
    peers = as_peer(mask)
    if peers is not None and peers.is_floating_point():
        peers = peers.to(dtype)
    out, weights = peer(query, k, v, attn_mask=peers, average_attn_weights=False)
    out.backward(drawn(*out.shape, seed=7).to(dtype) / out.shape[1])
    gradients = {
        name: x.grad
        for name, x in (("query", query), ("key", key), ("value", value))
        if x is not None
    }
    gradients |= {name: x.grad for name, x in peer.named_parameters()}
    return out.detach(), weights.detach(), gradients


def assert_within(found: torch.Tensor, expected: torch.Tensor, bound: float, name: str) -> None:
    """In float32 of each number, in bfloat16 relative to the largest."""
    assert found.shape == expected.shape, name
    scale = expected.abs().max().item() if bound == BFLOAT16 else 1.0
    worst = (found.double() - expected.double()).abs().max().item()
    assert worst <= bound * scale, f"{name}: {worst:.2e} of {scale:.2e}"


def assert_same(found, expected, bound: float) -> None:
    for what, one, other in zip(("output", "weights"), found[:2], expected[:2], strict=True):
        assert_within(one, other, bound, what)
    assert found[2].keys() == expected[2].keys()
    for name, gradient in found[2].items():
        assert_within(gradient, expected[2][name], bound, f"gradient of {name}")


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("kind", KINDS)
def test_float32_is_that_of_the_peer(kind, mask):
    ours, peer = pair()
    given = inputs(kind)
    mask = MASKS[mask](given[0].shape[1])
    assert_same(run_ours(ours, given, mask), run_peer(peer, given, mask), FLOAT32)


@pytest.mark.parametrize("mask", ["none", "(L, S)", "(B, heads, L, S)", "added, with -inf"])
@pytest.mark.parametrize("kind", KINDS)
def test_bfloat16_is_that_of_the_peer(kind, mask):
    ours, peer = pair(dtype=torch.bfloat16)
    given = inputs(kind)
    mask = MASKS[mask](given[0].shape[1])
    found = run_ours(ours, given, mask, torch.bfloat16)
    assert found[0].dtype == found[1].dtype == torch.bfloat16
    assert_same(found, run_peer(peer, given, mask, torch.bfloat16), BFLOAT16)


@pytest.mark.parametrize("heads", [1, 2, 3, 4, 6, 8, 12, 24])
def test_any_number_of_heads_that_divides_the_width(heads):
    ours, peer = pair(heads=heads)
    given = inputs("own value")
    assert_same(run_ours(ours, given, None), run_peer(peer, given, None), FLOAT32)


def test_odd_widths_single_tokens_and_single_rows():
    for dim, heads, batch, length, source in [(15, 3, 1, 1, 1), (7, 7, 2, 1, 4), (5, 1, 1, 6, 1)]:
        ours, peer = pair(dim, heads)
        query, key = drawn(batch, length, dim, seed=1), drawn(batch, source, dim, seed=2)
        expected, weights = peer(query, key, key, average_attn_weights=False)
        assert_within(ours(query, key), expected, FLOAT32, "output")
        assert_within(ours.weights(query, key), weights, FLOAT32, "weights")


def test_weights_go_both_ways_between_the_two():
    ours = MultiHeadAttention(DIM, HEADS)
    peer = nn.MultiheadAttention(DIM, HEADS, batch_first=True)
    peer.load_state_dict(ours.state_dict(), strict=True)
    given = inputs("self")
    assert_within(ours(given[0]), peer(given[0], given[0], given[0])[0], FLOAT32, "output")
    shapes = {name: tuple(value.shape) for name, value in ours.state_dict().items()}
    assert shapes == {
        "in_proj_weight": (3 * DIM, DIM),
        "in_proj_bias": (3 * DIM,),
        "out_proj.weight": (DIM, DIM),
        "out_proj.bias": (DIM,),
    }


def test_it_is_found_under_its_name_without_further_imports():
    code = "import engine; print(engine.models.attention.MultiHeadAttention(8, 2).heads)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "2"


def test_two_tokens_by_hand():
    """Width 2, one head, all maps the identity: scores are x_i . x_j / sqrt(2)."""
    attention = MultiHeadAttention(2, 1)
    with torch.no_grad():
        attention.in_proj_weight.copy_(torch.eye(2).repeat(3, 1))
        attention.out_proj.weight.copy_(torch.eye(2))
    x = torch.tensor([[[1.0, 0.0], [0.0, 2.0]]])
    # Scores: 1/sqrt(2) and 0 for the first token, 0 and 4/sqrt(2) for the second one.
    first = 1 / (1 + math.exp(-1 / math.sqrt(2)))  # 0.66976
    second = 1 / (1 + math.exp(-4 / math.sqrt(2)))  # 0.94418
    weights = torch.tensor([[[[first, 1 - first], [1 - second, second]]]])
    torch.testing.assert_close(attention.weights(x), weights, atol=1e-6, rtol=0)
    out = torch.tensor([[[first, 2 * (1 - first)], [1 - second, 2 * second]]])
    torch.testing.assert_close(attention(x), out, atol=1e-6, rtol=0)
    # Only the other one: its value, whatever the score.
    other = torch.tensor([[False, True], [True, False]])
    torch.testing.assert_close(attention(x, mask=other), x.flip(1), atol=1e-6, rtol=0)
    # Adding log 3 to a score makes it count three times.
    added = torch.tensor([[0.0, math.log(3)], [0.0, 0.0]])
    odds = math.exp(1 / math.sqrt(2)) / 3
    share = attention.weights(x, mask=added)[0, 0, 0, 0].item()
    assert share == pytest.approx(odds / (1 + odds), abs=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("added", [False, True], ids=["boolean", "added"])
def test_rows_that_may_attend_to_nothing_give_zeros(added, dtype):
    ours, _ = pair(dtype=dtype)
    mask = torch.ones(B, HEADS, L, S, dtype=torch.bool)
    mask[1, :, 2] = False  # a row of all heads
    mask[0, 1, 3] = False  # of one head
    given = inputs("own value")
    handed = torch.zeros(mask.shape).masked_fill(~mask, -math.inf) if added else mask
    out, weights, gradients = run_ours(ours, given, handed, dtype)
    assert torch.count_nonzero(out[1, 2]) == 0
    assert torch.count_nonzero(weights[1, :, 2]) == 0
    assert torch.count_nonzero(weights[0, 1, 3]) == 0
    sums = torch.ones(B, HEADS, L)
    sums[1, :, 2] = sums[0, 1, 3] = 0
    torch.testing.assert_close(weights.float().sum(-1), sums, atol=1e-2, rtol=0)
    for name, gradient in gradients.items():
        assert torch.isfinite(gradient).all(), name
    assert torch.count_nonzero(gradients["query"][1, 2]) == 0
    query = given[0].to(dtype).requires_grad_()
    ours.weights(query, given[1].to(dtype), handed).square().sum().backward()
    assert torch.isfinite(query.grad).all()
    # The rest is as without the mask; the row with a closed head as its other heads say.
    free = run_ours(pair(dtype=dtype)[0], given, None, dtype)[0]
    others = torch.ones(B, L, dtype=torch.bool)
    others[1, 2] = others[0, 3] = False
    bound = FLOAT32 if dtype == torch.float32 else BFLOAT16
    assert_within(out[others], free[others], bound, "open rows")
    expected = by_hand(ours, given, weights)[0, 3]
    assert_within(out[0, 3], expected, bound, "row with a closed head")


def by_hand(ours: MultiHeadAttention, given, weights: torch.Tensor) -> torch.Tensor:
    """The output from the weights, head by head."""
    value = given[2].to(weights.dtype)
    matrices, biases = ours.in_proj_weight.chunk(3), ours.in_proj_bias.chunk(3)
    values = F.linear(value, matrices[2], biases[2])
    parts = [weights[:, h] @ part for h, part in enumerate(values.chunk(ours.heads, dim=-1))]
    return ours.out_proj(torch.cat(parts, dim=-1)).detach()


def test_a_mask_that_closes_everything_and_keys_that_are_not_there():
    ours, _ = pair()
    query = drawn(B, L, DIM).requires_grad_()
    out = ours(query, mask=torch.zeros(L, L, dtype=torch.bool))
    assert torch.count_nonzero(out) == 0
    out.sum().backward()
    assert torch.count_nonzero(query.grad) == 0
    none = torch.zeros(B, 0, DIM)
    assert torch.equal(ours(query, none), torch.zeros(B, L, DIM))
    assert ours.weights(query, none).shape == (B, HEADS, L, 0)
    assert ours(query[:, :0], drawn(B, S, DIM)).shape == (B, 0, DIM)
    assert ours(query[:0]).shape == (0, L, DIM)


def test_a_number_that_is_infinite_in_the_working_type_closes_as_well():
    ours, _ = pair()
    mask = torch.full((L, L), -1e300, dtype=torch.float64)
    assert torch.count_nonzero(ours(drawn(B, L, DIM), mask=mask)) == 0


@pytest.mark.parametrize("masked", [False, True])
def test_permuting_keys_and_values_together_changes_nothing(masked):
    ours, _ = pair()
    query, key, value = inputs("own value")
    mask = MASKS["(B, heads, L, S)"](L) if masked else None
    order = torch.randperm(S, generator=torch.Generator().manual_seed(0))
    moved = None if mask is None else mask[..., order]
    torch.testing.assert_close(
        ours(query, key[:, order], value[:, order], moved),
        ours(query, key, value, mask),
        atol=1e-6,
        rtol=0,
    )
    torch.testing.assert_close(
        ours.weights(query, key[:, order], moved),
        ours.weights(query, key, mask)[..., order],
        atol=1e-6,
        rtol=0,
    )


@pytest.mark.parametrize("masked", [False, True])
def test_permuting_queries_permutes_outputs(masked):
    ours, _ = pair()
    query, key, value = inputs("own value")
    mask = MASKS["(B, heads, L, S)"](L) if masked else None
    order = torch.randperm(L, generator=torch.Generator().manual_seed(0))
    moved = None if mask is None else mask[..., order, :]
    torch.testing.assert_close(
        ours(query[:, order], key, value, moved),
        ours(query, key, value, mask)[:, order],
        atol=1e-6,
        rtol=0,
    )
    # Self-attention knows no places: tokens in another order give outputs in that order.
    tokens = drawn(B, S, DIM)
    order = torch.randperm(S, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(ours(tokens[:, order]), ours(tokens)[:, order], atol=1e-6, rtol=0)


def test_weights_are_shares():
    ours, _ = pair()
    query, key, _ = inputs("cross")
    weights = ours.weights(query, key, MASKS["(B, heads, L, S)"](L))
    assert (weights >= 0).all()
    torch.testing.assert_close(weights.sum(-1), torch.ones(B, HEADS, L))
    assert torch.count_nonzero(weights[~MASKS["(B, heads, L, S)"](L)]) == 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_it_runs_under_autocast(dtype):
    ours, peer = pair()
    given = inputs("own value")
    for mask in (None, MASKS["(B, heads, L, S)"](L), MASKS["added, with -inf"](L)):
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            out, weights = ours(*given, mask), ours.weights(given[0], given[1], mask)
        expected = peer(*given, attn_mask=as_peer(mask), average_attn_weights=False)
        bound = FLOAT32 if dtype == torch.float32 else BFLOAT16
        assert_within(out, expected[0], bound, "output")
        assert_within(weights, expected[1], bound, "weights")


@pytest.mark.parametrize(
    ("dim", "heads", "message"),
    [
        (24, 5, "heads must divide the width 24, got 5"),
        (24, 48, "heads must divide the width 24, got 48"),
        (24, 0, "number of heads of an attention must be 1 or more, got 0"),
        (24, -4, "number of heads of an attention must be 1 or more, got -4"),
        (24, 2.0, r"number of heads of an attention must be 1 or more, got 2\.0"),
        (0, 1, "width of an attention must be 1 or more, got 0"),
    ],
)
def test_bad_head_counts_are_named(dim, heads, message):
    with pytest.raises(ValueError, match=message):
        MultiHeadAttention(dim, heads)


@pytest.mark.parametrize(
    ("query", "key", "value", "message"),
    [
        ((L, DIM), None, None, r"query of an attention of width 24 .* got \(5, 24\)"),
        ((B, L, 23), None, None, r"query .* \(B, L, 24\), got \(3, 5, 23\)"),
        ((B, L, DIM), (B, S, 12), None, r"key .* got \(3, 7, 12\)"),
        ((B, L, DIM), (B, S, DIM), (B, S, 12), r"value .* got \(3, 7, 12\)"),
        ((B, L, DIM), (2, S, DIM), None, r"agree in B.* got \(3, 5, 24\), \(2, 7, 24\)"),
        ((B, L, DIM), (B, S, DIM), (B, 6, DIM), r"in length, got .* and \(3, 6, 24\)"),
        ((B, L, DIM), None, (B, L, DIM), "a value without its key"),
    ],
)
def test_bad_shapes_are_named(query, key, value, message):
    ours, _ = pair()
    with pytest.raises(ValueError, match=message):
        ours(*(None if shape is None else torch.zeros(shape) for shape in (query, key, value)))


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        (torch.ones(L, L, dtype=torch.bool), r"shape \(L, S\) = \(5, 7\).*, got \(5, 5\)"),
        (torch.ones(S, dtype=torch.bool), r"got \(7,\)"),
        (torch.ones(2, L, S, dtype=torch.bool), r"B = 3 .* got \(2, 5, 7\)"),
        (torch.ones(B, 2, L, S), r"heads = 4, got \(3, 2, 5, 7\)"),
        (torch.ones(L, S, dtype=torch.int64), "bool or floating point, got torch.int64"),
    ],
)
def test_bad_masks_are_named(mask, message):
    ours, _ = pair()
    query, key, _ = inputs("cross")
    for ask in (lambda: ours(query, key, mask=mask), lambda: ours.weights(query, key, mask)):
        with pytest.raises(ValueError, match=message):
            ask()


class TwoLayers(nn.Module):
    """Self-attention, then attention to something else, by every way of calling."""

    def __init__(self) -> None:
        super().__init__()
        self.first = MultiHeadAttention(DIM, HEADS)
        self.inner = nn.ModuleDict({"second": MultiHeadAttention(DIM, 2)})

    def forward(self, x, other, mask):
        return self.inner["second"](self.first(x), key=other, mask=mask)


def test_what_is_recorded_gives_the_weights_and_the_output_again():
    """softmax(Q K^T / sqrt(d)) written out, from recorded inputs and the layer's own weights."""
    network = TwoLayers()
    x, other, mask = drawn(B, L, DIM, seed=1), drawn(B, S, DIM, seed=2), MASKS["(L, S)"](L)
    outputs = {}
    handles = [
        layer.register_forward_hook(lambda layer, args, out, name=name: outputs.update({name: out}))
        for name, layer in network.named_modules()
        if isinstance(layer, MultiHeadAttention)
    ]
    with recorded_attention(network) as found:
        network(x, other, mask)
    for handle in handles:
        handle.remove()
    assert list(found) == ["first", "inner.second"]
    assert torch.equal(found["first"].query, x)
    assert torch.equal(found["inner.second"].key, other)
    for name, kept in found.items():
        layer = kept.layer
        size = DIM // layer.heads
        (wq, wk, wv), (bq, bk, bv) = layer.in_proj_weight.chunk(3), layer.in_proj_bias.chunk(3)
        joined = []
        for head in range(layer.heads):
            rows = slice(head * size, (head + 1) * size)
            q = kept.query @ wq[rows].T + bq[rows]
            k = kept.key @ wk[rows].T + bk[rows]
            v = kept.key @ wv[rows].T + bv[rows]
            scores = torch.einsum("bld,bsd->bls", q, k) / size**0.5
            if kept.mask is not None:
                scores = scores.where(kept.mask, torch.tensor(-math.inf))
            shares = scores.exp() / scores.exp().sum(-1, keepdim=True)
            torch.testing.assert_close(kept.weights()[:, head], shares, atol=1e-6, rtol=0)
            joined.append(shares @ v)
        out = torch.cat(joined, -1) @ layer.out_proj.weight.T + layer.out_proj.bias
        torch.testing.assert_close(outputs[name], out, atol=1e-6, rtol=0)


def hooks_of(network: nn.Module) -> int:
    return sum(
        len(module._forward_pre_hooks) + len(module._forward_hooks) for module in network.modules()
    )


def test_outside_the_block_nothing_is_recorded():
    network = TwoLayers()
    x, other, mask = drawn(B, L, DIM, seed=1), drawn(B, S, DIM, seed=2), None
    before = network(x, other, mask)
    assert hooks_of(network) == 0
    with recorded_attention(network) as found:
        assert torch.equal(network(x, other, mask), before)  # watching changes nothing
        assert hooks_of(network) == 2
    assert hooks_of(network) == 0
    kept = dict(found)
    network(other, x, mask)
    assert found == kept

    with pytest.raises(ZeroDivisionError), recorded_attention(network):
        _ = 1 / 0
    assert hooks_of(network) == 0
