"""The route on a roadmap against every route there is, and round a place that is dear."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from engine.diffusion.noise import draw_latents
from engine.paths import roadmap
from engine.paths.roadmap import route
from engine.paths.terrain import Terrain, weighted_lengths
from tests.engine.finished_work import finished


class Hill:
    """A known landscape: dear near the origin."""

    height = 60.0

    def weight(self, x):
        return 1 + self.height * torch.exp(-x.square().sum(1))


def unchanged(latents):
    """What a sampler that moves nothing makes of latents, in three evaluations."""
    for _ in range(3):
        yield None
    return latents


def find(start, end, terrain, seed=0, decode=unchanged):
    return finished(route(decode, torch.tensor(start), torch.tensor(end), terrain, seed))[0]


def cheapest_of_all(nodes, neighbours, price):
    """By trying every route from node 0 to node 1 that visits none twice."""
    apart = np.linalg.norm(nodes[:, None] - nodes, axis=2)
    ties = {k: set() for k in range(len(nodes))}
    for k, row in enumerate(apart):
        for near in np.argsort(row)[1 : neighbours + 1]:
            ties[k].add(int(near))
            ties[int(near)].add(k)
    best = (math.inf, None)
    unfinished = [(0.0, [0])]
    while unfinished:
        spent, way = unfinished.pop()
        if way[-1] == 1:
            best = min(best, (spent, way))
            continue
        unfinished += [
            (spent + price(nodes[way[-1]], nodes[near]), [*way, near])
            for near in ties[way[-1]] - set(way)
        ]
    return best[1]


def price_of_tie(one, other):
    pieces = torch.linspace(0, 1, roadmap.PIECES + 1)[:, None]
    line = (1 - pieces) * torch.from_numpy(one) + pieces * torch.from_numpy(other)
    steps = (line[1:] - line[:-1]).norm(dim=1)
    return float((steps * Hill().weight((line[1:] + line[:-1]) / 2)).sum())


@pytest.mark.parametrize(("count", "neighbours"), [(11, 3), (5, 1)])
def test_the_route_is_the_cheapest_of_all(monkeypatch, count, neighbours):
    monkeypatch.setattr(roadmap, "NODES", count)
    monkeypatch.setattr(roadmap, "NEIGHBOURS", neighbours)
    start, end = [-2.0, 0.1], [1.5, 0.0]
    found = []
    for seed in range(12):
        drawn = roadmap.SPREAD * 2.0025 / math.sqrt(3) * draw_latents(seed, count, (2,)).numpy()
        nodes = np.float32([start, end, *drawn])
        expected = cheapest_of_all(nodes, neighbours, price_of_tie)
        chain = find(start, end, Hill(), seed)
        found.append(expected is not None)
        if expected is None:  # start and end are not tied together: the straight line
            expected = [0, 1]
        np.testing.assert_allclose(chain, nodes[expected], atol=1e-3)
    assert any(found)
    assert neighbours > 1 or not all(found)


@pytest.mark.parametrize("seed", range(3))
def test_the_way_from_one_side_of_a_ring_to_the_other_goes_round(seed):
    angle = np.linspace(0, 2 * np.pi, 600, endpoint=False)
    ring = Terrain(1.5 * np.stack([np.cos(angle), np.sin(angle)], axis=1))
    chain = find([-1.5, 0.0], [1.5, 0.0], ring, seed)
    assert torch.equal(chain[[0, -1]], torch.tensor([[-1.5, 0.0], [1.5, 0.0]]))
    share = torch.linspace(0, 1, 50)[:, None]
    ways = torch.cat([(1 - share) * a + share * b for a, b in itertools.pairwise(chain)])
    assert ways.norm(dim=1).min() > 0.9
    line = torch.tensor([[-1.5, 0.0], [1.5, 0.0]])
    assert 5 * weighted_lengths(ways[None], ring, 1) < weighted_lengths(line[None], ring, 500)


def test_what_is_dear_is_where_latents_lead_and_not_where_they_are():
    """A sampler that moves everything by (5, 0): the hill stands in the way at (-5, 0)."""

    def moved(latents):
        yield None
        return latents + torch.tensor([5.0, 0.0])

    through = find([-2.0, 0.0], [2.0, 0.0], Hill(), decode=moved)
    around = find([-2.0, 0.0], [2.0, 0.0], Hill())
    assert through[1:-1].norm(dim=1).min() < 0.7 < 1 < around.norm(dim=1).min()


def test_routes_in_three_dimensions_keep_the_type_and_the_seed():
    start, end = (torch.tensor(p, dtype=torch.float64) for p in ([-2.0, 0, 0], [2.0, 0, 0]))

    def go(seed):
        return finished(route(unchanged, start, end, Hill(), seed))[0]

    chain = go(1)
    assert chain.dtype == torch.float64
    assert chain.shape[1] == 3
    assert torch.equal(chain, go(1))
    assert not torch.equal(chain, go(2))


@pytest.mark.parametrize("grad", [True, False])
def test_an_item_costs_at_most_one_evaluation_and_gradients_stay_as_they_were(grad):
    seen = []

    def decode(latents):
        for _ in range(3):
            seen.append(torch.is_grad_enabled())
            yield None
        return latents

    with torch.set_grad_enabled(grad):
        work = route(decode, torch.tensor([-2.0, 0.0]), torch.tensor([2.0, 0.0]), Hill(), 0)
        for count in (1, 2, 3):
            next(work)
            assert len(seen) == count
            assert torch.is_grad_enabled() is grad
        finished(work)
        assert torch.is_grad_enabled() is grad
    assert seen == [False] * 3
