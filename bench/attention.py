"""Our attention beside ``torch.nn.MultiheadAttention`` with the same weights, in one run.

    python -m bench.attention [--rounds 30] [--threads 1] [--json]

Self-attention among the pixels of a feature map, as in a UNet: forward alone, and forward and
backward. The peer is asked without weights, which is its faster way. A ratio of 1 is as fast.
"""

from __future__ import annotations

import argparse
import json

import torch
from torch import nn

from bench.side_by_side import ratio
from engine.models.attention import MultiHeadAttention

SHAPES = {
    "digits, 4 x 4": (64, 16, 48, 4),
    "mnist, 7 x 7": (16, 49, 96, 4),
    "14 x 14": (16, 196, 48, 4),
    "32 x 32": (2, 1024, 64, 4),
}
"""Batch, pixels, width and heads."""


def measure(batch: int, length: int, dim: int, heads: int, rounds: int) -> dict[str, float]:
    """Milliseconds of ours and the peer, and their ratio, there and there and back."""
    torch.manual_seed(0)
    peer = nn.MultiheadAttention(dim, heads, batch_first=True)
    ours = MultiHeadAttention(dim, heads)
    ours.load_state_dict(peer.state_dict())
    x = torch.randn(batch, length, dim, requires_grad=True)

    def asked(network: nn.Module) -> torch.Tensor:
        if network is ours:
            return ours(x)
        return peer(x, x, x, need_weights=False)[0]

    found = {}
    with torch.no_grad():
        timed = ratio(lambda: asked(ours), lambda: asked(peer), rounds)
    found |= {"ours_ms": 1e3 * timed[0], "peer_ms": 1e3 * timed[1], "ratio": timed[2]}
    timed = ratio(
        lambda: asked(ours).sum().backward(), lambda: asked(peer).sum().backward(), rounds
    )
    return found | {
        "ours_backward_ms": 1e3 * timed[0],
        "peer_backward_ms": 1e3 * timed[1],
        "ratio_backward": timed[2],
    }


def main() -> None:
    """Measure all shapes and print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    found = {name: measure(*shape, options.rounds) for name, shape in SHAPES.items()}
    if options.json:
        print(json.dumps(found))
        return
    print(f"{'':14} {'forward, ms':>22} {'ratio':>6} {'and backward, ms':>22} {'ratio':>6}")
    for name, row in found.items():
        print(
            f"{name:14} {row['ours_ms']:10.2f} : {row['peer_ms']:9.2f} {row['ratio']:6.2f} "
            f"{row['ours_backward_ms']:10.2f} : {row['peer_backward_ms']:9.2f} "
            f"{row['ratio_backward']:6.2f}"
        )


if __name__ == "__main__":
    main()
