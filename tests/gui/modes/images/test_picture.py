"""Scenes of images on the disk: pages, strips, films, attention, trajectories."""

import json
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

from engine.datasets.images import load_digits
from engine.shared import trajectory
from engine.shared.trajectory import Trajectory
from tests.hands.image_scenes import denoised, image_scene
from tests.hands.window import settle
from toydiff_gui.app.render import render_file
from toydiff_gui.drawing.raster import scaled
from toydiff_gui.drawing.style import LaneStyle, picture_style
from toydiff_gui.export.choices import ALL, EACH, ExportChoices, targets, work_of
from toydiff_gui.export.control import Control
from toydiff_gui.export.dialog import ExportDialog
from toydiff_gui.export.errors import ExportError
from toydiff_gui.export.film import render_film
from toydiff_gui.export.frames import FramePainter, picture_theme, still_image
from toydiff_gui.export.picture_contract import check_complete, only
from toydiff_gui.export.spec import FilmSpec
from toydiff_gui.export.stills import save_contact_sheet, save_still
from toydiff_gui.export.trajectory_file import described, save_trajectories
from toydiff_gui.modes.images import attention_file
from toydiff_gui.modes.images.drawing.film_strips import strips_layout
from toydiff_gui.modes.images.drawing.page import (
    FACE_TITLES,
    filled_cards,
    page_layout,
    paint_image_scene,
    tiles_layout_of,
)
from toydiff_gui.modes.images.drawing.paper import Paper
from toydiff_gui.modes.images.picture import SAMPLES, ImagesPicture
from toydiff_gui.modes.images.scene import ImageScene
from toydiff_gui.modes.images.trajectory_file import MOST_STRIP, MOST_TILES, scene_of
from toydiff_gui.state.playback import Playback
from toydiff_gui.state.settings_file import SettingsFile

SIZE = (320, 220)
ROOT = Path(__file__).resolve().parents[4]

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.fixture
def scene():
    return image_scene(count=9, path=5, steps=10, face="attention")


def as_array(image):
    image = image.convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), -1)
    pixels = rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3)
    return pixels.copy()  # the image goes


def painted(scene, t, size=SIZE, theme="dark"):
    image = QImage(*size, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    style = picture_style(picture_theme(theme), size[1])
    paint_image_scene(Paper(painter, scene, t, style), QRectF(0, 0, *size))
    painter.end()
    return as_array(image)


def opened(path):
    with Image.open(path) as image:
        return np.array(image.convert("RGB"))


def decoded(path):
    """The frames of a video."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the reader does not close its pipes
        reader = imageio_ffmpeg.read_frames(str(path))
        wide, high = next(reader)["size"]
        frames = [np.frombuffer(data, np.uint8).reshape(high, wide, 3) for data in reader]
        del reader
    return frames


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def area_of(size):
    """Where the cards of a picture of ``size`` lie, and their style."""
    style = picture_style(picture_theme("dark"), size[1])
    margin, footer = style.px(12), round(style.px(34))
    return QRectF(margin, margin, size[0] - 2 * margin, size[1] - margin - footer), style


# Parts


def test_parts_are_samples_strips_and_the_card_beside(scene):
    found = ImagesPicture(scene).parts()
    assert [part.key for part in found] == ["samples", "ddpm", "ddpm-shared", "ddim", "attention"]
    assert [part.has_frames for part in found] == [True] * 4 + [False]
    assert [part.has_numbers for part in found] == [True] * 5
    assert found[-1].title == FACE_TITLES["attention"]
    assert ImagesPicture(ImageScene()).parts() == []


@pytest.mark.parametrize(
    ("key", "cards"),
    [("samples", {"tiles"}), ("ddim", {"strips"}), ("attention", {"face"})],
)
def test_each_part_can_stand_alone(scene, key, cards):
    alone = only(ImagesPicture(scene), key)
    assert filled_cards(alone.scene) == cards
    assert [part.key for part in alone.parts()] == [key]
    check_complete(alone)
    whole = ImagesPicture(scene)
    assert only(whole, None) is whole


def test_a_part_there_is_not_is_named(scene):
    with pytest.raises(ExportError, match=r"no lane 'slice'; lanes: samples, ddpm, .*attention"):
        only(ImagesPicture(scene), "slice")


def test_what_is_not_complete_is_refused_by_name(scene):
    run = scene.strips[1].trajectory
    half = replace(scene.strips[1], trajectory=Trajectory(run.t, run.x[:3], run.x0[:3]))
    waiting = replace(scene, strips=(scene.strips[0], half))
    with pytest.raises(ExportError, match="'DDPM, shared noise' is still being sampled"):
        check_complete(ImagesPicture(waiting))
    failed = replace(scene, strips=(replace(half, status="failed"),))
    with pytest.raises(ExportError, match="has failed"):
        check_complete(ImagesPicture(failed))
    recording = replace(scene, attention=replace(scene.attention, status="running"))
    with pytest.raises(ExportError, match="attention is still being recorded"):
        check_complete(ImagesPicture(recording))
    with pytest.raises(ExportError, match="nothing to export yet"):
        check_complete(ImagesPicture(ImageScene()))


def test_attention_that_would_stand_still_is_refused(scene, tmp_path):
    card = scene.attention
    once = replace(scene, attention=replace(card, weights=dict(list(card.weights.items())[:1])))
    with pytest.raises(ExportError, match=r"known at 1 of 10 times only: .* 'Mean over t'"):
        FilmSpec(ImagesPicture(once), size=SIZE)
    with pytest.raises(ExportError, match="known at 1 of 10 times only"):
        save_contact_sheet(ImagesPicture(once), tmp_path / "a.png", (800, 600))
    assert names(tmp_path) == []
    save_still(ImagesPicture(once), 250, tmp_path / "a.png", SIZE)  # one moment does not move
    check_complete(ImagesPicture(once), every_time=False)
    averaged = replace(once.attention, averaged=True)
    check_complete(ImagesPicture(replace(once, attention=averaged)))
    check_complete(ImagesPicture(replace(once, face="picture")))
    check_complete(ImagesPicture(once).only(SAMPLES))


def test_attention_of_a_network_with_a_longer_way_is_known_by_the_timeline(scene):
    card = scene.attention
    run = card.image.trajectory
    own = Trajectory([4 * t - 1 if t == 25 else 4 * t for t in run.t], run.x, run.x0)
    known = replace(card, image=replace(card.image, made=own))
    check_complete(ImagesPicture(replace(scene, attention=known)))
    weights = {t: each for t, each in card.weights.items() if t != 25}
    less = replace(scene, attention=replace(known, weights=weights))
    with pytest.raises(ExportError, match="known at 9 of 10 times only"):
        check_complete(ImagesPicture(less))


# Stills


@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("face", ["picture", "attention", "slice"])
def test_a_still_is_what_is_painted(face, theme, tmp_path):
    scene = image_scene(count=9, path=5, steps=10, face=face)
    save_still(ImagesPicture(scene), 50, tmp_path / "a.png", SIZE, theme)
    assert (opened(tmp_path / "a.png") == painted(scene, 50, theme=theme)).all()
    assert names(tmp_path) == ["a.png"]


def test_the_grid_alone_has_the_right_grey_values(scene, tmp_path):
    size = (600, 400)
    save_still(only(ImagesPicture(scene), SAMPLES), 100, tmp_path / "a.png", size)
    shown = opened(tmp_path / "a.png")
    area, style = area_of(size)
    alone = only(ImagesPicture(scene), SAMPLES)
    card = page_layout(area, alone.scene, style, filled_cards(alone.scene)).tiles
    layout = tiles_layout_of(card, alone.scene, style)
    pixels = scene.pixels(scene.tiles.states_at(100))
    for index in (0, 1, 5):
        rect = layout.tile(index)
        x, y = round(rect.left()), round(rect.top())
        expected = scaled(pixels[index, 0], layout.wide, layout.high)[2:-2, 2:-2]
        found = shown[y + 2 : y + layout.high - 2, x + 2 : x + layout.wide - 2]
        assert (found == expected[:, :, None]).all()


def test_a_strip_alone_has_the_right_grey_values(scene, tmp_path):
    size = (640, 360)
    alone = only(ImagesPicture(scene), "ddim")
    save_still(alone, 0, tmp_path / "a.png", size)
    shown = opened(tmp_path / "a.png")
    area, style = area_of(size)
    card = page_layout(area, alone.scene, style, filled_cards(alone.scene)).strips
    layout = strips_layout(card, alone.scene, style)
    pixels = scene.pixels(scene.strips[2].states_at(0))
    for index in range(5):
        rect = layout.image(0, index)
        x, y = round(rect.left()), round(rect.top())
        wide, high = layout.side
        assert (
            shown[y : y + high, x : x + wide] == scaled(pixels[index, 0], wide, high)[..., None]
        ).all()


def test_an_svg_shows_the_same(scene, tmp_path):
    save_still(ImagesPicture(scene), 50, tmp_path / "a.svg", (640, 440))
    renderer = QSvgRenderer(str(tmp_path / "a.svg"))
    assert renderer.isValid()
    image = QImage(640, 440, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    renderer.render(painter)
    painter.end()
    apart = np.abs(as_array(image).astype(int) - painted(scene, 50, (640, 440)).astype(int))
    assert (apart.max(axis=2) > 60).mean() < 0.06  # edges of words and of pixels
    text = (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert "<text" not in text


@pytest.mark.parametrize("key", [None, "samples", "ddim", "attention"])
@pytest.mark.parametrize("ending", ["png", "svg"])
def test_a_sheet_shows_four_times(scene, tmp_path, key, ending):
    part = only(ImagesPicture(scene), key)
    save_contact_sheet(part, tmp_path / f"a.{ending}", (800, 600))
    assert names(tmp_path) == [f"a.{ending}"]
    if ending == "png":
        sheet = opened(tmp_path / "a.png")
        other = tmp_path / "b.png"
        save_contact_sheet(part, other, (800, 600), times=[0, 0, 0, 0])
        assert (opened(other) != sheet).any()
        quarters = [sheet[40:300, :400], sheet[330:, 400:]]
        assert (quarters[0].shape, quarters[1].std() > 0) == ((260, 400, 3), True)


def test_a_sheet_without_room_is_refused(scene, tmp_path):
    with pytest.raises(ExportError, match="do not fit"):
        save_contact_sheet(ImagesPicture(scene), tmp_path / "a.png", (64, 3840))
    assert names(tmp_path) == []


# Films


@pytest.mark.parametrize("kind", ["mp4", "webm", "gif", "apng", "png"])
def test_films_show_the_way_from_noise_to_data(scene, tmp_path, kind):
    spec = FilmSpec(ImagesPicture(scene), size=SIZE, fps=10, seconds=0.4, hold=0.0, format=kind)
    path = tmp_path / ("frames" if kind == "png" else f"a.{kind}")
    result = render_film(spec, path)
    times = [t for t, _ in spec.plan()]
    assert (times[0], times[-1], result.frames) == (250, 0, 4)
    if kind == "png":
        shown = [opened(path / name) for name in names(path)]
    elif kind in ("gif", "apng"):
        with Image.open(path) as film:
            shown = []
            for k in range(film.n_frames):
                film.seek(k)
                shown.append(np.array(film.convert("RGB")))
    else:
        shown = decoded(path)
    assert len(shown) == 4
    for frame, t in zip(shown, times, strict=True):
        apart = np.abs(frame.astype(int) - painted(scene, t).astype(int)).mean()
        assert apart <= {"png": 0, "apng": 0}.get(kind, 9), (t, apart)


def test_a_film_of_one_part_shows_it_alone(scene):
    spec = FilmSpec(ImagesPicture(scene), lane="ddpm", size=SIZE)
    assert [strip.key for strip in spec.picture.scene.strips] == ["ddpm"]
    assert spec.picture.scene.tiles.trajectory is None
    frame = FramePainter(spec.picture, SIZE, "dark").image(0)
    assert (as_array(frame) == painted(only(ImagesPicture(scene), "ddpm").scene, 0)).all()


def test_sizes_are_refused_before_anything_is_made(scene):
    with pytest.raises(ExportError, match="got 100000x10"):
        FilmSpec(ImagesPicture(scene), size=(100_000, 10))


# Numbers


def test_trajectories_and_attention_go_to_files(scene, tmp_path):
    written = save_trajectories(ImagesPicture(scene), tmp_path / "run.npz")
    keys = ["samples", "ddpm", "ddpm-shared", "ddim", "attention"]
    assert [path.name for path in written] == [f"run-{key}.npz" for key in keys]
    read = trajectory.load(tmp_path / "run-ddim.npz")
    assert (np.stack(read.x) == np.stack(scene.strips[2].trajectory.x)).all()
    read = trajectory.load(tmp_path / "run-samples.npz")
    assert (np.stack(read.x0) == np.stack(scene.tiles.trajectory.x0)).all()
    with np.load(tmp_path / "run-attention.npz", allow_pickle=False) as file:
        weights, times, meta = file["weights"], file["t"], json.loads(str(file["meta"]))
    assert times.tolist() == sorted(scene.attention.weights, reverse=True)
    for known, t in zip(weights, times, strict=True):
        assert (known == scene.attention.weights[int(t)]).all()
    assert np.allclose(weights.sum(axis=-1), 1, atol=1e-5)
    assert meta == {
        "layer": "middle",
        "side": 7,
        "heads": 4,
        "image": "Tile 4",
        "index": 3,
        "query": [3, 3],
    }


def test_attention_alone_goes_to_the_file(scene, tmp_path):
    alone = only(ImagesPicture(scene), "attention")
    assert save_trajectories(alone, tmp_path / "a.npz") == [tmp_path / "a.npz"]
    assert described(alone.parts()[0]) == "Attention: 10 × 4 × 49 × 49 weights"


def test_too_much_attention_is_refused_before_it_is_gathered(scene, tmp_path, monkeypatch):
    monkeypatch.setattr(attention_file, "MAX_BYTES", 2**18)
    with pytest.raises(ExportError, match="attention at 10 times would take"):
        save_trajectories(ImagesPicture(scene), tmp_path / "run.npz")
    assert names(tmp_path) == []


def test_a_card_without_numbers_has_none_to_save(tmp_path):
    alone = ImagesPicture(image_scene(count=4, path=3, steps=2, face="slice")).only("slice")
    with pytest.raises(ExportError, match="no numbers"):
        save_trajectories(alone, tmp_path / "a.npz")


# The dialog


def test_each_strip_gets_a_file_of_its_own(scene, tmp_path):
    choices = ExportChoices(what="frame", lane=EACH, preset="custom", width=200, height=150)
    path = tmp_path / "a.png"
    files = targets(choices, ImagesPicture(scene), path)
    assert [file.name for file in files] == [
        "a-samples.png",
        "a-ddpm.png",
        "a-ddpm-shared.png",
        "a-ddim.png",
    ]
    work_of(choices, ImagesPicture(scene), 50, path)(Control())
    assert names(tmp_path) == sorted(file.name for file in files)
    assert (
        opened(files[3]) == painted(only(ImagesPicture(scene), "ddim").scene, 50, (200, 150))
    ).all()


def test_the_dialog_offers_all_parts(qtbot, app, scene, tmp_path):
    settings = SettingsFile(tmp_path / "s.json")
    dialog = ExportDialog(lambda: ImagesPicture(scene), Playback(250), settings=settings)
    qtbot.addWidget(dialog)
    dialog.show()
    settle()

    def offered():
        return [dialog.lanes.itemData(k) for k in range(dialog.lanes.count())]

    keys = ["samples", "ddpm", "ddpm-shared", "ddim", "attention"]
    assert offered() == [ALL, *keys, EACH]
    assert [dialog.lanes.itemText(k) for k in (1, 5)] == ["Samples", "Attention"]
    assert dialog.preview.image is not None
    dialog._choose_what("trajectory")
    assert offered() == [ALL, *keys]
    assert "Attention: 10 × 4 × 49 × 49 weights" in dialog.preview._text
    assert "Samples: 11 × 9 × 1 × 8 × 8 numbers" in dialog.preview._text
    dialog._choose_what("sheet")
    dialog._update(lane="attention")
    assert dialog.preview.image is not None
    dialog.close()


# The command


def digits_run(count=12, command="sample", **meta):
    data = load_digits()
    clean = data.standardised(np.arange(count))
    latents = np.random.default_rng(0).standard_normal(clean.shape).astype(np.float32)
    run = denoised(clean, latents, 5, timesteps=10)
    meta = {
        "command": command,
        "dataset": "digits",
        "shape": [1, 8, 8],
        "mean": data.transform.mean.ravel().tolist(),
        "std": data.transform.std.ravel().tolist(),
        "sampler": {"name": "ddim", "steps": 5, "eta": 0.0},
        "schedule": {"name": "cosine", "timesteps": 10},
        "path": "spherical",
    } | meta
    return replace(run, meta=meta)


@pytest.fixture
def npz(tmp_path):
    path = tmp_path / "in" / "run.npz"
    path.parent.mkdir()
    return path


def test_samples_become_tiles(npz):
    run = digits_run()
    run.save(npz)
    known = scene_of(trajectory.load(npz), npz)
    assert isinstance(known, ImageScene)
    assert known.title == "digits · cosine β · 10 steps"
    assert known.tiles.note == "12 images · DDIM  η = 0 · 5 steps"
    assert known.strips == ()
    pixels = known.pixels(known.tiles.states_at(0))
    assert (pixels == load_digits().images[:12]).all()


def test_a_path_becomes_a_strip(npz):
    digits_run(command="interpolate").save(npz)
    known = scene_of(trajectory.load(npz), npz)
    assert known.tiles.trajectory is None
    assert (known.strips[0].title, known.path_label) == ("DDIM  η = 0", "spherical")
    latents = known.strips[0].trajectory.x[0]
    exact = np.linalg.norm(latents.reshape(12, -1), axis=1)
    assert np.allclose(known.strips[0].latent_norms, exact)
    assert known.prior_norms[0] < 8 < known.prior_norms[2]


@pytest.mark.parametrize(
    "name", ["a.mp4", "a.webm", "a.gif", "a.apng", "a.png", "a.svg", "a", "b/"]
)
@pytest.mark.parametrize("command", ["sample", "interpolate"])
def test_render_knows_the_kind_by_the_name(npz, tmp_path, name, command):
    digits_run(command=command).save(npz)
    out = tmp_path / "out"
    out.mkdir()
    assert render_file(npz, f"{out}/{name}", size=(160, 120), fps=10) == ""
    assert names(out) == [name.rstrip("/")]
    if name in ("a", "b/"):
        assert len(names(out / name)) == 11 + 10  # every t, and a second of the last one


@pytest.mark.parametrize("command", ["sample", "interpolate"])
def test_render_draws_what_the_window_would(npz, tmp_path, command):
    digits_run(command=command).save(npz)
    known = scene_of(trajectory.load(npz), npz)
    render_file(npz, tmp_path / "a.png", size=SIZE, t=4, theme="light")
    assert (opened(tmp_path / "a.png") == painted(known, 4, theme="light")).all()
    render_file(npz, tmp_path / "b.png", size=(800, 600), sheet=True)
    save_contact_sheet(ImagesPicture(known), tmp_path / "c.png", (800, 600))
    assert (opened(tmp_path / "b.png") == opened(tmp_path / "c.png")).all()


def test_render_says_what_it_leaves_out(npz, tmp_path):
    digits_run(count=MOST_TILES + 5).save(npz)
    note = render_file(npz, tmp_path / "a.png", size=SIZE)
    assert note == "400 of 405 images, the first ones"
    digits_run(count=100, command="interpolate").save(npz)
    note = render_file(npz, tmp_path / "a.png", size=SIZE)
    assert note == "24 of 100 images, evenly spaced along the path"
    known = scene_of(trajectory.load(npz), npz)
    run = trajectory.load(npz)
    shown = known.strips[0].trajectory.x[0]
    assert len(shown) == MOST_STRIP
    assert (shown[0] == run.x[0][0]).all()
    assert (shown[-1] == run.x[0][-1]).all()


@pytest.mark.parametrize(
    "meta",
    [
        {"mean": None, "std": None},
        {"mean": [[[0.3]]], "std": 0.2},
        {"mean": "grey", "std": [1, 2, 3]},
        {"mean": [float("nan")], "std": [0.1]},
        {"mean": [0.1], "std": [0.0]},
        {"dataset": None, "mean": {}, "std": [], "schedule": None, "sampler": 3, "path": 5},
    ],
)
@pytest.mark.parametrize("command", ["sample", "interpolate", None])
def test_render_bears_what_meta_lacks(npz, tmp_path, meta, command):
    digits_run(command=command, **meta).save(npz)
    render_file(npz, tmp_path / "a.png", size=(160, 120))
    assert names(tmp_path) == ["a.png", "in"]


def test_colours_are_drawn_as_well(npz, tmp_path):
    x = np.zeros((4, 3, 8, 8), np.float32)
    x[:, 0] = 1  # red
    run = Trajectory([1, 0], [x, x], [x, x], {"mean": [0.0] * 3, "std": [1.0] * 3})
    run.save(npz)
    render_file(npz, tmp_path / "a.png", size=(300, 200))
    assert (opened(tmp_path / "a.png") == [255, 0, 0]).all(axis=2).sum() > 4 * 8 * 8


@pytest.mark.parametrize("shape", [(2, 8, 8), (1, 8), (1, 2000, 8), (3, 8, 8, 8)])
def test_other_shapes_are_refused(npz, tmp_path, shape):
    x = np.zeros((1, *shape), np.float32)
    Trajectory([1, 0], [x, x], [x, x]).save(npz)
    with pytest.raises(ValueError, match="cannot be drawn"):
        render_file(npz, tmp_path / "a.png")
    assert names(tmp_path) == ["in"]


def test_the_command_draws_images(npz, tmp_path):
    digits_run().save(npz)
    out = tmp_path / "a.png"
    command = [sys.executable, "-m", "toydiff_gui", "render", str(npz), "--out", str(out)]
    done = subprocess.run(
        [*command, "--size", "200x150", "--sheet"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert opened(out).shape == (150, 200, 3)


def test_a_picture_of_any_size_is_drawn_whole(scene):
    for size in ((64, 64), (100, 600), (1280, 200)):
        shown = as_array(still_image(ImagesPicture(scene), 30, size, "light"))
        assert shown.std() > 1
    assert LaneStyle.of(picture_theme("dark")).scale == 1.0
