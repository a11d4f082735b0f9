"""What DDIM makes of every kind of path, for random endpoints on all data sets in the plane.

    python -m bench.paths [--models DIR] [--pairs 20] [--out docs/paths.md]
    python -m bench.paths --file FILE [--pairs 20] [--out FILE.md]

The first writes the table of docs/paths.md. The models that ToyDiff does not bring along are
looked for in DIR and trained there where they are missing (``toydiff train --dataset NAME --steps
40000``). The second does the same for two columns of numbers (.csv, .txt, .npy), standardised, by
the exact denoiser of the points, first between (-2, 0) and (2, 0), and prints it.

Paths are compared at equal steps of length in the latent; the geodesic is measured once more
evenly decoded, as the program shows it.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from torch import Tensor
from tqdm import tqdm

from bench import path_tables
from bench.path_tables import EVEN, GEODESIC
from engine import datasets
from engine.analysis.points import nearness_steps
from engine.checkpoints.checkpoint import BUNDLED, load_checkpoint
from engine.commands import group
from engine.datasets import Standardisation
from engine.devices import use_one_thread
from engine.diffusion.denoiser import Denoiser
from engine.diffusion.exact import IdealDenoiser
from engine.diffusion.noise import draw_latents
from engine.diffusion.samplers import DDIM, sample
from engine.diffusion.schedules import Schedule, make_schedule
from engine.paths.curves import Curve, make_curve, positions_like
from engine.paths.geodesic_points import evenly_decoded, search
from engine.paths.latents import FINE, evenly_spaced, gap_figures, terrain_of
from engine.paths.terrain import Terrain
from engine.shared.command_line import run
from engine.shared.config import POINT_SETS
from engine.shared.trajectory import load_array
from engine.training.trainer import finish

POINTS, STEPS = 500, 50
SIMPLE = ("linear", "spherical", "prior-preserving", "norm-guided")
TRAINED_FOR = 40_000
CONNECTED = 0.99
"""The share of a set's points that one cluster must hold for the set to count as connected."""
CLUSTERED = 20_000
MOST_EXACT = 8000
"""Points of a file that the exact denoiser knows; of more, so many are drawn."""

Pair = tuple[Tensor, Tensor]


class OffData(Protocol):
    """What says which states are off the data."""

    def off_data(self, samples: Any) -> float:
        """The share of ``samples`` (N, 2), in 0..1."""
        ...


@dataclass(frozen=True)
class World:
    """A data set with what samples from it."""

    name: str
    denoiser: Denoiser
    schedule: Schedule
    terrain: Terrain
    judge: OffData
    largest_cluster: float
    """The share of the points that hang together at the off-data threshold."""

    @property
    def connected(self) -> bool:
        """Whether a path between any two points can stay on the data."""
        return self.largest_cluster >= CONNECTED


@dataclass(frozen=True)
class Figures:
    """What DDIM makes of a path: a share in 0..1, and distances in standardised units."""

    off_data: float
    gap: float
    length: float


@dataclass(frozen=True)
class Measured:
    """All paths between a pair of endpoints, and the seconds that the search took."""

    figures: dict[str, Figures]
    search: float

    @property
    def geodesic_is_best(self) -> bool:
        """Whether no other path has fewer points off the data, but for one point of all."""
        best = min(self.figures[name].off_data for name in SIMPLE)
        return self.figures[GEODESIC].off_data <= best + 1 / POINTS + 1e-9


@dataclass(frozen=True)
class Outcome:
    """A world measured for all pairs; ``run``: the seconds of DDIM with all steps."""

    world: World
    pairs: list[Measured]
    run: float


def decoded(world: World, latents: Tensor, steps: int = STEPS) -> NDArray[np.float32]:
    """Where DDIM leads ``latents`` (N, 2), (N, 2)."""
    sampler = DDIM(steps=steps)
    *_, last = sample(world.denoiser, world.schedule, latents, sampler=sampler)
    return last.x.numpy()


def measure_path(world: World, latents: Tensor) -> Figures:
    """The figures of one path."""
    states = decoded(world, latents)
    length, gap, _ = gap_figures(states)
    return Figures(world.judge.off_data(states), gap, length)


def equal_steps(curve: Curve, start: Tensor) -> Tensor:
    """Points on a path at equal steps of length in the latent, (POINTS, 2)."""
    return evenly_spaced(curve(positions_like(FINE, start)), POINTS)


def measure_pair(world: World, start: Tensor, end: Tensor) -> Measured:
    """All paths between two latents (2,)."""
    curves: dict[str, Curve] = {name: make_curve(name, start, end) for name in SIMPLE}
    began = time.perf_counter()
    found = finish(search(world.denoiser, world.schedule, start, end, world.terrain))
    seconds = time.perf_counter() - began
    curves[GEODESIC] = found.curve
    paths = {name: equal_steps(curve, start) for name, curve in curves.items()}
    paths[EVEN] = finish(evenly_decoded(world.denoiser, world.schedule, found.curve, POINTS, start))
    return Measured({name: measure_path(world, path) for name, path in paths.items()}, seconds)


def measure(world: World, pairs: list[Pair]) -> Outcome:
    """All paths between all pairs."""
    latents, runs = draw_latents(0, POINTS, (2,)), []
    for _ in range(3):
        began = time.perf_counter()
        decoded(world, latents, world.schedule.timesteps)
        runs.append(time.perf_counter() - began)
    bar = tqdm(pairs, world.name, leave=False, disable=not sys.stderr.isatty())
    return Outcome(world, [measure_pair(world, *pair) for pair in bar], min(runs))


def largest_cluster(points: NDArray[np.float32], reach: float) -> float:
    """The share of ``points`` (N, 2) in the largest cluster by single linkage up to ``reach``."""
    tree = cKDTree(points)
    near = tree.sparse_distance_matrix(tree, reach)
    _, labels = connected_components(near, directed=False)
    return float(np.bincount(labels).max() / len(points))


def world_of(name: str, models: Path) -> World:
    """The world of a data set: the bundled model, or one in ``models``, trained if it is not."""
    source = name if name in BUNDLED else str(models / name)
    if source != name and not Path(source).exists():
        command = ["train", "--dataset", name, "--steps", str(TRAINED_FOR), "--out", source]
        if run(group.commands, command) != 0:
            raise SystemExit(f"the training for {name} was not finished")
    checkpoint = load_checkpoint(source)
    nearness = finish(nearness_steps(name, checkpoint.transform))
    drawn = datasets.fresh_draws(name, CLUSTERED, 0, checkpoint.transform)
    return World(
        name,
        checkpoint.denoiser,
        checkpoint.schedule,
        terrain_of(checkpoint),
        nearness,
        largest_cluster(drawn, nearness.threshold),
    )


def world_of_file(path: Path) -> World:
    """The world of two columns of numbers. Raises ``ValueError`` naming the file and its fault."""
    raw = _read(path)
    if raw.shape[1:] != (2,) or len(raw) < 10:
        raise ValueError(f"{path} must have two columns and ten or more rows, got {raw.shape}")
    if not (raw.std(axis=0) > 0).all():
        raise ValueError(f"{path} has a column in which all numbers are equal")
    if len(raw) > MOST_EXACT:
        raw = np.random.default_rng(0).permutation(raw)[:MOST_EXACT]
    points = Standardisation.of(raw.astype(np.float64)).apply(raw)
    schedule = make_schedule("linear", 250)
    terrain = Terrain(points)
    share = largest_cluster(points, terrain.threshold)
    denoiser = IdealDenoiser(torch.from_numpy(points), schedule)
    return World(path.name, denoiser, schedule, terrain, _ByTerrain(terrain), share)


@dataclass(frozen=True)
class _ByTerrain:
    """What is off the data of a file, of which no more can be drawn."""

    terrain: Terrain

    def off_data(self, samples: NDArray[np.float32]) -> float:
        return self.terrain.off_data(torch.from_numpy(samples))


def _read(path: Path) -> NDArray[Any]:
    if path.suffix == ".npy":
        return load_array(path, "points")
    try:
        first = path.read_text(encoding="utf-8").splitlines()[0]
        comma = "," if "," in first else None
        try:
            heading = int(not [float(part) for part in first.split(comma)])
        except ValueError:
            heading = 1  # names of the columns
        return np.loadtxt(path, delimiter=comma, skiprows=heading, ndmin=2)
    except (OSError, UnicodeDecodeError, ValueError, IndexError) as error:
        raise ValueError(f"{path} is not a table of numbers: {error}") from error


def pairs_of(count: int) -> list[Pair]:
    """The first ``count`` pairs of endpoints drawn from N(0, I), the same for every set."""
    drawn = draw_latents(0, 2 * count, (2,)).view(count, 2, 2)
    return [(start, end) for start, end in drawn]


def main() -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--models", type=Path, default=Path("runs/paths"), metavar="DIR")
    parser.add_argument("--pairs", type=int, default=20)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if not 1 <= options.pairs <= 10_000:
        parser.error(f"pairs must be between 1 and 10000, got {options.pairs}")
    use_one_thread()
    pairs = pairs_of(options.pairs)
    if options.file is not None:
        try:
            world = world_of_file(options.file)
        except ValueError as error:
            parser.error(str(error))
        ends = torch.tensor([[-2.0, 0.0], [2.0, 0.0]])
        across = measure(world, [(ends[0], ends[1])])
        text = path_tables.of_file(across, measure(world, pairs))
    else:
        text = path_tables.of_sets(
            [measure(world_of(name, options.models), pairs) for name in POINT_SETS]
        )
        options.out = options.out or Path("docs/paths.md")
    if options.out is None:
        print(text, end="")
    else:
        options.out.write_text(text, encoding="utf-8")
        print(options.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
