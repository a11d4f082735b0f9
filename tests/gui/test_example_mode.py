"""A mode that only the tests know, installed by one line: the window shows it as any other."""

import numpy as np
import pytest
from PySide6.QtGui import QImage, QImageReader

import engine
from engine.diffusion.samplers import DDIM
from tests.gui.example_mode.mode import MODE
from tests.gui.example_mode.picture import EDGE, KEY
from tests.gui.example_mode.settings import BARS
from tests.hands import random_actions
from tests.hands.monkey import Monkey
from tests.hands.mouse_and_keys import click
from tests.hands.window import settle, wait_until
from tests.hands.workshop import engine_process
from toydiff_gui.app import installed_modes
from toydiff_gui.export.frames import pixels, still_image
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.lanes import LANE_RUNS
from toydiff_gui.state.model import MODEL
from toydiff_gui.style.theme import DARK


@pytest.fixture(autouse=True)
def _installed(monkeypatch):
    monkeypatch.setattr(installed_modes, "MODES", (*installed_modes.MODES, MODE))


def opened(workshop, **options):
    """A window with its engine ready, in the mode that it opens with."""
    window = workshop.open(**{"engine": "inline"} | options)
    wait_until(lambda: window.state.get(ENGINE).status == "ready", "the engine")
    wait_until(lambda: not window.models.is_opening, "the model")
    window.playback.pause()
    return window


def choose(window, key):
    click(window.toolbar.mode.button(key))
    wait_until(lambda: window.modes.mode.key == key, f"mode {key}")


def at_rest(window):
    settle()
    wait_until(lambda: run_of(window).status == "done" and not window.exchange.busy, "samples")
    settle()


def run_of(window):
    return window.state.at(LANE_RUNS, KEY)


def shown(workshop, **options):
    """A window that shows the histogram, all of it."""
    window = opened(workshop, **options)
    choose(window, "1d")
    at_rest(window)
    return window


def expected(ref="v", axis=0, bars=24, count=400):
    """Heights of the bars at each t, sampled without a window."""
    checkpoint = engine.load_checkpoint(ref)
    latents = engine.draw_latents(0, count, (2,))
    frames = engine.sample(checkpoint.denoiser, checkpoint.schedule, latents, sampler=DDIM(25))
    return {
        frame.t: np.histogram(frame.x[:, axis].numpy(), bars, (-EDGE, EDGE))[0] for frame in frames
    }


def accent(image):
    """Which of an image's pixels are in the colour of the bars."""
    colour = [int(DARK.accent[at : at + 2], 16) for at in (5, 3, 1)]  # blue first
    picture = pixels(image.convertToFormat(QImage.Format.Format_RGB32))[..., :3].astype(int)
    return np.abs(picture - colour).max(axis=-1) < 8


def export(window, path, what, **choices):
    window.show_export()
    dialog = window._export
    click(dialog.what.button(what))
    dialog._update(preset="custom", width=160, height=120, theme="dark", **choices)
    dialog.path.setText(str(path))
    dialog.path.textEdited.emit(str(path))
    click(dialog.export)
    wait_until(lambda: not dialog.running, "the export")
    assert path.is_file(), dialog.message.text()


def test_it_is_in_the_switch_and_shows_what_the_engine_samples(workshop):
    window = opened(workshop)
    assert window.modes.mode.key == "2d"
    assert window.toolbar.mode.button("1d").text() == "1D"
    choose(window, "1d")
    assert window.state.get(MODEL).ref == "v"  # the same model, seen otherwise
    assert window.pages.currentWidget() is window.mode("1d").page
    at_rest(window)
    for t, heights in expected().items():
        np.testing.assert_allclose(window.current_scene().heights(t), heights, atol=1)
    choose(window, "images")
    assert window.pages.currentWidget() is window.mode("images").page
    choose(window, "1d")
    assert window.state.get(MODEL).ref == "v"
    choose(window, "2d")
    assert window.pages.currentWidget() is window.mode("2d").page
    window.choose_model("moons")
    wait_until(lambda: window.state.get(MODEL).ref == "moons", "the model")
    assert window.modes.mode.key == "2d"
    choose(window, "1d")
    at_rest(window)
    heights = expected("moons")[0]
    np.testing.assert_allclose(window.current_scene().heights(0), heights, atol=1)


def test_it_plays_and_scrubs(workshop):
    window = shown(workshop)
    page, seen = window.mode("1d").page, []
    window.playback.to_noise()
    window.playback.t_changed.connect(lambda t: seen.append(page.t))
    click(window.timeline.transport.play)
    wait_until(lambda: not window.playback.playing, "the end")
    assert seen[-1] == page.t == 0
    assert len(seen) > 20
    assert seen == sorted(seen, reverse=True)
    track = window.timeline.track
    click(track)
    assert 0 < page.t == window.playback.t < 250
    settle()
    before = page.grab().toImage()
    window.playback.to_data()
    settle()
    assert (accent(before) != accent(page.grab().toImage())).any()


def test_it_exports_film_still_and_numbers(workshop):
    window = shown(workshop)
    window.playback.set_t(120)
    still = workshop.folder / "still.png"
    export(window, still, "frame", still_format="png")
    wanted = still_image(window.current_picture(), 120, (160, 120), "dark")
    assert (accent(QImage(str(still))) == accent(wanted)).all()
    assert accent(wanted).any()
    sheet = workshop.folder / "sheet.png"
    export(window, sheet, "sheet", still_format="png")
    assert accent(QImage(str(sheet))).any()
    film = workshop.folder / "film.gif"
    export(window, film, "film", film_format="gif", seconds=0.5, hold=0.0, fps=20.0)
    reader = QImageReader(str(film))
    frames = [reader.read() for _ in range(reader.imageCount())]
    assert len(frames) == 10
    assert (accent(frames[0]) != accent(frames[-1])).any()
    numbers = workshop.folder / "numbers.npz"
    export(window, numbers, "trajectory")
    with np.load(numbers) as content:
        np.testing.assert_array_equal(content["x"], np.stack(run_of(window).trajectory.x))


def test_mode_and_settings_come_back_after_a_restart(workshop, monkeypatch):
    window = shown(workshop)
    window.state.update(BARS, axis=1, bars=9, count=100)
    at_rest(window)
    workshop.close(window)

    again = opened(workshop)
    assert again.modes.mode.key == "1d"
    at_rest(again)
    heights = expected(axis=1, bars=9, count=100)[0]
    np.testing.assert_allclose(again.current_scene().heights(0), heights, atol=1)
    workshop.close(again)

    monkeypatch.undo()
    last = opened(workshop)
    assert last.modes.mode.key == "2d"  # nobody knows the other any more
    assert "1d" not in last.toolbar.mode._segments


def test_it_comes_back_when_the_engine_has_died(workshop):
    window = shown(workshop, engine="process")
    complete = run_of(window)
    window.state.update(BARS, count=10_000, steps=250)
    wait_until(lambda: run_of(window).status == "running", "the first frames")
    engine_process(window).kill()
    wait_until(lambda: window.state.get(ENGINE).status == "dead", "the death of the engine")
    settle()
    assert run_of(window) != complete
    window.controllers.engine.start_again()
    wait_until(lambda: window.state.get(ENGINE).status == "ready", "the engine")
    at_rest(window)
    assert run_of(window).trajectory.x[-1].shape == (10_000, 2)


class HistogramMonkey(Monkey):
    """Hands on the bars: it has neither lanes nor docks of its own."""

    MODE, HOME, MODELS = "1d", "v", ("v", "gaussians8", "moons")

    def _shown(self):
        return [KEY]

    def _is_complete(self):
        return run_of(self.main).status == "done" and not self.main.controllers.busy

    def set_the_bars(self):
        dice = self.dice
        self.main.state.update(BARS, axis=dice.randrange(2), bars=dice.randint(1, 60))

    def draw_other_samples(self):
        self.main.state.update(
            BARS, count=self.dice.randint(1, 2000), steps=self.dice.choice((1, 25))
        )

    def click_on_the_bars(self):
        click(self.main.mode("1d").page)


@pytest.mark.parametrize("actions", [50, pytest.param(200, marks=pytest.mark.slow)])
def test_random_actions_leave_nothing_behind(qapp, monkeypatch, actions):
    monkeypatch.setitem(random_actions.MONKEYS, "1d", HistogramMonkey)
    report = random_actions.run(actions, seed=7, mode="1d")
    assert report.troubles == []
    assert report.actions == sum(report.done.values()) == actions
    assert {"set the bars", "kill the engine", "look into the other mode"} <= set(report.done)
