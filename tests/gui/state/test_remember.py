"""What is kept from one window to the next: lanes, overlays and paths, and nothing damaged."""

from dataclasses import replace

import numpy as np
import pytest

from toydiff_gui.app.installed_modes import MODES
from toydiff_gui.modes.images.settings import IMAGE_CARD, IMAGE_SAMPLING, IMAGE_ZOOM, ImageEnd
from toydiff_gui.modes.points.settings import SAMPLING, Sampling
from toydiff_gui.state import remember
from toydiff_gui.state.lanes import (
    DEFAULT_LANES,
    LANES,
    MAX_LANES,
    LaneSpec,
    add_lane,
    remove_lane,
    shown_lanes,
)
from toydiff_gui.state.settings_file import SettingsFile
from toydiff_gui.state.store import Store
from toydiff_gui.state.view import LOOK, VIEW, overlays_of, show_overlay

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.fixture
def settings(tmp_path):
    return SettingsFile(tmp_path / "Einstellungen ä.json")


def again(settings):
    """What a new window would begin with."""
    settings.save()
    state = Store()
    remember.restore(SettingsFile(settings.path), state, MODES)
    return state


def test_numbers_of_mode_images_come_back_without_their_latents(settings):
    state = Store()
    end = ImageEnd(np.zeros((1, 8, 8), np.float32), "Tile 1", tile=0)
    state.update(IMAGE_SAMPLING,
        count=100, path_images=20, steps=None, seed=2**62, eta=0.5, sampler="ddpm",
        a=end, path="norm-guided", even=True, tile_class="each", guidance=3.5, class_a=3,
        fixed_noise=True,
    )  # fmt: skip
    state.update(IMAGE_CARD, face="attention", preview=True, averaged=True)
    state.set(IMAGE_ZOOM, 3)
    remember.remember(settings, state, MODES)
    restored = again(settings)
    assert restored.get(IMAGE_SAMPLING) == replace(state.get(IMAGE_SAMPLING), a=None, class_a=None)
    assert restored.get(IMAGE_CARD) == state.get(IMAGE_CARD)
    assert restored.get(IMAGE_ZOOM) == 3


@pytest.mark.parametrize(
    "change",
    [{"count": 0}, {"count": 10**9}, {"path": "zigzag"}, {"guidance": "much"}, {"steps": -1}],
    ids=str,
)
def test_damaged_numbers_of_mode_images_are_forgotten(settings, change):
    state = Store()
    state.update(IMAGE_SAMPLING, seed=77)
    remember.remember(settings, state, MODES)
    kept = settings.get("state/images", dict)
    settings.put("state/images", kept | change)
    assert again(settings).get(IMAGE_SAMPLING) == Store().get(IMAGE_SAMPLING)


def test_a_damaged_zoom_is_forgotten(settings):
    remember.remember(settings, Store(), MODES)
    kept = settings.get("state/image_view", dict)
    settings.put("state/image_view", kept | {"zoom": 10**6})
    assert again(settings).get(IMAGE_CARD) == Store().get(IMAGE_CARD)
    assert again(settings).get(IMAGE_ZOOM) == 1


def test_lanes_overlays_and_path_come_back_as_they_were(settings):
    state = Store()
    state.update(
        SAMPLING,
        path="drawn",
        side="right",
        even=True,
        through=((0.5, -1.25), (1e-3, 2.0)),
        b=(3.0, 1.0),
    )
    remove_lane(state, "ddpm")
    own = LaneSpec("", "Mine", "heun", 7, True, 0.25, 2**62, "geodesic", "gaussians8", exact=True)
    key = add_lane(state, own)
    show_overlay(state, key, "field", True)
    show_overlay(state, key, "density", True)
    show_overlay(state, "latent", "basin", True)
    state.update(VIEW, lab=True)
    state.update(LOOK, selected_lane=key)
    remember.remember(settings, state, MODES)
    restored = again(settings)
    assert restored.get(SAMPLING) == state.get(SAMPLING)
    assert restored.get(LANES) == state.get(LANES)
    assert restored.get(VIEW) == state.get(VIEW)
    assert restored.get(LOOK) == state.get(LOOK)
    assert overlays_of(restored, key) == {"density", "field"}


def test_no_lanes_stay_no_lanes(settings):
    state = Store()
    for lane in DEFAULT_LANES:
        remove_lane(state, lane.key)
    remember.remember(settings, state, MODES)
    restored = again(settings)
    assert restored.get(LANES) == ()
    assert restored.get(LOOK).selected_lane == "latent"


def test_points_of_ones_own_are_not_kept_and_so_their_mode_is_not(settings):
    state = Store()
    state.update(SAMPLING, mode="inverted", seed=77)
    remember.remember(settings, state, MODES)
    assert again(settings).get(SAMPLING) == Sampling(seed=77)


@pytest.mark.parametrize(
    "kept",
    [
        ["ddpm", "ddim"],  # as an earlier version wrote it
        [],
        "{",
        {},
        None,
        {"lanes": {"key": "a"}},
        {"lanes": [{"key": "a", "sampler": "magic"}]},
        {"lanes": [{"key": "a", "steps": 0}]},
        {"lanes": [{"key": "a", "steps": 1.5}]},
        {"lanes": [{"key": "a", "seed": -1}]},
        {"lanes": [{"key": "a", "eta": 7}]},
        {"lanes": [{"key": "a", "path": "zigzag"}]},
        {"lanes": [{"sampler": "ddim"}]},
        {"lanes": [1]},
    ],
)
def test_damaged_lanes_are_forgotten(settings, kept):
    settings.put("state/lanes", kept)
    assert again(settings).get(LANES) == DEFAULT_LANES


def test_lanes_that_cannot_be_are_left_out(settings, tmp_path):
    there = tmp_path / "run"
    there.mkdir()
    (there / "checkpoint.safetensors").touch()
    lanes = [
        {"key": "a", "checkpoint": str(there)},
        {"key": "b", "checkpoint": str(tmp_path / "gone")},
        {"key": "c", "checkpoint": "moons"},
        {"key": "d", "checkpoint": "\x00"},
        {"key": "a", "sampler": "ddpm"},
        {"key": "latent"},
        {"key": "training"},
        {"key": ""},
    ]
    settings.put("state/lanes", {"lanes": lanes})
    restored = again(settings)
    assert [lane.key for lane in restored.get(LANES)] == ["a", "c"]
    assert restored.get(LANES)[0].sampler == "ddim"
    assert restored.get(LOOK).selected_lane == "a"


def test_no_more_lanes_are_shown_than_there_is_room_for(settings):
    lanes = [{"key": f"k{n}"} for n in range(200)]
    settings.put("state/lanes", {"lanes": lanes})
    restored = again(settings)
    assert len(restored.get(LANES)) == remember.MOST_LANES
    assert len(shown_lanes(restored)) == MAX_LANES


def test_overlays_of_lanes_and_kinds_that_are_not_are_forgotten(settings):
    view = {
        "selected_lane": "gone",
        "overlays": {
            "ddim": ["field", "sparkles", "basin"],
            "gone": ["field"],
            "latent": ["basin", "field"],
        },
    }
    settings.put("state/view", view)
    restored = again(settings)
    assert restored.get(LOOK).overlays == {"ddim": ("field",), "latent": ("basin",)}
    assert restored.get(LOOK).selected_lane == "ddpm"


def test_settings_of_an_earlier_version_keep_what_still_means_something(settings):
    settings.put("state/view", {"theme": "light", "show_x0": True})
    settings.put("state/sampling", {"seed": 3, "a": [0, 1]})
    restored = again(settings)
    assert restored.get(VIEW).theme == "light"
    assert restored.get(SAMPLING) == Sampling(seed=3, a=(0, 1))
