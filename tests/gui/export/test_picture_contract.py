"""Whatever fulfils the contract of a picture can be exported; nothing else is asked of it."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor

from engine.shared.trajectory import Trajectory, load
from tests.hands.image_scenes import image_scene
from toydiff_gui.export.choices import EACH, ExportChoices, work_of
from toydiff_gui.export.control import Control
from toydiff_gui.export.dialog import ExportDialog
from toydiff_gui.export.errors import ExportError
from toydiff_gui.export.film import render_film
from toydiff_gui.export.picture_contract import Part, SheetCell, check_complete, only
from toydiff_gui.export.spec import FilmSpec
from toydiff_gui.export.stills import save_contact_sheet, save_still
from toydiff_gui.export.trajectory_file import save_trajectories
from toydiff_gui.modes.images.picture import ImagesPicture
from toydiff_gui.modes.points.picture import PointsPicture
from toydiff_gui.modes.points.scene import LaneScene, Scene
from toydiff_gui.state.playback import Playback
from toydiff_gui.state.settings_file import SettingsFile

T = 10
SIZE = (96, 64)
EXPORT = Path(__file__).resolve().parents[3] / "toydiff_gui" / "export"

pytestmark = pytest.mark.usefixtures("qapp")


def grey_at(t):
    return round(20 * t)


@dataclass(frozen=True)
class Greys:
    """A picture of one number: all of it is grey, the lighter the larger t."""

    trajectory: Trajectory
    keys: tuple[str, ...] = ("left", "right")
    title: str = "Greys"
    timesteps: int = T

    def reached(self):
        return self.trajectory.reached

    def parts(self):
        return [Part(key, key.title(), self.trajectory) for key in self.keys]

    def only(self, key):
        return replace(self, keys=(key,))

    def cache(self):
        return None

    def paint(self, painter, rect, t, style, *, vector=False, cache=None):
        painter.fillRect(rect, QColor(*[grey_at(t)] * 3))

    def sheet(self, times, area, style, caption, gap):
        wide = (area.width() - gap * (len(times) - 1)) / len(times)

        def cell(column, t):
            left = area.left() + column * (wide + gap)
            place = QRectF(left, area.top(), wide, area.height())
            fill = partial(self.paint, t=t, style=style)
            return SheetCell("Grey", t, place, lambda painter, rect, vector: fill(painter, rect))

        return [cell(column, t) for column, t in enumerate(times)]


@pytest.fixture
def greys():
    states = [np.full((3, 1), t, np.float32) for t in (10, 5, 0)]
    return Greys(Trajectory([10, 5, 0], states, states))


def opened(path):
    with Image.open(path) as image:
        return np.array(image.convert("RGB"))


def test_stills_sheets_and_films_are_painted_by_the_picture(greys, tmp_path):
    save_still(greys, 7, tmp_path / "a.png", SIZE)
    assert (opened(tmp_path / "a.png") == grey_at(7)).all()
    render_film(FilmSpec(greys, size=SIZE, format="png", hold=0), tmp_path / "film")
    shown = [opened(path)[0, 0, 0] for path in sorted((tmp_path / "film").iterdir())]
    assert shown == [grey_at(t) for t in range(T, -1, -1)]
    save_contact_sheet(greys, tmp_path / "sheet.png", (800, 400))
    middle = opened(tmp_path / "sheet.png")[300]
    for t in (10, 7, 3, 0):
        assert (middle == grey_at(t)).all(axis=1).sum() > 150


def test_its_parts_are_offered_and_saved(greys, tmp_path, qtbot):
    settings = SettingsFile(tmp_path / "settings.json")
    dialog = ExportDialog(lambda: greys, Playback(T), settings=settings)
    qtbot.addWidget(dialog)
    assert [dialog.lanes.itemText(n) for n in range(4)] == [
        "All lanes",
        "Left",
        "Right",
        "Each lane, a file each",
    ]
    written = save_trajectories(greys, tmp_path / "run.npz")
    assert [path.name for path in written] == ["run-left.npz", "run-right.npz"]
    assert load(written[1]).t == (10, 5, 0)
    choices = ExportChoices("frame", still_format="png", lane=EACH, preset="custom")
    work_of(replace(choices, width=96, height=64), greys, 3, tmp_path / "b.png")(Control())
    assert (opened(tmp_path / "b-right.png") == grey_at(3)).all()


def test_what_has_not_arrived_is_told_by_the_parts(greys):
    begun = replace(greys, trajectory=Trajectory([10, 5, 0], greys.trajectory.x[:1]))
    with pytest.raises(ExportError, match="'Left' is still being sampled"):
        check_complete(begun)
    with pytest.raises(ExportError, match="no lane 'top'; lanes: left, right"):
        only(greys, "top")

    class Waiting(Greys):
        def parts(self):
            return [replace(part, unfinished="it sleeps") for part in super().parts()]

    class Jumping(Greys):
        def parts(self):
            return [replace(part, jumps="it jumps") for part in super().parts()]

    with pytest.raises(ExportError, match="it sleeps"):
        check_complete(Waiting(greys.trajectory), every_time=False)
    check_complete(Jumping(greys.trajectory), every_time=False)
    with pytest.raises(ExportError, match="it jumps"):
        check_complete(Jumping(greys.trajectory))


def test_each_mode_says_what_its_picture_is_of(greys):
    run = greys.trajectory
    lanes = (LaneScene("a", 1, "A", trajectory=run), LaneScene("latent", 2, "B", kind="latent"))
    points = PointsPicture(Scene(lanes, T, title="points"))
    assert (points.title, points.timesteps, points.reached()) == ("points", T, 0)
    assert points.only("a").scene.lanes == lanes[:1]
    images = ImagesPicture(image_scene(count=4, path=3, steps=5))
    assert (images.title, images.timesteps) == (images.scene.title, 250)
    assert images.reached() == 0
    assert points == PointsPicture(Scene(lanes, T, points.scene.alphas_cumprod, "points"))


def test_the_export_knows_no_mode():
    for path in sorted(EXPORT.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = (
                [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else []
            )
            for name in names:
                assert "images" not in name.split("."), f"{path.name} imports {name}"
                assert "points" not in name.split("."), f"{path.name} imports {name}"
                known = (
                    "toydiff_gui.modes.points.scene",
                    "toydiff_gui.modes.images.scene",
                    "toydiff_gui.modes",
                )
                assert not name.startswith(known), f"{path.name} imports {name}"
