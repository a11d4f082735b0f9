"""A first way between two latents that is good as a whole, by the shortest route on a graph.

A descent finds the nearest valley, not the best one. Latents are drawn all over the prior, tied to
their neighbours, and every tie is priced by what the sampler makes of it (a probabilistic roadmap,
Kavraki et al. 1996); Dijkstra's algorithm then finds the cheapest chain. In many dimensions all
drawn latents are equally far apart and neighbours mean nothing: there it is not used.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator

import numpy as np
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree
from torch import Tensor

from engine.diffusion.noise import draw_latents
from engine.paths.terrain import Terrain, weighted_lengths

MOST_DIMENSIONS = 6
NODES, NEIGHBOURS, PIECES = 250, 8, 4
SPREAD = 1.3
"""Of the drawn latents, in deviations of the prior: a way round may lead outside."""

Decode = Callable[[Tensor], Generator[None, None, Tensor]]
"""Latents (N, D) to decoded states (N, D), with at most one evaluation an item."""


@torch.no_grad()
def route(
    decode: Decode, start: Tensor, end: Tensor, terrain: Terrain, seed: int
) -> Generator[None, None, Tensor]:
    """The cheapest chain of drawn latents from ``start`` (D,) to ``end`` (D,), (M, D).

    Its price is the weighted length of what ``decode`` makes of it (see ``Terrain.weight``).
    """
    size = max(1.0, float(start.norm()), float(end.norm())) / math.sqrt(start.numel() + 1)
    drawn = SPREAD * size * draw_latents(seed, NODES, start.shape).to(start.dtype)
    nodes = torch.cat([start[None].cpu(), end[None].cpu(), drawn])
    near = cKDTree(nodes.numpy()).query(nodes.numpy(), k=NEIGHBOURS + 1)[1][:, 1:]
    pairs = np.stack([np.repeat(np.arange(len(nodes)), NEIGHBOURS), near.ravel()], axis=1)
    pairs = np.unique(np.sort(pairs, axis=1), axis=0)
    share = torch.linspace(0, 1, PIECES + 1, dtype=start.dtype)[:, None]
    first, last = nodes[pairs[:, 0]][:, None], nodes[pairs[:, 1]][:, None]
    ties = ((1 - share) * first + share * last).to(start.device)  # (E, PIECES + 1, D)
    decoded = yield from decode(ties.flatten(0, 1))
    price = weighted_lengths(decoded.view(ties.shape), terrain, 1).cpu().double().numpy()
    yield None
    count = len(nodes)
    graph = coo_array((price, (pairs[:, 0], pairs[:, 1])), shape=(count, count)).tocsr()
    before = dijkstra(graph, directed=False, indices=0, return_predecessors=True)[1]
    chain = [1]
    while chain[-1] != 0:
        previous = int(before[chain[-1]])
        if previous < 0:  # not tied to the rest
            return torch.stack([start, end])
        chain.append(previous)
    return nodes[chain[::-1]].to(start.device)
