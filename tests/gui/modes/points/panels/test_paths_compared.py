"""The interpolation laboratory: the table of paths, the search's energy, the hovered point."""

import csv
import math
import stat

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QFileDialog
from scipy import stats

from engine.shared.config import PATHS
from engine.shared.trajectory import Trajectory
from tests.hands.mouse_and_keys import click, key
from tests.hands.window import settle
from toydiff_gui.modes.points.panels.hovered import prior_norms
from toydiff_gui.modes.points.panels.verdict import best_cells, torn, verdict
from toydiff_gui.modes.points.settings import COMPARISON, SAMPLING, Comparison, PathFigures
from toydiff_gui.state.engine import ENGINE, EngineStatus
from toydiff_gui.state.lanes import LANE_RUNS, LaneRun
from toydiff_gui.state.results import GEODESIC, GeodesicRun
from toydiff_gui.state.view import LOOK, MARKED, PINNED, VIEW
from toydiff_gui.style.theme import DARK

FIGURES = {
    "linear": PathFigures(4.3, 0.27, 38.0, 0.006),
    "spherical": PathFigures(5.84, 0.022, 2.0, 0.0),
    "prior-preserving": PathFigures(4.3, 0.27, 38.0, 0.006),
    "norm-guided": PathFigures(5.1, 0.013, 1.4, 0.0),
    "geodesic": PathFigures(5.0, 0.011, 1.1, 0.0),
}


@pytest.fixture
def lab(sample_dock, app_state):
    app_state.set(ENGINE, EngineStatus("ready"))
    app_state.update(VIEW, lab=True)
    settle()
    return sample_dock


def has_colour(image, colour):
    wanted = QColor(colour).rgb()
    return any(
        image.pixel(x, y) == wanted for x in range(image.width()) for y in range(image.height())
    )


# The table


def test_the_table_shows_what_is_known(lab, app_state):
    rows = lab.comparison.rows
    assert list(rows) == list(PATHS)
    assert lab.comparison.verdict.text() == "nothing compared yet"
    app_state.set(COMPARISON, Comparison("running", {"linear": FIGURES["linear"]}, 50))
    assert rows["linear"].cells == ("0.6", "0.27", "4.3")
    assert rows["geodesic"].cells == ("–", "–", "–")
    assert lab.comparison.verdict.text() == "comparing…"
    assert lab.comparison.header.caption.text() == "DDIM · 50 steps · t = 0"
    app_state.set(COMPARISON, Comparison("done", FIGURES, 50))
    assert rows["spherical"].cells == ("0.0", "0.022", "5.8")
    assert rows["linear"].accessibleName() == (
        "Linear: 0.6 % off the data, largest gap 0.27, length 4.3, torn"
    )
    assert "38.0" in rows["linear"].toolTip()


def test_the_best_of_the_paths_without_a_tear_stand_out(lab, app_state):
    rows = lab.comparison.rows
    before = rows["norm-guided"].grab().toImage()
    assert not has_colour(before, DARK.accent)
    app_state.set(COMPARISON, Comparison("done", FIGURES, 50))
    assert {kind: row.best for kind, row in rows.items()} == {
        "linear": set(),  # short, but torn
        "spherical": {0},
        "prior-preserving": set(),
        "norm-guided": {0},
        "geodesic": {0, 1, 2},
        "drawn": set(),
    }
    assert has_colour(rows["norm-guided"].grab().toImage(), DARK.accent)
    assert lab.comparison.verdict.text() == "best of the paths without a tear"
    assert lab.comparison.dot.isVisible()


@pytest.mark.parametrize(
    ("figures", "good"),
    [
        ({"linear": PathFigures(4.0, 0.3, 40.0, 0.0)}, False),  # on the data, not even
        ({"geodesic": PathFigures(4.0, 0.01, 1.2, 0.05)}, False),  # even, not on the data
        ({"linear": PathFigures(4.0, math.nan, math.nan, 0.0)}, False),
        ({"spherical": PathFigures(4.0, 0.01, 1.2, 0.005)}, True),
        ({"spherical": PathFigures(4.0, 0.01, 1.2, None)}, True),
    ],
)
def test_where_every_path_jumps_or_leaves_the_data_it_is_said(lab, app_state, figures, good):
    app_state.set(COMPARISON, Comparison("done", figures, 50))
    said = lab.comparison.verdict.text()
    assert said == (
        "best of the paths without a tear" if good else "no path is both even and on the data here"
    )
    assert lab.comparison.dot.isVisible() == good
    assert verdict(figures, complete=False)[1] == good


def test_values_that_are_written_alike_are_equally_good():
    figures = {
        "linear": PathFigures(5.04, 0.0121, 1.5, 0.0001),
        "spherical": PathFigures(4.96, 0.0119, 1.5, 0.0),
        "geodesic": PathFigures(4.9, 0.3, 9.0, 0.0),
    }
    assert torn(figures["geodesic"])
    expected = {(kind, column) for kind in ("linear", "spherical") for column in (0, 1, 2)}
    assert best_cells(figures) == expected


def test_a_row_chooses_its_path(lab, app_state):
    rows = lab.comparison.rows
    assert rows["linear"].isChecked()
    click(rows["norm-guided"])
    assert app_state.get(SAMPLING).path == "norm-guided"
    assert lab.path.kind.current == "norm-guided"
    image = rows["norm-guided"].grab().toImage()
    assert image.pixelColor(image.width() - 3, image.height() // 2) == QColor(DARK.selected)
    app_state.update(SAMPLING, path="spherical")
    assert rows["spherical"].isChecked()
    rows["spherical"].setFocus()
    key(rows["spherical"], Qt.Key.Key_Down)
    assert app_state.get(SAMPLING).path == "prior-preserving"
    rows["linear"].setFocus()
    key(rows["linear"], Qt.Key.Key_Return)
    assert app_state.get(SAMPLING).path == "linear"


def test_a_comparison_that_failed_says_why(lab, app_state):
    app_state.set(COMPARISON, Comparison("failed", message="The engine ran out of memory."))
    assert lab.comparison.verdict.text() == "The engine ran out of memory."


# The table as a file


def save_as(monkeypatch, path):
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args, **kw: (str(path), ""))


def test_the_comparison_is_written_as_csv(lab, app_state, monkeypatch, tmp_path, said):
    assert not lab.export_button.isEnabled()
    assert lab.export_button.toolTip() == "No path has been compared yet"
    figures = FIGURES | {"drawn": PathFigures(1 / 3, 0.1, 2.5, None)}
    app_state.update(SAMPLING, a=(-2.0, 0.0), b=(2.0, 0.125), side="right")
    app_state.set(COMPARISON, Comparison("done", figures, 50))
    save_as(monkeypatch, tmp_path / "Pfade ä")
    click(lab.export_button)
    with (tmp_path / "Pfade ä.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["path"] for row in rows] == list(PATHS)
    for row in rows:
        known = figures[row["path"]]
        assert float(row["length"]) == known.length
        assert float(row["largest_gap"]) == known.gap
        assert float(row["gap_over_median"]) == known.gap_ratio
        assert row["off_data"] == ("" if known.off_data is None else str(known.off_data))
        assert (row["side"], row["steps"], row["model"]) == ("right", "50", "v")
        ends = [float(row[name]) for name in ("start_x", "start_y", "end_x", "end_y")]
        assert ends == [-2.0, 0.0, 2.0, 0.125]
    assert said == [(f"The comparison is in {tmp_path / 'Pfade ä.csv'}.", False)]
    assert [path.name for path in tmp_path.iterdir()] == ["Pfade ä.csv"]


def test_what_cannot_be_written_leaves_what_was_there(lab, app_state, monkeypatch, tmp_path, said):
    app_state.set(COMPARISON, Comparison("done", FIGURES, 50))
    save_as(monkeypatch, "")
    click(lab.export_button)
    assert said == []
    folder = tmp_path / "missing"
    save_as(monkeypatch, folder / "paths.csv")
    click(lab.export_button)
    text, error = said[-1]
    assert error
    assert str(folder) in text
    assert "does not exist" in text
    taken = tmp_path / "taken.csv"
    taken.mkdir()
    save_as(monkeypatch, taken)
    click(lab.export_button)
    assert "it is a folder" in said[-1][0]
    assert stat.S_ISDIR(taken.stat().st_mode)


# The search


def test_the_energy_is_a_falling_curve(lab, app_state):
    plot = lab.geodesic.plot
    empty = plot.grab().toImage()
    assert not has_colour(empty, DARK.accent)
    energies = tuple(36.0 * 0.97**step + 10 for step in range(40))
    app_state.set(GEODESIC, GeodesicRun("searching", 40, 80, energies, 1.5, 6))
    assert lab.geodesic.header.caption.text() == "step 40 of 80"
    assert plot.accessibleDescription() == "energy 46 → 21"
    image = plot.grab().toImage()
    accent = QColor(DARK.accent).rgb()
    places = [
        (x, y)
        for x in range(image.width())
        for y in range(image.height())
        if image.pixel(x, y) == accent
    ]
    # Half of the steps are done, and so is half of the way; the dot is its lowest place.
    assert max(x for x, _ in places) == pytest.approx(image.width() / 2, abs=8)
    left = min(y for x, y in places if x < 20)
    right = max(y for x, y in places if x > image.width() / 2 - 12)
    assert left < image.height() / 3 < 2 * image.height() / 3 < right
    app_state.set(GEODESIC, GeodesicRun("done", 80, 80, energies, 3.2, 6))
    assert lab.geodesic.header.caption.text() == "6 coefficients · 3.2 s"
    image = plot.grab().toImage()
    assert has_colour(image.copy(image.width() - 16, 0, 16, image.height()), DARK.accent)


def test_the_search_is_stopped_and_begun_again(qtbot, lab, app_state):
    app_state.set(GEODESIC, GeodesicRun("searching", 1, 80, (36.0,), 0.1, 6))
    with qtbot.waitSignal(lab.stop_search_requested):
        click(lab.geodesic.button)
    app_state.set(GEODESIC, GeodesicRun("stopped", 1, 80, (36.0,), 0.1, 6))
    with qtbot.waitSignal(lab.search_again_requested):
        click(lab.geodesic.button)
    app_state.set(GEODESIC, GeodesicRun("failed", message="There is no denoiser."))
    assert lab.geodesic.message.text() == "There is no denoiser."


# The hovered point


def test_the_priors_range_is_the_chis():
    for dimension in (1, 2, 3, 784):
        expected = stats.chi(dimension).ppf([0.025, 0.975])
        np.testing.assert_allclose(prior_norms(dimension), expected, rtol=1e-9)


def give_runs(state):
    start = np.stack([np.linspace(-2, 2, 101), np.zeros(101)], axis=1).astype(np.float32)
    for key_, factor in (("ddpm", 0.25), ("ddim", -0.5)):
        run = Trajectory([250, 125, 0], [start, start, factor * start], [start] * 3)
        state.put(LANE_RUNS, key_, LaneRun(trajectory=run, status="done"))


def test_the_point_that_is_looked_at_is_told_in_numbers(lab, app_state):
    section, values = lab.hovered, lab.hovered.values
    give_runs(app_state)
    assert section.hint.isVisible()
    app_state.set(MARKED, 25)
    settle()
    assert section.header.title.text() == "Hovered position"
    assert section.header.caption.text() == "u = 0.25"
    assert values["latent"].text() == "(−1, 0)"
    low, high = stats.chi(2).ppf([0.025, 0.975])
    assert values["norm"].text() == f"1.00, prior {low:.2f}–{high:.2f}"
    assert values["lands on"].text() == "(0.5, 0)"
    assert not section.hint.isVisible()
    app_state.update(LOOK, selected_lane="ddpm")
    assert values["lands on"].text() == "(−0.25, 0)"
    app_state.set(PINNED, 100)
    assert section.header.caption.text() == "u = 0.25"  # what is looked at goes before
    app_state.set(MARKED, None)
    assert section.header.title.text() == "Pinned position"
    assert values["latent"].text() == "(2, 0)"
    app_state.set(PINNED, 101)  # there is no such point
    assert section.hint.isVisible()


def test_where_it_lands_is_not_known_before_it_has(lab, app_state):
    start = np.ones((11, 2), np.float32)
    app_state.put(LANE_RUNS, "ddim", LaneRun(trajectory=Trajectory([250, 0], [start], [start])))
    app_state.set(MARKED, 3)
    assert lab.hovered.values["latent"].text() == "(1, 1)"
    assert lab.hovered.values["lands on"].text() == "–"


def test_what_was_marked_out_of_sight_is_shown_later(sample_dock, app_state):
    give_runs(app_state)
    app_state.set(MARKED, 50)
    app_state.update(VIEW, lab=True)
    settle()
    assert sample_dock.hovered.values["latent"].text() == "(0, 0)"


def test_tab_reaches_all_of_the_laboratory(lab, app_state):
    app_state.set(COMPARISON, Comparison("done", FIGURES, 50))
    lab.face.button("paths").setFocus()
    seen = set()
    for _ in range(40):
        seen.add(QApplication.focusWidget())
        key(QApplication.focusWidget(), Qt.Key.Key_Tab)
    assert {
        lab.comparison.rows["linear"],
        lab.geodesic.button,
        lab.export_button,
        lab.path.count_box,
        lab.path.even,
        lab.hide_button,
    } <= seen
