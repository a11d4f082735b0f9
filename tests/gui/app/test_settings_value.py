"""All settings are one value, and nothing else is needed to come to the same canvas."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest

from tests.hands.answering_engine import AnsweringEngine
from tests.hands.window import run_for, settle, wait_until
from tests.hands.workshop import Workshop
from toydiff_gui.app import window as main_window
from toydiff_gui.modes.images import costs
from toydiff_gui.modes.images.endpoints import place_tile
from toydiff_gui.modes.images.settings import IMAGE_CARD, IMAGE_INVERSION, IMAGE_SAMPLING
from toydiff_gui.modes.points.canvas.picking import pick
from toydiff_gui.modes.points.overlays import table
from toydiff_gui.modes.points.settings import INVERSION, SAMPLING
from toydiff_gui.state import bundled
from toydiff_gui.state.lanes import (
    LANES,
    LaneSpec,
    add_lane,
    duplicate_lane,
    remove_lane,
    update_lane,
)
from toydiff_gui.state.results import GEODESIC, SEARCH_SEED
from toydiff_gui.state.store import Settings
from toydiff_gui.state.view import LOOK, PINNED, show_overlay


@pytest.fixture(scope="module", autouse=True)
def answering():
    """Windows get an engine that answers; all models that might be bundled are."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bundled, "_is_there", lambda name: True)
        patch.setattr(main_window, "EngineLink", AnsweringEngine)
        patch.setattr(costs, "PAUSE_MS", 0)
        yield


@pytest.fixture(scope="module")
def window(lasting_workshop):
    """It goes from one state to the next, and takes all that it remembers with it."""
    return begin(lasting_workshop)


@pytest.fixture
def elsewhere(window, tmp_path):
    """Where a window has nothing in common with the other, no settings and no answers."""
    workshop = Workshop(tmp_path / "leer")
    yield workshop
    for each in list(workshop.made):
        workshop.close(each)


def begin(workshop):
    window = workshop.open(size=(1100, 700))
    window.link.get_ready()
    come_to_rest(window)
    return window


def come_to_rest(window):
    def rests():
        window.link.answer_all()
        return not window.controllers.busy and not window.models.is_opening

    wait_until(rests, "all answers", 10)
    settle()


def content(thing):
    """All that a value holds, arrays by what is in them."""
    match thing:
        case np.ndarray():
            return (thing.shape, thing.dtype.str, thing.tobytes())
        case tuple() | list():
            return tuple(content(each) for each in thing)
        case Mapping():
            return {getattr(key, "name", key): content(each) for key, each in thing.items()}
        case _ if is_dataclass(thing):
            return {each.name: content(getattr(thing, each.name)) for each in fields(thing)}
    return thing


def differences(one, other, where=""):
    """The names of what differs, since the contents themselves are long."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return [each for key in one for each in differences(one[key], other[key], f"{where}.{key}")]
    if isinstance(one, tuple) and isinstance(other, tuple) and len(one) == len(other):
        pairs = enumerate(zip(one, other, strict=True))
        return [each for i, pair in pairs for each in differences(*pair, f"{where}[{i}]")]
    return [] if one == other else [where]


def seen(window, t=100):
    """The settings, the scene, and the pixels of the canvas at a time."""
    window.playback.pause()
    window.playback.set_t(t)
    come_to_rest(window)
    scene = window.shown.scene()
    assert scene.reached() == 0
    run_for(0.02)
    image = window.shown.page.grab().toImage()
    pixels = (image.width(), image.height(), bytes(image.constBits()))
    return content({"settings": window.state.settings, "scene": scene, "pixels": pixels})


# States


def follow_a_drawn_path(window):
    through = ((0.5, -1.25), (1.0, 1.5))
    window.state.update(SAMPLING, path="drawn", through=through, path_points=70, seed=9)


def lanes_of_all_kinds(window):
    state = window.state
    state.update(SAMPLING, steps=20, eta=0.5, even=True, a=(0.25, 1.5))
    copy = duplicate_lane(state, "ddim")
    update_lane(state, copy, checkpoint="moons", steps=7, seed=3, eta=0.75, path="spherical")
    add_lane(state, LaneSpec("", "Mine", sampler="heun", steps=5, exact=True), after="ddpm")
    remove_lane(state, "ddpm-shared")
    update_lane(state, "ddpm", shown=False)


def draw_samples(window):
    window.state.update(SAMPLING, mode="samples", count=60, seed=77, steps=10)


def lay_over(window):
    for key in table.keys(over_latents=False):
        show_overlay(window.state, "ddim", key, True)
    for key in table.keys(over_latents=True):
        show_overlay(window.state, "latent", key, True)
    show_overlay(window.state, "ddpm", "preview", True)


def look_at_a_lane_and_a_point(window):
    window.state.set(PINNED, 7)
    window.state.update(LOOK, selected_lane="ddpm", maximised_lane="ddpm")


def select_a_lane_with_another_path(window):
    update_lane(window.state, "ddpm", path="spherical")
    window.state.update(LOOK, selected_lane="ddpm")


def invert_a_file(window):
    with TemporaryDirectory() as folder:
        file = Path(folder) / "Punkte ä.npy"
        np.save(file, np.float32([[0.5, -0.5], [1.0, 0.25], [-0.75, 1.5]]))
        window.mode("2d").inversion.invert_file(str(file))
        come_to_rest(window)
    assert window.state.get(SAMPLING).mode == "inverted"


def pick_a_point(window):
    window.mode("2d").inversion.pick_points()
    pick(window.state, window.shown.scene().lane("ddim"), -1.0, 0.5)


def pick_two_points(window):
    pick_a_point(window)
    pick(window.state, window.shown.scene().lane("ddim"), 1.0, 0.5)
    come_to_rest(window)
    assert window.state.get(INVERSION).status == "done"


def invert_a_file_by_two_models(window):
    invert_a_file(window)
    window.models.open("moons")


def search_again(window):
    update_lane(window.state, "ddim", path="geodesic")
    for _ in range(2):
        come_to_rest(window)
        window.geodesic.search_again()
    come_to_rest(window)
    assert window.state.get(SEARCH_SEED).seed == 2
    assert window.state.get(GEODESIC).status == "done"


def open_another_model(window):
    window.models.open("moons")
    come_to_rest(window)
    window.state.update(SAMPLING, b=(2.0, -1.0))


def to_images(window, ref="mnist"):
    window.models.open(ref)
    come_to_rest(window)
    window.state.update(IMAGE_SAMPLING, count=16, steps=10)
    come_to_rest(window)


def take_tiles_of_several_seeds(window):
    to_images(window)
    place_tile(window.state, 3, "A")
    window.state.update(IMAGE_SAMPLING, seed=11)
    come_to_rest(window)
    place_tile(window.state, 5, "B")
    window.state.update(IMAGE_SAMPLING, seed=12, sampler="heun")
    come_to_rest(window)
    place_tile(window.state, 7, "C")
    window.state.update(IMAGE_SAMPLING, path="drawn", path_images=6, even=True)


def ask_for_classes(window):
    to_images(window)
    window.state.update(IMAGE_SAMPLING, tile_class="each", guidance=2.5, tile_classes=((2, 7),))
    come_to_rest(window)
    place_tile(window.state, 2, "A")


def hold_the_noise(window):
    ask_for_classes(window)
    window.state.update(IMAGE_SAMPLING, fixed_noise=True, class_a=1, class_b=4)


def invert_images(window):
    to_images(window)
    for mark, shade in (("A", 40), ("C", 90)):
        pixels = (np.arange(784) * shade % 256).astype(np.uint8).reshape(1, 28, 28)
        window.mode("images").inversion.invert_image(mark, pixels, f"{mark}.png")
    come_to_rest(window)
    assert window.state.get(IMAGE_INVERSION).status == "done"


def invert_an_image_by_two_models(window):
    invert_images(window)
    window.models.open("fashion")


def strips_of_all_kinds(window):
    to_images(window)
    state = window.state
    copy = duplicate_lane(state, "ddim")
    update_lane(state, copy, checkpoint="fashion", steps=7, seed=3, path="spherical")
    update_lane(state, "ddpm", path="geodesic", eta=0.5)
    show_overlay(state, copy, "preview", True)
    state.update(LOOK, selected_lane=copy)
    state.set(PINNED, 2)
    come_to_rest(window)
    window.geodesic.search_again()


def look_at_a_slice(window):
    to_images(window)
    for face in ("attention", "slice"):
        window.shown.page.face.faces.button(face).click()
        come_to_rest(window)
    window.state.update(IMAGE_CARD, dot=(0.25, 0.75), preview=True)


def look_at_attention(window):
    to_images(window)
    window.state.update(
        IMAGE_CARD, face="attention", layer="up", head=1, query=(1, 2), pinned_tile=4
    )


def smaller_images(window):
    to_images(window)
    to_images(window, "digits")
    window.state.set(LANES, (LaneSpec("one", sampler="heun", steps=4),))
    window.state.update(LOOK, selected_lane="one", maximised_lane="one")
    place_tile(window.state, 9, "A")


STATES = [
    follow_a_drawn_path,
    lanes_of_all_kinds,
    draw_samples,
    lay_over,
    look_at_a_lane_and_a_point,
    select_a_lane_with_another_path,
    invert_a_file,
    pick_a_point,
    pick_two_points,
    invert_a_file_by_two_models,
    search_again,
    open_another_model,
    take_tiles_of_several_seeds,
    ask_for_classes,
    hold_the_noise,
    invert_images,
    invert_an_image_by_two_models,
    strips_of_all_kinds,
    look_at_a_slice,
    look_at_attention,
    smaller_images,
]


@pytest.mark.parametrize("come_to", STATES, ids=lambda state: state.__name__)
def test_the_settings_of_a_window_show_the_same_elsewhere_and_there_again(
    window, elsewhere, come_to
):
    window.state.apply(Settings())
    first, first_seen = window.state.settings, seen(window)
    come_to(window)
    come_to_rest(window)
    kept, expected = window.state.settings, seen(window)
    assert differences(expected, first_seen)
    window.state.apply(first)  # as an undo does
    assert differences(first_seen, seen(window)) == []
    window.state.apply(kept)
    assert differences(expected, seen(window)) == []
    other = begin(elsewhere)
    other.state.apply(kept)
    assert differences(expected, seen(other)) == []
