"""The table of paths as a file."""

from __future__ import annotations

import csv
from pathlib import Path

from toydiff_gui.export.targets import replacing_file
from toydiff_gui.modes.points.settings import COMPARISON, SAMPLING
from toydiff_gui.state import wording
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.store import Store

HEADER = (
    "path",
    "side",
    "start_x",
    "start_y",
    "end_x",
    "end_y",
    "model",
    "steps",
    "off_data",
    "largest_gap",
    "gap_over_median",
    "length",
)


def write_comparison(path: Path, state: Store) -> None:
    """Write what is known of each kind of path to a CSV file, a line for each.

    Coordinates and distances are in standardised units, ``off_data`` is a share in 0..1, empty if
    unknown. Raises ``ExportError``; what was at ``path`` is then still there.
    """
    sampling, comparison = state.get(SAMPLING), state.get(COMPARISON)
    with (
        replacing_file(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        table = csv.writer(file)
        table.writerow(HEADER)
        for kind in wording.PATHS:
            found = comparison.figures.get(kind)
            if found is None:
                continue
            off_data = "" if found.off_data is None else found.off_data
            ends = (*sampling.a, *sampling.b)
            figures = (off_data, found.gap, found.gap_ratio, found.length)
            settings = (kind, sampling.side, *ends, state.get(MODEL).ref, comparison.steps)
            table.writerow([*settings, *figures])
