"""An engine killed while it owes answers of every kind: all of them come again by themselves.

The engine is a process of its own. It is held (suspended) while it is asked, so that everything is
under way for certain when it is killed.
"""

from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import numpy as np
import psutil
import pytest

import toydiff_gui
from engine.datasets.images import image_training
from engine.shared import messages
from engine.shared.config import TrainingConfig
from engine.shared.run_files import CHECKPOINT
from tests.hands.window import settle, wait_until
from tests.hands.workshop import engine_process
from toydiff_gui.app.window import MainWindow
from toydiff_gui.controllers.fetch_home import FetchHome
from toydiff_gui.engine_client.ssh import Address
from toydiff_gui.modes.images.diagnostics import cards as image_cards
from toydiff_gui.modes.images.diagnostics.source import SLOT
from toydiff_gui.modes.images.settings import (
    ATTENTION,
    COSTS,
    IMAGE_CARD,
    IMAGE_DATA,
    IMAGE_INVERSION,
    IMAGE_SAMPLING,
    SLICE,
)
from toydiff_gui.modes.points.compose import LATENT_KEY
from toydiff_gui.modes.points.diagnostics import cards as point_cards
from toydiff_gui.modes.points.overlays import table
from toydiff_gui.modes.points.settings import COMPARISON, INVERSION, SAMPLING, layer_of
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.lanes import LANE_RUNS, LaneSpec, add_lane, update_lane
from toydiff_gui.state.model import MODEL, model_named
from toydiff_gui.state.results import GEODESIC
from toydiff_gui.state.training import TRAINING, TRAINING_CONFIG
from toydiff_gui.state.view import LOOK, VIEW

LANE = "ddim"
OVERLAYS = {row.key for row in table.OVERLAYS if row.computed is not None}

WITHOUT_ANSWER = {
    messages.Deliver,
    messages.Cancel,
    messages.Pause,
    messages.Resume,
    messages.Shutdown,
}
NOT_ASKED_BY_A_WINDOW = {messages.Evaluate}
SAID = {messages.Train, messages.DownloadData}
"""Not begun again unasked: it is said that they have ended."""


@dataclass(frozen=True)
class Owed:
    """An answer that is under way when the engine dies; ``came`` says whether it is here."""

    name: str
    request: type
    came: Callable[[MainWindow], bool]
    slot: str = ""
    """Of the request, as far as its name alone does not tell it from others."""

    def is_asked_by(self, request):
        return isinstance(request, self.request) and request.slot.startswith(self.slot)


def lane_came(key, points):
    def came(window):
        run = window.state.at(LANE_RUNS, key)
        there = run.status == "done" and not run.coarse
        return there and len(run.trajectory.x[-1]) == points

    return came


def status(slot):
    return lambda window: window.state.get(slot).status == "done"


def overlay(kind):
    """The basin map is laid over the latents, any other over a lane."""
    lane = LATENT_KEY if kind == "basin" else LANE
    request = messages.Field if kind in ("field", "difference") else messages.Sample

    def came(window):
        layer = layer_of(window.state, lane, kind)
        waits = any(key.startswith(kind) for key in window.exchange.under_way)
        return layer is not None and not waits and getattr(layer, "values", True)

    return Owed(f"overlay {kind}", request, came, f"{kind} {lane}")


def diagnosis(kind):
    def came(window):
        finding = window.diagnostics.noise_requests.finding(kind)
        return finding is not None and finding.done and not finding.message

    return Owed(f"diagnosis {kind}", messages.Diagnose, came, kind)


# What is asked for together, while the engine is held


def look_at_the_plane(window):
    """Lanes, one of them on a geodesic and one with a model of its own; all overlays; the table."""
    state = window.state
    state.update(SAMPLING, a=(0.5, 1.5), path_points=40, steps=10)
    update_lane(state, "ddim-few", shown=True, path="geodesic", steps=None)
    add_lane(state, LaneSpec("own", checkpoint="moons"))
    on_lane = tuple(sorted(OVERLAYS - {"basin"}))
    state.update(VIEW, lab=True)
    state.update(LOOK, overlays={LANE: on_lane, LATENT_KEY: ("basin",)})


THE_PLANE = (
    Owed("lane on a path", messages.Interpolate, lane_came(LANE, 40), LANE),
    Owed("geodesic", messages.FindPath, status(GEODESIC)),
    Owed("table of paths", messages.ComparePaths, status(COMPARISON)),
    Owed(
        "model of a lane",
        messages.Open,
        lambda window: (
            model_named(window.state, "moons") is not None and lane_came("lane-1", 40)(window)
        ),
        "moons",
    ),
    *(overlay(kind) for kind in sorted(OVERLAYS)),
)


def look_at_the_plots(window):
    """Plots of points, beside lanes of samples."""
    window.state.update(VIEW, page="diagnostics", lab=False)
    window.state.update(LOOK, overlays={})
    window.state.update(SAMPLING, mode="samples", count=70, seed=3)


THE_PLOTS = (
    Owed("lane of samples", messages.Sample, lane_came(LANE, 70), LANE),
    *(diagnosis(kind) for kind in point_cards.EFFORTS),
)


def bring_own_points(window):
    """Own points inverted, a training begun, and another model chosen."""
    path = Path(window.runs._root).parent / "points.csv"
    path.write_text("0,1\n0.5,0.5\n1,0\n")
    window.state.update(VIEW, page="explore")
    window.mode("2d").inversion.invert_file(str(path))
    window.training.train()
    settle()
    window.choose_model("gaussians8")


OWN_POINTS = (
    Owed("own points", messages.Invert, status(INVERSION), "inversion"),
    Owed(
        "model on show",
        messages.Open,
        lambda window: window.state.get(MODEL).ref == "gaussians8",
    ),
    Owed("training", messages.Train, lambda window: window.state.get(TRAINING).status == "failed"),
)


def look_at_the_images(window):
    """Tiles and strips, the slice, an image of one's own, and all that is read of the sets."""
    state, images = window.state, window.mode("images")
    state.update(IMAGE_CARD, face="slice", dot=(0.25, 0.25))
    state.update(IMAGE_SAMPLING, count=5, seed=11)
    settle()
    state.update(IMAGE_SAMPLING, path_images=3)
    images.inversion.invert_image("A", np.full((1, 8, 8), 90, np.uint8), "mine")
    sets = images.image_sets
    state.update(IMAGE_DATA, places={}, browsed=None, browsed_set="", thumbnails={})
    sets.find()
    sets.browse("digits")
    sets.show_on_card("digits")
    sets.fetch("mnist")


def data(window):
    return window.state.get(IMAGE_DATA)


THE_IMAGES = (
    Owed("tiles", messages.Sample, lane_came("samples", 5), "samples"),
    Owed("strip", messages.Interpolate, lane_came(LANE, 3), LANE),
    Owed("slice", messages.Sample, status(SLICE), "slice"),
    Owed("image of one's own", messages.Invert, status(IMAGE_INVERSION)),
    Owed("where the sets are", messages.FindData, lambda window: "mnist" in data(window).places),
    Owed(
        "page of a set",
        messages.BrowseImages,
        lambda window: data(window).browsed is not None,
        "browse",
    ),
    Owed(
        "card of a set",
        messages.BrowseImages,
        lambda window: "digits" in data(window).thumbnails,
        "card digits",
    ),
    Owed(
        "download",
        messages.DownloadData,
        lambda window: not data(window).fetching and "ended" in data(window).message,
    ),
)


def look_into_the_network(window):
    """Attention, of tiles that come once more as well."""
    window.state.update(IMAGE_CARD, face="attention")


INTO_THE_NETWORK = (Owed("attention", messages.Attend, status(ATTENTION)),)


def look_at_the_plots_of_images(window):
    """All plots of images; what networks cost is measured while nobody waits for lanes."""
    window.state.update(IMAGE_CARD, face="picture")
    window.state.update(VIEW, page="diagnostics", diagnostics="network")
    changes = vars(replace(image_training("digits"), batch_size=2))
    window.state.update(TRAINING_CONFIG, **changes)


PLOTS_OF_IMAGES = (
    Owed(
        "cost of a network",
        messages.MeasureCost,
        lambda window: any(
            window.state.at(COSTS, key).parameters for key in window.state.keys(COSTS)
        ),
    ),
    *(diagnosis(kind) for kind in image_cards.EFFORTS),
)


def look_at_the_signal_left(window):
    """What is left of images at T, of another model, for which images of its data are read."""
    window.state.update(VIEW, page="diagnostics", diagnostics="schedule")


SIGNAL_LEFT = (
    Owed(
        "images of the data",
        messages.BrowseImages,
        lambda window: window.diagnostics.mode("images").data() is not None,
        SLOT,
    ),
)

SCENES = {
    "plane": ("2d", look_at_the_plane, THE_PLANE),
    "plots": ("2d", look_at_the_plots, THE_PLOTS),
    "own points": ("2d", bring_own_points, OWN_POINTS),
    "images": ("images", look_at_the_images, THE_IMAGES),
    "network": ("images", look_into_the_network, INTO_THE_NETWORK),
    "plots of images": ("images", look_at_the_plots_of_images, PLOTS_OF_IMAGES),
    "signal left": ("images", look_at_the_signal_left, SIGNAL_LEFT),
}


@pytest.fixture(scope="module")
def window_in(lasting_workshop):
    """A function that gives the window that is in a mode; its engine is a process."""
    windows = {}

    def opened(mode):
        window = lasting_workshop.open()
        windows[mode] = window
        window.state.update(SAMPLING, steps=10, path_points=30)
        window.state.update(IMAGE_SAMPLING, steps=5, count=4, path_images=4)
        wait_until(lambda: window.state.get(ENGINE).status == "ready", "the engine")
        if mode == "images":
            window.choose_model("digits")
        wait_until(lambda: window.modes.mode.key == mode, mode)
        window.playback.pause()
        return window

    def at_rest(mode):
        window = windows.get(mode) or opened(mode)
        wait_until(lambda: window.state.get(ENGINE).status == "ready", "the engine")
        wait_until(lambda: not window.models.is_opening, "the model")
        settle()
        wait_until(lambda: not window.controllers.busy, "rest")
        return window

    return at_rest


@pytest.fixture
def _few_draws(monkeypatch):
    """Plots need not be smooth here."""
    for cards in (point_cards, image_cards):
        few = {kind: replace(effort, count=8, times=4) for kind, effort in cards.EFFORTS.items()}
        monkeypatch.setattr(cards, "EFFORTS", few)


@contextmanager
def held_engine(window):
    """The window's engine, which does nothing from now on, and is dead in the end."""
    process = engine_process(window)
    process.suspend()
    try:
        yield process
    finally:
        with suppress(psutil.NoSuchProcess):
            process.kill()


LONG = {"plane", "images", "plots of images"}


@pytest.mark.usefixtures("_few_draws")
@pytest.mark.parametrize(
    "scene", [pytest.param(one, marks=[pytest.mark.slow] * (one in LONG)) for one in SCENES]
)
def test_what_a_killed_engine_owed_comes_again_by_itself(window_in, scene, monkeypatch):
    mode, ask, owed = SCENES[scene]
    window, sent = window_in(mode), []
    client, send = window.controllers.client, window.link.send

    def note(packet):
        sent.append(packet.message)
        send(packet)

    def missing():
        return [one.name for one in owed if not one.came(window)]

    def not_asked():
        waiting = [message for message in sent if client.is_waiting(message.job)]
        return [one.name for one in owed if not any(map(one.is_asked_by, waiting))]

    monkeypatch.setattr(window.link, "send", note)
    with held_engine(window) as process:
        ask(window)
        with suppress(TimeoutError):
            wait_until(lambda: not not_asked(), "what is asked", 20)
        assert not_asked() == []
        assert missing() == [one.name for one in owed]
        process.kill()
        wait_until(lambda: window.state.get(ENGINE).status == "dead", "the death of the engine")
    settle()
    assert missing() == [one.name for one in owed if one.request not in SAID]
    sent.clear()
    window.controllers.engine.start_again()
    with suppress(TimeoutError):
        wait_until(lambda: not missing(), "what was owed")
    assert missing() == []
    assert not [message for message in sent if type(message) in SAID]


def test_what_is_fetched_from_another_machine_is_fetched_again(desk):
    address = Address("host", "me")
    desk.link.address = address
    folder = desk.runs.new_folder(TrainingConfig())
    desk.runs.mark_away(folder, str(address))
    FetchHome(desk.state, desk.controllers.client, desk.runs, desk.link, desk.controllers)
    desk.link.get_ready()
    (lost,) = desk.heard(messages.Fetch)
    desk.link.die("the connection broke")
    desk.controllers.engine.start_again()
    desk.link.get_ready()
    (again,) = desk.heard(messages.Fetch)
    assert again.message.path == lost.message.path == str(folder)
    (folder / CHECKPOINT).write_bytes(b"weights")  # as the courier does
    desk.link.report(messages.Result(job=again.message.job))
    assert desk.runs.recent() == [str(folder)]


# Nothing is left out


def test_every_kind_of_request_is_among_them():
    owed = {one.request for _, _, answers in SCENES.values() for one in answers}
    apart = {messages.Fetch} | WITHOUT_ANSWER | NOT_ASKED_BY_A_WINDOW
    assert owed | apart == set(get_args(messages.AnyRequest))
    assert not owed & apart
    assert not any(issubclass(kind, messages.Request) for kind in WITHOUT_ANSWER)
    sources = Path(toydiff_gui.__file__).parent.rglob("*.py")
    texts = "".join(path.read_text(encoding="utf-8") for path in sources)
    for kind in NOT_ASKED_BY_A_WINDOW:
        assert f"messages.{kind.__name__}(" not in texts


def test_every_overlay_and_every_diagnosis_is_among_them():
    names = {one.name for _, _, answers in SCENES.values() for one in answers}
    assert {f"overlay {kind}" for kind in OVERLAYS} <= names
    assert {f"diagnosis {kind}" for kind in get_args(messages.DiagnosisKind)} <= names
