"""The export window as a user drives it."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog

from engine import datasets
from engine.shared import noise_tables, trajectory
from engine.shared.config import ScheduleConfig
from engine.shared.trajectory import Trajectory
from toydiff_gui.export.dialog import ExportDialog
from toydiff_gui.export.frames import still_image
from toydiff_gui.modes.points.picture import PointsPicture
from toydiff_gui.modes.points.scene import LaneScene, Scene
from toydiff_gui.state.playback import Playback
from toydiff_gui.state.settings_file import SettingsFile
from toydiff_gui.style import sheet, theme

LEFT = Qt.MouseButton.LeftButton
T = 12


def a_run():
    along = np.linspace(-1.5, 1.5, 30, dtype=np.float32)
    run = Trajectory(list(range(T, -1, -1)))
    for t in run.t:
        x = np.stack([along * 0.2 + 1.5 * (1 - 2 * t / T), along], axis=1).astype(np.float32)
        run = run.with_frame(x, x)
    return run


class Window:
    """What the dialog sees of the main window."""

    def __init__(self):
        lanes = tuple(
            LaneScene(
                key=key,
                number=number,
                title=key.upper(),
                trajectory=a_run(),
                joined=True,
                data=datasets.load("v", 200).points,
                status="done",
            )
            for number, key in enumerate(("ddim", "ddpm"), 1)
        )
        alphas = noise_tables.alphas_cumprod(ScheduleConfig(timesteps=T))
        self.scene = Scene(lanes, T, alphas, "V · linear β")

    def now(self):
        return PointsPicture(self.scene)


@pytest.fixture
def window(qapp):
    sheet.apply(qapp, theme.Theme())
    return Window()


@pytest.fixture
def playback(qapp):
    playback = Playback(T)
    playback.set_reached(0)
    yield playback
    playback.pause()


@pytest.fixture
def settings(tmp_path):
    return SettingsFile(tmp_path / "settings.json")


@pytest.fixture
def open_dialog(qtbot, window, playback, settings):
    def show():
        dialog = ExportDialog(window.now, playback, settings=settings)
        qtbot.addWidget(dialog)
        dialog.show()
        qtbot.waitExposed(dialog)
        return dialog

    return show


@pytest.fixture
def dialog(open_dialog):
    return open_dialog()


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def click(widget):
    QTest.mouseClick(widget, LEFT)


def pick(combo, text):
    """Choose by the keyboard what begins with ``text``."""
    combo.setFocus()
    QTest.keyClick(combo, Qt.Key.Key_Home)
    for _ in range(combo.count()):
        if combo.currentText().startswith(text):
            return
        QTest.keyClick(combo, Qt.Key.Key_Down)
    raise AssertionError(f"{text} is not among the choices")


def write(field, text):
    """Replace what is in a field by ``text``, typed."""
    line = field.box.lineEdit() if hasattr(field, "box") else field
    line.setFocus()
    line.selectAll()
    QTest.keyClicks(line, str(text))
    QTest.keyClick(line, Qt.Key.Key_Tab)


def small(dialog):
    """The smallest size there is, to be quick."""
    pick(dialog.size_choice, "Custom")
    write(dialog.width_field, 160)
    write(dialog.height_field, 96)


def export(dialog, qtbot):
    """Press Export and wait until it is over; returns the message."""
    click(dialog.export)
    qtbot.waitUntil(lambda: not dialog.running)
    return dialog.message.text()


def names(folder):
    return sorted(p.name for p in folder.iterdir())


@pytest.mark.parametrize(
    ("choice", "ending"), [("MP4", ".mp4"), ("GIF", ".gif"), ("Animated", ".apng"), ("Folder", "")]
)
def test_a_film(dialog, qtbot, out, choice, ending):
    pick(dialog.format, choice)
    small(dialog)
    pick(dialog.length, "Every")
    write(dialog.hold, 0)
    write(dialog.path, out / f"film{ending}")
    assert "13 frames" in dialog.summary.text()
    message = export(dialog, qtbot)
    assert message.startswith(f"Written to {out / f'film{ending}'}")
    assert names(out) == [f"film{ending}"]


def test_a_gif_says_its_real_rate(dialog, qtbot, out):
    pick(dialog.format, "GIF")
    small(dialog)
    write(dialog.seconds, 1)
    write(dialog.fps, 30)
    assert "33.33 frames per second" in dialog.summary.text()
    write(dialog.path, out / "film.gif")
    assert "33.33" in export(dialog, qtbot)


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_the_current_frame(dialog, qtbot, out, playback, window, ending):
    playback.set_t(5)
    click(dialog.what.button("frame"))
    pick(dialog.format, ending.upper())
    small(dialog)
    write(dialog.path, out / f"still.{ending}")
    export(dialog, qtbot)
    assert names(out) == [f"still.{ending}"]
    if ending == "png":
        wanted = still_image(window.now(), 5, (160, 96), "dark")
        assert QImage(str(out / "still.png")).convertToFormat(wanted.format()) == wanted
    else:
        assert "<image" not in (out / "still.svg").read_text()


def test_a_light_contact_sheet(dialog, qtbot, out):
    click(dialog.what.button("sheet"))
    pick(dialog.size_choice, "720p")
    pick(dialog.theme_choice, "Light")
    write(dialog.path, out / "sheet.png")
    export(dialog, qtbot)
    with Image.open(out / "sheet.png") as image:
        assert image.size == (1280, 720)
        assert np.array(image.convert("RGB")).mean() > 200


def test_trajectories_of_all_lanes(dialog, qtbot, out):
    click(dialog.what.button("trajectory"))
    write(dialog.path, out / "run.npz")
    export(dialog, qtbot)
    assert names(out) == ["run-ddim.npz", "run-ddpm.npz"]
    assert trajectory.load(out / "run-ddim.npz").t[0] == T


def test_one_lane_and_each_lane(dialog, qtbot, out):
    pick(dialog.format, "GIF")
    small(dialog)
    pick(dialog.length, "Every")
    pick(dialog.lanes, "DDPM")
    write(dialog.path, out / "one.gif")
    export(dialog, qtbot)
    pick(dialog.lanes, "Each")
    write(dialog.path, out / "each.gif")
    export(dialog, qtbot)
    assert names(out) == ["each-ddim.gif", "each-ddpm.gif", "one.gif"]


def test_the_preview_is_what_comes_out(dialog, window, playback):
    playback.set_t(7)
    size = dialog.preview.picture_size((1920, 1080))
    assert size[0] / size[1] == pytest.approx(16 / 9, rel=0.01)
    assert dialog.preview.image == still_image(window.now(), 7, size, "dark")
    pick(dialog.theme_choice, "Light")
    assert dialog.preview.image == still_image(window.now(), 7, size, "light")
    pick(dialog.size_choice, "Square")
    assert dialog.preview.image.width() == dialog.preview.image.height()


def test_the_preview_follows_time_but_not_playing(dialog, window, playback):
    playback.set_t(3)
    shown = dialog.preview.image.copy()
    playback.play()
    playback.set_t(8)
    assert dialog.preview.image == shown
    playback.pause()
    assert dialog.preview.image != shown


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/no/such/folder/film.mp4", "The folder /no/such/folder does not exist"),
        ("film.mp4", "Give the whole path of the file, got film.mp4"),
        ("", "Give the file a name"),
        ("{out}/film.avi", "must end in .mp4, got 'film.avi'"),
        ("{out}", "must end in .mp4"),
    ],
)
def test_what_is_wrong_is_said_in_the_window(dialog, out, path, sentence):
    line = dialog.path
    line.setFocus()
    line.selectAll()
    QTest.keyClick(line, Qt.Key.Key_Delete)
    QTest.keyClicks(line, path.format(out=out))
    click(dialog.export)
    assert sentence.lower() in dialog.message.text().lower()
    assert dialog.message.text().count(".\n") == 0
    assert dialog.message.property("ink") == "error"
    assert not dialog.running
    assert names(out) == []


def test_a_number_out_of_range_is_said_and_the_old_one_is_back(dialog):
    write(dialog.fps, 500)
    assert "between 1 and 120, got 500" in dialog.message.text()
    assert dialog.fps.value == 30


def test_nothing_to_export_yet(dialog, window, out):
    window.scene = replace(window.scene, lanes=())
    write(dialog.path, out / "film.mp4")
    click(dialog.export)
    assert "nothing to export yet" in dialog.message.text()


def test_a_lane_that_is_still_sampled(dialog, window, out):
    lane = window.scene.lanes[0]
    part = Trajectory(lane.trajectory.t, lane.trajectory.x[:4], lane.trajectory.x0[:4])
    running = replace(lane, trajectory=part, status="running")
    window.scene = replace(window.scene, lanes=(running,))
    write(dialog.path, out / "film.mp4")
    click(dialog.export)
    assert "still being sampled" in dialog.message.text()
    assert names(out) == []


def test_an_existing_file_is_replaced_only_when_told_twice(dialog, qtbot, out):
    path = out / "film.gif"
    path.write_bytes(b"older")
    pick(dialog.format, "GIF")
    small(dialog)
    write(dialog.path, path)
    click(dialog.export)
    assert "exists already" in dialog.message.text()
    assert dialog.export.text() == "Replace"
    assert path.read_bytes() == b"older"
    export(dialog, qtbot)
    assert path.read_bytes()[:6] == b"GIF89a"
    assert dialog.export.text() == "Export"


def test_the_file_dialog_has_asked_already(dialog, qtbot, out, monkeypatch):
    path = out / "film.gif"
    path.write_bytes(b"older")
    pick(dialog.format, "GIF")
    small(dialog)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(path), ""))
    click(dialog.choose)
    export(dialog, qtbot)
    assert path.read_bytes()[:6] == b"GIF89a"


def test_the_ending_follows_the_format(dialog, out):
    write(dialog.path, out / "film.mp4")
    pick(dialog.format, "WebM")
    assert dialog.path.text() == str(out / "film.webm")
    pick(dialog.format, "Folder")
    assert dialog.path.text() == str(out / "film")
    click(dialog.what.button("trajectory"))
    assert dialog.path.text() == str(out / "film.npz")


def start_long(dialog, out, qtbot):
    pick(dialog.format, "Folder")
    pick(dialog.size_choice, "720p")
    write(dialog.hold, 60)
    write(dialog.path, out / "frames")
    click(dialog.export)
    assert dialog.running


def test_cancel_leaves_nothing(dialog, out, qtbot):
    start_long(dialog, out, qtbot)
    assert dialog.progress.isVisible()
    assert not dialog.export.isEnabled()
    assert not dialog.format.isEnabled()
    assert dialog.cancel.text() == "Cancel"
    qtbot.waitUntil(lambda: dialog.progress.value() > 0)
    click(dialog.cancel)
    qtbot.waitUntil(lambda: not dialog.running)
    assert "nothing was written" in dialog.message.text()
    assert names(out) == []
    assert dialog.export.isEnabled()
    assert not dialog.progress.isVisible()


def test_closing_stops_the_export(dialog, out, qtbot):
    start_long(dialog, out, qtbot)
    dialog.close()
    assert names(out) == []
    qtbot.waitUntil(lambda: not dialog.running)


def test_the_window_plays_on_during_an_export(dialog, out, qtbot, playback):
    assert not dialog.isModal()
    start_long(dialog, out, qtbot)
    playback.set_loop(True)
    with qtbot.waitSignals([playback.t_changed] * 5):
        playback.play()
    assert dialog.running
    dialog.close()


def test_progress_tells_what_is_left(dialog, qtbot, out):
    pick(dialog.format, "Animated")
    small(dialog)
    pick(dialog.length, "Every")
    write(dialog.path, out / "film.apng")
    said = []
    click(dialog.export)
    dialog._job.progressed.connect(lambda done, total: said.append(dialog.message.text()))
    qtbot.waitUntil(lambda: not dialog.running)
    assert any("of 13 done, about 1 s left" in text for text in said)


def test_the_picture_on_the_clipboard(dialog, window, playback):
    playback.set_t(2)
    click(dialog.what.button("frame"))
    small(dialog)
    click(dialog.copy)
    wanted = still_image(window.now(), 2, (160, 96), "dark")
    held = QGuiApplication.clipboard().image()
    assert held.convertToFormat(wanted.format()) == wanted
    QGuiApplication.clipboard().clear()


def test_choices_are_remembered(open_dialog, out, qtbot):
    dialog = open_dialog()
    pick(dialog.format, "GIF")
    small(dialog)
    write(dialog.fps, 20)
    write(dialog.seconds, 1.5)
    pick(dialog.theme_choice, "Light")
    click(dialog.reverse)
    write(dialog.path, out / "film.gif")
    export(dialog, qtbot)
    dialog.close()
    again = open_dialog()
    assert again.choices == dialog.choices
    assert again.path.text().startswith(str(out))
    assert again.reverse.isChecked()
    assert again.format.currentText() == "GIF"


def test_memories_that_make_no_sense_are_forgotten(open_dialog, settings):
    for name, value in (("what", "opera"), ("fps", "many"), ("preset", "8K"), ("lane", "gone")):
        settings.put(f"export/{name}", value)
    dialog = open_dialog()
    assert dialog.choices.what == "film"
    assert dialog.choices.fps == 30
    assert dialog.choices.lane == ""


def test_every_field_has_a_name(dialog):
    for widget in (
        dialog.format,
        dialog.lanes,
        dialog.size_choice,
        dialog.length,
        dialog.theme_choice,
        dialog.path,
        dialog.preview,
        dialog.progress,
    ):
        assert widget.accessibleName()


def test_a_typed_ending_chooses_the_format(dialog, qtbot, out):
    small(dialog)
    write(dialog.path, out / "film.gif")
    export(dialog, qtbot)
    assert (out / "film.gif").read_bytes()[:4] == b"GIF8"
    assert dialog.choices.format == "gif"
