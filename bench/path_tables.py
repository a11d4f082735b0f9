"""The tables of ``bench.paths`` as Markdown, with the sentences that say what they mean."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from statistics import mean, median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.paths import Figures, Measured, Outcome, World

GEODESIC, EVEN = "geodesic", "geodesic, evenly decoded"
ASKED = 0.9
"""Of the pairs of connected sets, in how many the geodesic is to be best or equal."""

CANONICAL = "20 000 reference points than 99.9 % of fresh points"
OF_A_FILE = "the file's points than 99.9 % of these from each other"


def of_sets(outcomes: Sequence[Outcome]) -> str:
    """The whole of docs/paths.md."""
    connected = [outcome for outcome in outcomes if outcome.world.connected]
    return "".join(
        [
            "# What paths reach\n\n",
            _paragraph("Made by `python -m bench.paths`. Do not edit it by hand."),
            "## Is the geodesic the best?\n\n",
            _summary(outcomes),
            _verdict(connected),
            _meaning(connected),
            _time(outcomes),
            "## How it was measured\n\n",
            _paragraph(
                f"{len(outcomes[0].pairs)} pairs of endpoints are drawn from N(0, I) with seed 0, "
                "the same for every set. Models: those that ToyDiff brings along, and for the "
                "other sets what `toydiff train --dataset NAME --steps 40000` gives."
            ),
            _method(CANONICAL),
            _paragraph(
                "A set counts as connected if one cluster holds at least 99 % of 20 000 fresh "
                "points, by single linkage up to the distance at which a point counts as off the "
                "data."
            ),
            *(_section(outcome) for outcome in outcomes),
        ]
    ).removesuffix("\n")


def of_file(across: Outcome, outcome: Outcome) -> str:
    """A report on a file: between (-2, 0) and (2, 0), and between random endpoints."""
    world = outcome.world
    return "".join(
        [
            f"# What paths reach on {world.name}\n\n",
            _paragraph(
                f"By the exact denoiser of its points, standardised. {_connection(world)} Between "
                f"random endpoints, the geodesic is best or equal in {_share(outcome.pairs)}."
            ),
            _method(OF_A_FILE),
            _time([across, outcome]),
            "## From (-2, 0) to (2, 0)\n\n",
            _table(across.pairs),
            f"## {len(outcome.pairs)} random pairs\n\n",
            _table(outcome.pairs),
        ]
    ).removesuffix("\n")


def _paragraph(text: str) -> str:
    return textwrap.fill(text, 100, break_on_hyphens=False) + "\n\n"


def _method(near: str) -> str:
    return _paragraph(
        "DDIM, 50 steps, 500 points. *Off data*: the share of the decoded points that are farther "
        f"from {near}, and than 0.03. *Gap*: the largest distance between decoded neighbours. "
        "*Length*: the sum of these distances. All in standardised units and as means over the "
        "pairs; *worst* is the largest share. *Best or equal*: no other path has fewer points off "
        "the data, but for one of 500."
    ) + _paragraph(
        "Paths are compared at equal steps of length in the latent. That is not how the program "
        "shows the geodesic: there its points are evenly spaced where they are decoded, which the "
        "last row of each table measures. Drawn paths are left out: they have no way-points of "
        "their own."
    )


def _summary(outcomes: Sequence[Outcome]) -> str:
    lines = ["| set | largest cluster | connected | geodesic best or equal |", "|---|---|---|---|"]
    for outcome in outcomes:
        world = outcome.world
        lines.append(
            f"| {world.name} | {world.largest_cluster:.1%} | {'yes' if world.connected else 'no'} "
            f"| {_share(outcome.pairs)} |"
        )
    return "\n".join(lines) + "\n\n"


def _verdict(connected: Sequence[Outcome]) -> str:
    pairs = [pair for outcome in connected for pair in outcome.pairs]
    kept = mean(pair.geodesic_is_best for pair in pairs) >= ASKED
    return _paragraph(
        f"Over the connected sets, at equal spacing in the latent, the geodesic has the smallest "
        f"share of points off the data, or one within a point of 500 of it, in {_share(pairs)}. "
        f"Asked are {ASKED:.0%}{'' if kept else ': **missed**'}."
    )


def _meaning(connected: Sequence[Outcome]) -> str:
    """The figures in words; they hold whatever the figures are."""
    pairs = [pair for outcome in connected for pair in outcome.pairs]

    def average(path: str, what: str) -> float:
        return float(mean(getattr(pair.figures[path], what) for pair in pairs))

    return _paragraph(
        "What that means: a path is torn where neighbouring latents are decoded far apart. Few of "
        "its points are then off the data, because hardly any of them falls into the gap; the gap "
        "itself tells. Over the connected sets the straight line has a largest gap of "
        f"{average('linear', 'gap'):.3f} on average, the geodesic one of "
        f"{average(GEODESIC, 'gap'):.3f}, and of {average(EVEN, 'gap'):.3f} once its points are "
        "evenly decoded. The price is a longer way along the data, of "
        f"{average(GEODESIC, 'length'):.2f} in place of {average('linear', 'length'):.2f}. Paths "
        "that keep the latents' norm likely "
        f"({average('spherical', 'gap'):.3f} for spherical, {average('norm-guided', 'gap'):.3f} "
        "for norm-guided) know nothing of where the data are."
    ) + _paragraph(
        "Between two parts of a set that is not connected no path can be both even and on the "
        "data: somewhere it has to jump. At equal steps in the latent few points fall into the "
        "jump; evenly decoded, as many as it is wide."
    )


def _time(outcomes: Sequence[Outcome]) -> str:
    ratios = [pair.search / outcome.run for outcome in outcomes for pair in outcome.pairs]
    return _paragraph(
        f"A search takes as long as {median(ratios):.0f} runs of DDIM with 250 steps and 500 "
        f"points (median; at most {max(ratios):.0f}), measured in the same run on one thread."
    )


def _section(outcome: Outcome) -> str:
    says = f"{_connection(outcome.world)} The geodesic is best or equal in {_share(outcome.pairs)}."
    return f"## {outcome.world.name}\n\n{_paragraph(says)}{_table(outcome.pairs)}"


def _connection(world: World) -> str:
    if world.connected:
        return f"Connected: {world.largest_cluster:.1%} of the points hang together."
    return (
        f"Not connected: the largest cluster has {world.largest_cluster:.1%} of the points. No "
        "path between its parts can be both even and on the data."
    )


def _share(pairs: Sequence[Measured]) -> str:
    best = sum(pair.geodesic_is_best for pair in pairs)
    return f"{best} of {len(pairs)} pairs ({best / len(pairs):.0%})"


def _table(pairs: Sequence[Measured]) -> str:
    lines = ["| path | off data | worst | gap | length |", "|---|---|---|---|---|"]
    for path in pairs[0].figures:
        figures: list[Figures] = [pair.figures[path] for pair in pairs]
        shares = [one.off_data for one in figures]
        lines.append(
            f"| {path} | {mean(shares):.2%} | {max(shares):.1%} "
            f"| {mean(one.gap for one in figures):.3f} "
            f"| {mean(one.length for one in figures):.2f} |"
        )
    return "\n".join(lines) + "\n\n"
