"""What is kept from one window to the next: lanes, overlays and paths, and nothing damaged."""

from dataclasses import replace

import numpy as np
import pytest

from toydiff_gui import memory
from toydiff_gui.settings_file import SettingsFile
from toydiff_gui.state import DEFAULT_LANES, MAX_LANES, AppState, ImageEnd, LaneSpec, Sampling

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.fixture
def settings(tmp_path):
    return SettingsFile(tmp_path / "Einstellungen ä.json")


def again(settings):
    """What a new window would begin with."""
    settings.save()
    state = AppState()
    memory.restore(SettingsFile(settings.path), state)
    return state


def test_numbers_of_mode_images_come_back_without_their_latents(settings):
    state = AppState()
    end = ImageEnd(np.zeros((1, 8, 8), np.float32), "Tile 1", tile=0)
    state.update_images(
        count=100, path_images=20, steps=None, seed=2**62, eta=0.5, sampler="ddpm",
        a=end, path="norm-guided", even=True, tile_class="each", guidance=3.5, class_a=3,
        fixed_noise=True,
    )  # fmt: skip
    state.update_image_view(face="attention", preview=True, zoom=3, averaged=True, hovered_tile=4)
    memory.remember(settings, state)
    restored = again(settings)
    assert restored.images == replace(state.images, a=None, class_a=None)
    assert restored.image_view == replace(state.image_view, hovered_tile=None)


@pytest.mark.parametrize(
    "change",
    [{"count": 0}, {"count": 10**9}, {"path": "zigzag"}, {"guidance": "much"}, {"steps": -1}],
    ids=str,
)
def test_damaged_numbers_of_mode_images_are_forgotten(settings, change):
    state = AppState()
    state.update_images(seed=77)
    memory.remember(settings, state)
    kept = settings.get("state/images", dict)
    settings.put("state/images", kept | change)
    assert again(settings).images == AppState().images


def test_a_damaged_zoom_is_forgotten(settings):
    memory.remember(settings, AppState())
    kept = settings.get("state/image_view", dict)
    settings.put("state/image_view", kept | {"zoom": 10**6})
    assert again(settings).image_view == AppState().image_view


def test_lanes_overlays_and_path_come_back_as_they_were(settings):
    state = AppState()
    state.update_sampling(
        path="drawn", side="right", even=True, through=((0.5, -1.25), (1e-3, 2.0)), b=(3.0, 1.0)
    )
    state.remove_lane("ddpm")
    own = LaneSpec("", "Mine", "heun", 7, True, 0.25, 2**62, "geodesic", "gaussians8", exact=True)
    key = state.add_lane(own)
    state.show_overlay(key, "field", True)
    state.show_overlay(key, "density", True)
    state.show_overlay("latent", "basin", True)
    state.update_view(selected_lane=key, lab=True)
    memory.remember(settings, state)
    restored = again(settings)
    assert restored.sampling == state.sampling
    assert restored.lanes == state.lanes
    assert restored.view == state.view
    assert restored.overlays(key) == {"density", "field"}


def test_no_lanes_stay_no_lanes(settings):
    state = AppState()
    for lane in DEFAULT_LANES:
        state.remove_lane(lane.key)
    memory.remember(settings, state)
    restored = again(settings)
    assert restored.lanes == ()
    assert restored.view.selected_lane == "latent"


def test_points_of_ones_own_are_not_kept_and_so_their_mode_is_not(settings):
    state = AppState()
    state.update_sampling(mode="inverted", seed=77)
    memory.remember(settings, state)
    assert again(settings).sampling == Sampling(seed=77)


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
    assert again(settings).lanes == DEFAULT_LANES


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
    assert [lane.key for lane in restored.lanes] == ["a", "c"]
    assert restored.lanes[0].sampler == "ddim"
    assert restored.view.selected_lane == "a"


def test_no_more_lanes_are_shown_than_there_is_room_for(settings):
    lanes = [{"key": f"k{n}"} for n in range(200)]
    settings.put("state/lanes", {"lanes": lanes})
    restored = again(settings)
    assert len(restored.lanes) == memory.MOST_LANES
    assert len(restored.shown_lanes) == MAX_LANES


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
    assert restored.view.overlays == {"ddim": ("field",), "latent": ("basin",)}
    assert restored.view.selected_lane == "ddpm"


def test_settings_of_an_earlier_version_keep_what_still_means_something(settings):
    settings.put("state/view", {"theme": "light", "show_x0": True})
    settings.put("state/sampling", {"seed": 3, "a": [0, 1]})
    restored = again(settings)
    assert restored.view.theme == "light"
    assert restored.sampling == Sampling(seed=3, a=(0, 1))
