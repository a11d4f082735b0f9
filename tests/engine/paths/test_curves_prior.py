"""Where the points of a path lie, for endpoints drawn from the prior in 784 dimensions.

At each position the norms of 2,000 paths, and their projections onto random directions, are
compared with those of N(0, I) by the Kolmogorov-Smirnov test. The prior-preserving path must pass
everywhere; the linear and the spherical path, whose norms shrink or spread too little, must not:
they show that the test can tell.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import chi, kstest, norm

from engine.diffusion.noise import draw_latents
from engine.paths.curves import linear, prior_preserving, spherical

SHAPE, DIMENSION, PAIRS, DIRECTIONS = (1, 28, 28), 784, 2000, 20
POSITIONS = torch.linspace(0, 1, 11)
INNER = range(2, 9)
"""Positions well away from the ends, which are drawn from the prior whatever the path."""
LEVEL = 0.001
"""Of a false alarm in the whole of a test: shared among all its comparisons (Bonferroni)."""


def carried(path) -> torch.Tensor:
    """(positions, pairs, 784) latents, for pairs that share nothing."""
    starts, ends = draw_latents(11, PAIRS, SHAPE), draw_latents(12, PAIRS, SHAPE)
    paths = [path(a, b, POSITIONS) for a, b in zip(starts, ends, strict=True)]
    return torch.stack(paths, dim=1).flatten(2).double()


@pytest.fixture(scope="module")
def preserved() -> torch.Tensor:
    return carried(prior_preserving)


def p_of_norms(latents: torch.Tensor) -> np.ndarray:
    """p-value at each position."""
    return np.array([kstest(x.norm(dim=1).numpy(), chi(DIMENSION).cdf).pvalue for x in latents])


def projections(latents: torch.Tensor) -> torch.Tensor:
    """(positions, pairs, directions)."""
    directions = draw_latents(13, DIRECTIONS, (DIMENSION,)).double()
    return latents @ (directions / directions.norm(dim=1, keepdim=True)).T


def p_of_projections(latents: torch.Tensor) -> np.ndarray:
    """p-value at each position in each direction."""
    return np.array(
        [[kstest(y, norm.cdf).pvalue for y in x.T.numpy()] for x in projections(latents)]
    )


def test_prior_preserving_keeps_the_norms_of_the_prior(preserved):
    assert p_of_norms(preserved).min() > LEVEL / len(POSITIONS)


def test_prior_preserving_keeps_the_projections_of_the_prior(preserved):
    assert p_of_projections(preserved).min() > LEVEL / (len(POSITIONS) * DIRECTIONS)


def test_prior_preserving_keeps_the_moments_of_the_prior(preserved):
    """Mean 0 and variance 1 in each coordinate, and no two coordinates that go together."""
    limit = norm.isf(LEVEL / (2 * 3 * len(POSITIONS) * DIMENSION))
    other = torch.roll(preserved, 1, dims=2)
    assert (preserved.mean(1).abs() * PAIRS**0.5).max() < limit
    assert ((preserved.square().mean(1) - 1).abs() * (PAIRS / 2) ** 0.5).max() < 1.3 * limit
    assert ((preserved * other).mean(1).abs() * PAIRS**0.5).max() < 1.3 * limit


def test_linear_fails_on_the_norms():
    latents = carried(linear)
    assert all(p_of_norms(latents)[k] < 1e-100 for k in INNER)
    middle = latents[5].norm(dim=1).mean()
    assert abs(middle / DIMENSION**0.5 - 0.5**0.5) < 0.01  # shrunk to sqrt(1/2)


def test_spherical_fails_on_the_norms():
    """It keeps their mean, but averages two of them: in the middle they spread sqrt(2) less."""
    latents = carried(spherical)
    p = p_of_norms(latents)
    assert all(p[k] < 1e-3 for k in INNER)
    assert p[5] < 1e-8
    spread = latents.norm(dim=2).std(dim=1)
    assert abs(spread[5] / chi(DIMENSION).std() - 0.5**0.5) < 0.05
    assert abs(latents[5].norm(dim=1).mean() - chi(DIMENSION).mean()) < 0.1


def test_the_ends_alone_are_of_the_prior_on_every_path():
    """What the controls fail on is the path, not the endpoints."""
    for path in (linear, spherical):
        p = p_of_norms(carried(path)[[0, -1]])
        assert p.min() > LEVEL / 4


def test_ends_that_are_not_independent_are_not_covered(preserved):
    """As the docstring says: for opposite ends the middle is the origin."""
    starts = draw_latents(11, 50, SHAPE)
    middle = torch.stack([prior_preserving(a, -a, POSITIONS)[5] for a in starts])
    assert middle.abs().max() < 1e-5
    assert preserved[5].norm(dim=1).min() > 20
