"""An overlay that only this file knows: what one adds to have one."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

import engine
from engine.shared import messages
from engine.shared.values import value
from tests.hands.window import lanes_done, settle, wait_until
from toydiff_gui.drawing.cloud import paint_points
from toydiff_gui.drawing.scene_parts import Points
from toydiff_gui.export.frames import pixels, still_image
from toydiff_gui.modes.points.drawing import overlays as drawing
from toydiff_gui.modes.points.drawing.overlays import OverlayPainter
from toydiff_gui.modes.points.overlays import table
from toydiff_gui.modes.points.overlays.computed import Ask, Computed, Overlay, grid
from toydiff_gui.modes.points.settings import SAMPLING, layer_of
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.lanes import LANES, LaneSpec, duplicate_lane
from toydiff_gui.state.view import overlays_of, show_overlay
from toydiff_gui.style import icons
from toydiff_gui.style.theme import DARK

TIMES = (125, 20)


@value
@dataclass(frozen=True)
class CleanLayer:
    """Where the denoiser takes the points of a grid at two times: t to (N, 2)."""

    points: Points
    x0: dict[int, Points]

    def at(self, t):
        nearest = sorted(self.x0, key=lambda known: abs(known - t))[:1]
        return replace(self, x0={known: self.x0[known] for known in nearest})


def asks(subject, sight):
    points = grid(sight.box, 12, 6)

    def collect(layer, message, arrays):
        layer = layer or CleanLayer(points, {})
        if isinstance(message, messages.FieldAt):
            return CleanLayer(points, {**layer.x0, message.t: arrays["x0"]})
        return layer

    request = messages.Field(checkpoint=subject.ref, times=list(TIMES))
    return (Ask(request, {"points": points}, collect),)


def paint_clean(paper, lane, t):
    layer = lane.layers.get("clean")
    for points in layer.at(t).x0.values() if isinstance(layer, CleanLayer) else ():
        colours = (paper.style.palette.error,)
        paint_points(
            paper.painter,
            paper.rect,
            paper.view,
            points,
            diameter=9.0,
            opacity=1.0,
            colours=colours,
            vector=paper.vector,
        )


ROW = Overlay("clean", "Clean grid", "Where a grid goes.", "clean", computed=Computed(asks))


@pytest.fixture
def added(monkeypatch):
    """Returns what takes the overlay away again."""
    monkeypatch.setattr(table, "OVERLAYS", (*table.OVERLAYS, ROW))
    monkeypatch.setattr(
        drawing, "PAINTERS", (*drawing.PAINTERS, OverlayPainter("clean", paint_clean))
    )
    monkeypatch.setitem(icons._SHAPES, "clean", '<circle cx="8" cy="8" r="5"/>')
    return monkeypatch.undo


def opened(workshop):
    window = workshop.open(engine="inline")
    wait_until(lambda: window.state.get(ENGINE).status == "ready", "the engine")
    window.playback.pause()
    return window


def at_rest(window):
    settle()
    wait_until(lambda: lanes_done(window) and not window.controllers.busy, "all of it")


def red(window, t):
    """How much of an exported picture is in the colour of the overlay."""
    image = pixels(still_image(window.current_picture(), t, (600, 400), "dark"))
    colour = np.array([int(DARK.error[at : at + 2], 16) for at in (5, 3, 1)])  # blue first
    return int((np.abs(np.asarray(image)[..., :3].astype(int) - colour).max(axis=-1) < 8).sum())


def test_an_overlay_is_added_by_a_row_a_painter_and_what_it_asks_for(workshop, added):
    window = opened(workshop)
    state = window.state
    state.set(LANES, (LaneSpec("ddim"),))
    state.update(SAMPLING, steps=10)
    at_rest(window)
    bare = {t: red(window, t) for t in TIMES}
    window.mode("2d").sample_dock.overlays.buttons["clean"].click()
    at_rest(window)
    layer = layer_of(state, "ddim", "clean")
    assert list(layer.x0) == list(TIMES)
    checkpoint = engine.load_checkpoint("v")
    for t in TIMES:
        x, times = torch.from_numpy(layer.points), torch.full((len(layer.points),), t)
        alpha_bar = float(checkpoint.schedule.alphas_cumprod[t])
        eps = checkpoint.denoiser.predict_noise(x, times).numpy()
        expected = (layer.points - (1 - alpha_bar) ** 0.5 * eps) / alpha_bar**0.5
        np.testing.assert_allclose(layer.x0[t], expected, atol=1e-3, rtol=1e-3)
        assert red(window, t) > bare[t] + 200
    copy = duplicate_lane(state, "ddim")
    at_rest(window)
    np.testing.assert_array_equal(layer_of(state, copy, "clean").x0[20], layer.x0[20])
    workshop.close(window)

    again = opened(workshop)
    assert overlays_of(again.state, "ddim") == {"clean"}  # remembered
    at_rest(again)
    assert layer_of(again.state, "ddim", "clean") is not None
    assert red(again, 20) > bare[20] + 200
    workshop.close(again)

    added()
    last = opened(workshop)
    assert overlays_of(last.state, "ddim") == set()  # nobody knows it any more
    assert "clean" not in last.mode("2d").sample_dock.overlays.buttons
    show_overlay(last.state, "ddim", "clean", True)
    at_rest(last)
    assert layer_of(last.state, "ddim", "clean") is None
    assert abs(red(last, 20) - bare[20]) < 50
