"""Films, pictures and trajectories on the disk: as painted, whole or not at all."""

import errno
import json
import os
import stat
import subprocess
import sys
import threading
import warnings
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QRectF
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

from engine import datasets
from engine.shared import noise_tables, trajectory
from engine.shared.config import ScheduleConfig, sampler_times
from engine.shared.trajectory import Trajectory
from toydiff_gui.app.render import render_file
from toydiff_gui.export import film as film_module
from toydiff_gui.export.control import Control
from toydiff_gui.export.errors import CancelledError, ExportError
from toydiff_gui.export.ffmpeg import FFmpegEncoder
from toydiff_gui.export.film import render_film, render_films
from toydiff_gui.export.frames import FramePainter, still_image
from toydiff_gui.export.gif import GifEncoder, gif_delay, gif_rate
from toydiff_gui.export.spec import FilmSpec
from toydiff_gui.export.stills import clipboard_data, save_contact_sheet, save_still
from toydiff_gui.export.trajectory_file import save_trajectories
from toydiff_gui.export.worker import ExportJob
from toydiff_gui.modes.points.picture import PointsPicture
from toydiff_gui.modes.points.scene import LaneScene, Scene
from toydiff_gui.modes.points.trajectory_file import scene_of
from toydiff_gui.style import sheet, theme

T = 10
SIZE = (160, 96)


def path_run(steps=T, shift=0.0):
    """Points on a line that slide to the right as t falls."""
    along = np.linspace(-1.5, 1.5, 40, dtype=np.float32)
    run = Trajectory(sampler_times(T, steps))
    for t in run.t:
        x = np.stack([along * 0.2 + 1.5 * (1 - 2 * t / T) + shift, along], axis=1)
        run = run.with_frame(x.astype(np.float32), x.astype(np.float32))
    return run


def make_scene(lanes=2):
    alphas = noise_tables.alphas_cumprod(ScheduleConfig(timesteps=T))
    data = datasets.load("v", 300).points
    names = ("ddim", "ddpm", "third")
    return Scene(
        lanes=tuple(
            LaneScene(
                key=names[i],
                number=i + 1,
                title=names[i].upper(),
                trajectory=path_run(shift=0.3 * i),
                joined=True,
                data=data,
                status="done",
            )
            for i in range(lanes)
        ),
        timesteps=T,
        alphas_cumprod=alphas,
        title="V · linear β",
    )


@pytest.fixture
def scene(qapp):
    sheet.apply(qapp, theme.Theme())
    return make_scene()


def as_array(image):
    """An image as (H, W, 3)."""
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    pixels = np.frombuffer(image.constBits(), np.uint8)
    return pixels.reshape(image.height(), image.width(), 4)[..., 2::-1].copy()


def painted(scene, t, size=SIZE, name="dark"):
    return as_array(still_image(PointsPicture(scene), t, size, name))


def decoded(path):
    """The frames of a video (n, H, W, 3), and what the file says about itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the reader does not close its pipes
        reader = imageio_ffmpeg.read_frames(str(path))
        about = next(reader)
        width, height = about["size"]
        frames = [np.frombuffer(data, np.uint8).reshape(height, width, 3) for data in reader]
        del reader
    return np.stack(frames), about


def difference(first, second):
    return np.abs(first.astype(float) - second.astype(float)).mean()


def time_shown(frame, scene, *, within, size=SIZE, name="dark"):
    """The t whose painted picture is nearest to ``frame``, and near enough."""
    distances = [difference(frame, painted(scene, t, size, name)) for t in range(T + 1)]
    assert min(distances) < within
    return int(np.argmin(distances))


def spec_of(scene, kind="mp4", **changes):
    settings = {"size": SIZE, "fps": 20, "hold": 0.2, "format": kind}
    return FilmSpec(PointsPicture(scene), **(settings | changes))


def leftovers(folder):
    return sorted(p.name for p in folder.iterdir())


# Films


@pytest.mark.parametrize("kind", ["mp4", "webm"])
def test_a_video_shows_what_was_painted(scene, tmp_path, kind):
    path = tmp_path / f"film.{kind}"
    result = render_film(spec_of(scene, kind), path)
    frames, about = decoded(path)
    assert len(frames) == result.frames == T + 1 + 4
    assert about["size"] == SIZE
    assert about["fps"] == pytest.approx(20)
    shown = [time_shown(frame, scene, within=2.6) for frame in frames]
    assert shown == [*range(T, -1, -1), 0, 0, 0, 0]
    assert leftovers(tmp_path) == [path.name]


def test_a_video_has_the_codec_and_pixels_that_players_know(scene, tmp_path):
    for kind, codec in (("mp4", "h264"), ("webm", "vp9")):
        render_film(spec_of(scene, kind), tmp_path / f"film.{kind}")
        _, about = decoded(tmp_path / f"film.{kind}")
        assert about["codec"] == codec
        assert about["pix_fmt"].startswith("yuv420p(tv, bt709")


@pytest.mark.parametrize("kind", ["mp4", "webm"])
def test_a_video_keeps_colours(tmp_path, kind):
    """Saturated areas, which another colour matrix would shift."""
    frame = np.zeros((64, 96, 4), np.uint8)
    colours = [(255, 183, 62), (87, 144, 240), (76, 201, 176)]
    for index, colour in enumerate(colours):
        frame[:, 32 * index : 32 * (index + 1), :3] = colour[::-1]
    path = tmp_path / "film"
    with FFmpegEncoder(path, kind, (96, 64), Fraction(10), Control()) as encoder:
        encoder.add(frame, 3)
        encoder.finish()
    frames, _ = decoded(path)
    for index, colour in enumerate(colours):
        seen = frames[1][32, 32 * index + 16].astype(int)
        assert np.abs(seen - colour).max() <= 6


def test_a_gif_can_show_black_that_its_palette_was_not_made_for(tmp_path):
    """The last entry of the palette means 'unchanged' and is black as well."""
    rng = np.random.default_rng(0)
    colourful = rng.integers(60, 256, (40, 40, 4)).astype(np.uint8)
    black = np.zeros_like(colourful)
    path = tmp_path / "film.gif"
    with path.open("wb") as stream:
        encoder = GifEncoder(stream, (40, 40), 10, [colourful])
        encoder.add(colourful, 1)
        encoder.add(black, 1)
        encoder.finish()
    with Image.open(path) as image:
        image.seek(1)
        assert np.ptp(np.array(image.convert("RGB")).reshape(-1, 3), axis=0).max() == 0


def test_odd_sizes_are_made_even_for_videos_and_said(scene, tmp_path):
    path = tmp_path / "film.mp4"
    result = render_film(spec_of(scene, size=(161, 97)), path)
    frames, about = decoded(path)
    assert about["size"] == (162, 98)
    assert result.size == (162, 98)
    assert "162x98" in result.note
    assert time_shown(frames[3], scene, within=2.6, size=(162, 98)) == T - 3


@pytest.mark.parametrize("kind", ["gif", "apng"])
def test_odd_sizes_stay_in_animations(scene, tmp_path, kind):
    path = tmp_path / f"film.{kind}"
    render_film(spec_of(scene, kind, size=(161, 97)), path)
    with Image.open(path) as image:
        assert image.size == (161, 97)


def test_a_gif_shows_what_was_painted(scene, tmp_path):
    path = tmp_path / "film.gif"
    render_film(spec_of(scene, "gif", fps=20), path)
    with Image.open(path) as image:
        assert image.n_frames == T + 1
        assert image.info["loop"] == 0
        for index in range(T + 1):
            image.seek(index)
            frame = np.array(image.convert("RGB"))
            assert time_shown(frame, scene, within=1.5) == T - index
            assert image.info["duration"] == (50 if index < T else 50 * 5)


def test_a_gif_says_the_rate_that_it_can_do(scene, tmp_path):
    result = render_film(spec_of(scene, "gif", fps=30), tmp_path / "film.gif")
    assert result.rate == Fraction(100, 3)
    assert "33.33" in result.note
    assert "30" in result.note
    assert render_film(spec_of(scene, "gif", fps=25), tmp_path / "film.gif").note == ""


@pytest.mark.parametrize(
    ("fps", "delay"), [(1, 100), (10, 10), (24, 4), (30, 3), (50, 2), (60, 2), (120, 2)]
)
def test_gifs_count_hundredths_and_never_less_than_two(fps, delay):
    assert gif_delay(fps) == delay
    assert gif_rate(fps) == Fraction(100, delay)


def test_an_apng_shows_exactly_what_was_painted(scene, tmp_path):
    path = tmp_path / "film.apng"
    render_film(spec_of(scene, "apng", fps=30), path)
    with Image.open(path) as image:
        assert image.format == "PNG"
        assert image.n_frames == T + 1
        for index in range(T + 1):
            image.seek(index)
            assert (np.array(image.convert("RGB")) == painted(scene, T - index)).all()
            if index < T:
                assert image.info["duration"] == pytest.approx(1000 / 30)
        assert image.info["duration"] == pytest.approx(7 * 1000 / 30)


def test_a_folder_of_numbered_pictures(scene, tmp_path):
    folder = tmp_path / "frames"
    result = render_film(spec_of(scene, "png", hold=0.1), folder)
    names = leftovers(folder)
    assert names == [f"frame-{i:04d}.png" for i in range(1, T + 4)]
    assert result.frames == len(names)
    for index, t in ((0, T), (T, 0), (T + 2, 0)):
        with Image.open(folder / names[index]) as image:
            assert (np.array(image.convert("RGB")) == painted(scene, t)).all()


def test_a_folder_is_made_anew_but_nothing_foreign_is_lost(scene, tmp_path):
    folder = tmp_path / "frames"
    render_film(spec_of(scene, "png", hold=1), folder)
    render_film(spec_of(scene, "png", hold=0), folder)
    assert len(leftovers(folder)) == T + 1, "no frames of the longer film remain"
    (folder / "thesis.tex").write_text("years of work")
    with pytest.raises(ExportError, match=r"already holds thesis\.tex"):
        render_film(spec_of(scene, "png"), folder)
    assert len(leftovers(folder)) == T + 2
    assert leftovers(tmp_path) == ["frames"]


def test_the_length_can_be_given_in_seconds(scene):
    spec = spec_of(scene, fps=25, seconds=4, hold=0)
    assert spec.frame_count() == 100
    times = [t for t, count in spec.plan() for _ in range(count)]
    assert (times[0], times[-1]) == (T, 0)
    assert times == sorted(times, reverse=True)


def test_reverse_runs_from_data_to_noise_and_holds_the_noise(scene):
    plan = spec_of(scene, fps=10, hold=1, reverse=True).plan()
    assert plan[0] == (0, 1)
    assert plan[-1] == (T, 11)


def test_one_lane_alone(scene, tmp_path):
    path = tmp_path / "film.apng"
    render_film(spec_of(scene, "apng", lane="ddpm"), path)
    alone = replace(scene, lanes=(scene.lane("ddpm"),))
    with Image.open(path) as image:
        assert (np.array(image.convert("RGB")) == painted(alone, T)).all()


def test_each_lane_in_a_film_of_its_own(scene, tmp_path):
    seen = []
    control = Control(lambda done, total: seen.append((done, total)))
    films = [
        (spec_of(scene, "gif", lane=key), tmp_path / f"a-{key}.gif") for key in ("ddim", "ddpm")
    ]
    results = render_films(films, control)
    assert leftovers(tmp_path) == ["a-ddim.gif", "a-ddpm.gif"]
    assert [r.path for r in results] == [path for _, path in films]
    assert seen[0] == (0, 22)
    assert seen[-1] == (22, 22)


def test_of_several_films_all_appear_or_none(scene, tmp_path):
    control = Control(lambda done, total: control.cancel() if done == 15 else None)
    films = [
        (spec_of(scene, "gif", lane=key), tmp_path / f"a-{key}.gif") for key in ("ddim", "ddpm")
    ]
    with pytest.raises(CancelledError):
        render_films(films, control)
    assert leftovers(tmp_path) == []


def test_the_film_is_the_same_whatever_the_window_does_meanwhile(scene, tmp_path):
    spec = spec_of(scene, "apng")
    render_film(spec, tmp_path / "before.apng")

    def meddle(done, total):
        if done == 3:
            theme.set_theme(theme.Theme(theme.LIGHT, False, 1.35, 1.6))

    try:
        render_film(spec, tmp_path / "during.apng", Control(meddle))
    finally:
        theme.set_theme(theme.Theme())
    assert (tmp_path / "before.apng").read_bytes() == (tmp_path / "during.apng").read_bytes()


def test_the_same_in_another_thread(scene, tmp_path):
    spec = spec_of(scene, "apng")
    render_film(spec, tmp_path / "here.apng")
    thread = threading.Thread(target=render_film, args=(spec, tmp_path / "there.apng"))
    thread.start()
    thread.join()
    assert (tmp_path / "here.apng").read_bytes() == (tmp_path / "there.apng").read_bytes()


def test_a_frame_does_not_depend_on_the_frames_before(scene):
    painter = FramePainter(PointsPicture(scene), SIZE, "dark")
    painter.frame(T)
    painter.frame(0)
    assert (as_array(painter.image(5)) == painted(scene, 5)).all()


# What cannot be


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"fps": 0}, "frames per second must be between 1 and 120, got 0"),
        ({"fps": float("nan")}, "got nan"),
        ({"size": (10, 10)}, "got 10x10"),
        ({"size": (3840, 3840)}, "got 3840x3840"),
        ({"seconds": 0}, "seconds must be between"),
        ({"hold": -1}, "got -1"),
        ({"lane": "nobody"}, "no lane 'nobody'"),
        ({"format": "avi"}, "unknown film format 'avi'"),
        ({"theme": "pink"}, "unknown theme 'pink'"),
        ({"seconds": 3600, "fps": 120}, "too long"),
    ],
)
def test_a_film_that_cannot_be_is_refused_with_the_value(scene, changes, sentence):
    with pytest.raises(ExportError, match=sentence):
        spec_of(scene, **changes)


def test_an_animation_that_would_be_too_large_is_refused(scene):
    long = replace(scene, timesteps=1000, alphas_cumprod=np.linspace(1, 0, 1001))
    with pytest.raises(ExportError, match="GIF of 1001 frames of 3840x2160 is too large"):
        spec_of(long, "gif", size=(3840, 2160))
    spec_of(long, "mp4", size=(3840, 2160))


def test_what_has_not_arrived_is_not_exported(scene):
    lane = scene.lanes[0]
    part = Trajectory(list(lane.trajectory.t), lane.trajectory.x[:3], lane.trajectory.x0[:3])
    half = replace(scene, lanes=(replace(lane, trajectory=part, status="running"),))
    with pytest.raises(ExportError, match="'DDIM' is still being sampled"):
        spec_of(half)
    with pytest.raises(ExportError, match="nothing to export yet"):
        spec_of(Scene(timesteps=T))


@pytest.mark.parametrize("kind", ["mp4", "gif", "apng", "png"])
def test_a_folder_that_does_not_exist(scene, tmp_path, kind):
    path = tmp_path / "no" / "film"
    with pytest.raises(ExportError, match=r"the folder .*no does not exist") as caught:
        render_film(spec_of(scene, kind), path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("kind", ["mp4", "gif", "png"])
def test_a_target_of_the_wrong_sort(scene, tmp_path, kind):
    path = tmp_path / "target"
    if kind == "png":
        path.write_text("a file")
    else:
        path.mkdir()
    with pytest.raises(ExportError, match="it is a"):
        render_film(spec_of(scene, kind), path)
    assert leftovers(tmp_path) == ["target"]


@pytest.mark.parametrize("kind", ["mp4", "gif", "png"])
def test_a_folder_that_is_not_writable(scene, tmp_path, monkeypatch, kind):
    if sys.platform == "win32" or os.geteuid() == 0:  # root may write anywhere
        monkeypatch.setattr(os, "access", lambda path, mode: False)
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(ExportError, match="is not writable"):
            render_film(spec_of(scene, kind), tmp_path / "film")
    finally:
        tmp_path.chmod(0o700)
    assert leftovers(tmp_path) == []


class FullDisk:
    """A stream on a disk with room for some bytes."""

    def __init__(self, stream, room):
        self._stream, self._room = stream, room

    def write(self, data):
        if len(data) > self._room:
            raise OSError(errno.ENOSPC, "No space left on device")
        self._room -= len(data)
        return self._stream.write(data)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._stream.close()


@pytest.mark.parametrize("kind", ["gif", "apng", "png"])
def test_a_full_disk_leaves_what_was_there(scene, tmp_path, monkeypatch, kind):
    path = tmp_path / ("frames" if kind == "png" else f"film.{kind}")
    render_film(spec_of(scene, kind), path)
    before = {p: p.read_bytes() for p in [path, *path.rglob("*")] if p.is_file()}
    monkeypatch.setattr(film_module, "open_stream", lambda p: FullDisk(p.open("wb"), 1500))
    with pytest.raises(ExportError, match="the disk is full") as caught:
        render_film(spec_of(scene, kind, theme="light"), path)
    assert str(path) in str(caught.value)
    assert {p: p.read_bytes() for p in [path, *path.rglob("*")] if p.is_file()} == before
    assert leftovers(tmp_path) == [path.name]


def fake_ffmpeg(folder, monkeypatch, script):
    program = folder / "ffmpeg"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(program))


posix = pytest.mark.skipif(sys.platform == "win32", reason="needs a shell script")


@posix
@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("echo first >&2; echo 'no such encoder' >&2; exit 3", "status 3: no such encoder"),
        ("cat >/dev/null; echo 'No space left on device' >&2; exit 1", "No space left on device"),
        ("head -c 1000 >/dev/null; kill -9 $$", "signal 9"),
        ("exit 5", "ended with status 5"),
    ],
)
def test_when_ffmpeg_fails_its_last_words_are_told(scene, tmp_path, monkeypatch, script, sentence):
    tools, out = tmp_path / "tools", tmp_path / "out"
    tools.mkdir()
    out.mkdir()
    path = out / "film.mp4"
    path.write_bytes(b"an older film")
    fake_ffmpeg(tools, monkeypatch, script)
    with pytest.raises(ExportError, match=sentence):
        render_film(spec_of(scene), path)
    assert path.read_bytes() == b"an older film"
    assert leftovers(out) == ["film.mp4"]


def test_when_ffmpeg_is_missing(scene, tmp_path, monkeypatch):
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "nothing"))
    with pytest.raises(ExportError, match=r"cannot start .*nothing"):
        render_film(spec_of(scene), tmp_path / "film.mp4")
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("kind", ["mp4", "webm", "gif", "apng", "png"])
def test_cancelling_leaves_nothing_and_obeys_within_a_frame(scene, tmp_path, kind):
    seen = []

    def cancel_at_four(done, total):
        seen.append(done)
        if done == 4:
            control.cancel()

    control = Control(cancel_at_four)
    with pytest.raises(CancelledError):
        render_film(spec_of(scene, kind), tmp_path / "film", control)
    assert seen[-1] == 4
    assert leftovers(tmp_path) == []


@posix
def test_cancelling_frees_an_export_that_waits_for_ffmpeg(scene, tmp_path, monkeypatch):
    """An ffmpeg that reads nothing: writing to it blocks."""
    tools, out = tmp_path / "tools", tmp_path / "out"
    tools.mkdir()
    out.mkdir()
    fake_ffmpeg(tools, monkeypatch, "exec sleep 1000")
    control = Control()
    outcome = []

    def work():
        try:
            render_film(spec_of(scene, size=(640, 480)), out / "film.mp4", control)
        except CancelledError:
            outcome.append("cancelled")

    thread = threading.Thread(target=work)
    thread.start()
    while not leftovers(out):
        pass
    control.cancel()
    thread.join()
    assert outcome == ["cancelled"]
    assert leftovers(out) == []


# The worker


def test_a_job_tells_how_far_it_is_and_ends(scene, tmp_path, qtbot):
    spec, path = spec_of(scene, "gif", fps=30), tmp_path / "film.gif"

    def work(control):
        result = render_film(spec, path, control)
        return str(result.path), result.note

    job = ExportJob(work)
    steps = []
    job.progressed.connect(lambda done, total: steps.append((done, total)))
    with qtbot.waitSignal(job.finished) as finished:
        job.start()
    assert finished.args[0] == str(path)
    assert "33.33" in finished.args[1]
    assert steps == [(n, T + 1) for n in range(T + 2)]
    assert not job.running


def test_a_job_that_fails_says_why(qapp, qtbot):
    def work(control):
        raise ExportError("the moon is full")

    job = ExportJob(work)
    with qtbot.waitSignal(job.failed) as failed:
        job.start()
    assert failed.args == ["the moon is full"]


def test_a_bug_in_a_job_is_an_error_too(qapp, qtbot):
    job = ExportJob(lambda control: 1 / 0)
    with qtbot.waitSignal(job.failed) as failed:
        job.start()
    assert "ZeroDivisionError" in failed.args[0]


def test_stopping_a_job_waits_for_it(scene, tmp_path, qtbot):
    spec = spec_of(scene, "png", fps=60, hold=60)
    job = ExportJob(lambda control: (str(render_film(spec, tmp_path / "f", control)), ""))
    with qtbot.waitSignal(job.progressed):
        job.start()
    with qtbot.waitSignal(job.cancelled):
        job.stop()
        assert not job.running
        assert leftovers(tmp_path) == []


# Pictures


def test_a_still_is_what_the_film_shows(scene, tmp_path):
    save_still(PointsPicture(scene), 4, tmp_path / "still.png", SIZE)
    with Image.open(tmp_path / "still.png") as image:
        assert (np.array(image.convert("RGB")) == painted(scene, 4)).all()


@pytest.mark.parametrize("name", ["dark", "light"])
def test_an_svg_holds_shapes_only_and_looks_the_same(scene, tmp_path, name):
    path, size = tmp_path / "still.svg", (640, 400)
    save_still(PointsPicture(scene), 4, path, size, name)
    text = path.read_text()
    assert "<image" not in text
    assert "<text" not in text, "no reader needs the typeface"
    image = QImage(*size, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    QSvgRenderer(str(path)).render(painter, QRectF(image.rect()))
    painter.end()
    assert time_shown(as_array(image), scene, within=2.5, size=size, name=name) == 4


def test_a_contact_sheet_shows_four_times(scene, tmp_path):
    size = (640, 360)
    save_contact_sheet(PointsPicture(scene), tmp_path / "sheet.png", size)
    save_contact_sheet(PointsPicture(scene), tmp_path / "sheet.svg", size)
    assert "<image" not in (tmp_path / "sheet.svg").read_text()
    with Image.open(tmp_path / "sheet.png") as image:
        sheet = np.array(image.convert("RGB")).astype(int)
    assert sheet.shape == (360, 640, 3)
    # Amber, pink and blue are only in the path; it moves to the right in every column.
    colourful = (sheet.max(axis=-1) - sheet.min(axis=-1)) > 70
    centres = []
    for column in range(4):
        part = colourful[:, column * 160 : (column + 1) * 160]
        centres.append(np.flatnonzero(part.any(axis=0)).mean())
    assert centres == sorted(centres)
    assert centres[-1] - centres[0] > 20


def test_a_contact_sheet_of_chosen_times(scene, tmp_path):
    path = tmp_path / "sheet.png"
    save_contact_sheet(PointsPicture(scene), path, (640, 360), times=(3,))
    assert path.exists()
    with pytest.raises(ExportError, match="got 11"):
        save_contact_sheet(PointsPicture(scene), path, (640, 360), times=(3, 11))


def test_a_picture_needs_a_known_ending(scene, tmp_path):
    with pytest.raises(ExportError, match=r"\.png or \.svg, got 'a\.bmp'"):
        save_still(PointsPicture(scene), 0, tmp_path / "a.bmp", SIZE)


def test_the_clipboard_gets_pixels_and_shapes(scene):
    data = clipboard_data(PointsPicture(scene), 4, SIZE)
    QGuiApplication.clipboard().setMimeData(data)
    held = QGuiApplication.clipboard().mimeData()
    assert (as_array(QImage(held.imageData())) == painted(scene, 4)).all()
    assert b"<svg" in held.data("image/svg+xml").data()
    QGuiApplication.clipboard().clear()


# Trajectories


def test_one_trajectory_goes_to_the_file(scene, tmp_path):
    one = replace(scene, lanes=scene.lanes[:1])
    assert save_trajectories(PointsPicture(one), tmp_path / "run.npz") == [tmp_path / "run.npz"]
    read = trajectory.load(tmp_path / "run.npz")
    assert read.t == scene.lanes[0].trajectory.t
    assert (np.stack(read.x) == np.stack(scene.lanes[0].trajectory.x)).all()


def test_of_several_lanes_each_gets_a_file(scene, tmp_path):
    save_trajectories(PointsPicture(scene), tmp_path / "run.npz")
    assert leftovers(tmp_path) == ["run-ddim.npz", "run-ddpm.npz"]


# The command


@pytest.fixture
def npz(tmp_path, qapp):
    meta = {
        "command": "interpolate",
        "dataset": "v",
        "sampler": {"name": "ddim", "steps": T, "eta": 0.0},
        "schedule": {"name": "linear", "timesteps": T, "zero_terminal": False},
        "seed": 0,
    }
    path = tmp_path / "in" / "run.npz"
    path.parent.mkdir()
    replace(path_run(), meta=meta).save(path)
    return path


@pytest.mark.parametrize(
    "name", ["a.mp4", "a.webm", "a.gif", "a.apng", "a.png", "a.svg", "a", "b/"]
)
def test_render_knows_the_kind_by_the_name(npz, tmp_path, name):
    out = tmp_path / "out"
    out.mkdir()
    seen = []
    target = f"{out}/{name}"
    render_file(npz, target, size=SIZE, progress=lambda done, total: seen.append(done))
    assert leftovers(out) == [name.rstrip("/")]
    if name in ("a", "b/"):
        assert len(leftovers(Path(target))) == T + 1 + 30
    if name not in ("a.png", "a.svg"):
        assert seen[-1] == T + 1


def test_render_draws_the_data_beneath_and_joins_a_path(npz, tmp_path):
    known = scene_of(trajectory.load(npz), npz)
    assert known.title == "v · linear β · 10 steps"
    assert known.lanes[0].title == "DDIM  η = 0"
    assert known.lanes[0].joined
    assert (known.lanes[0].data == datasets.load("v").points).all()
    render_file(npz, tmp_path / "a.png", size=SIZE, t=5)
    with Image.open(tmp_path / "a.png") as image:
        assert (np.array(image.convert("RGB")) == painted(known, 5)).all()
    loaded = trajectory.load(npz)
    sampled = replace(loaded, meta={**loaded.meta, "command": "sample"})
    assert not scene_of(sampled, npz).lanes[0].joined


@pytest.mark.parametrize(
    "meta",
    [
        {},
        {"dataset": "my own", "sampler": "ddim", "schedule": None},
        {"dataset": 3, "sampler": {}, "schedule": {"name": "unheard of"}},
        {"dataset": "mnist", "sampler": {"name": "heun"}, "schedule": {"timesteps": 2}},
        {"schedule": {"timesteps": "many", "name": ["linear"]}, "command": None},
    ],
)
def test_render_is_tolerant_of_what_meta_lacks(tmp_path, qapp, meta):
    replace(path_run(), meta=meta).save(tmp_path / "run.npz")
    render_file(tmp_path / "run.npz", tmp_path / "a.png", size=SIZE)
    assert (tmp_path / "a.png").exists()


def test_render_refuses_what_is_neither_in_the_plane_nor_an_image(tmp_path, qapp):
    states = [np.zeros((3, 2, 8, 8), np.float32)] * 2
    Trajectory([1, 0], states, states).save(tmp_path / "run.npz")
    with pytest.raises(ValueError, match=r"states have shape \(2, 8, 8\)"):
        render_file(tmp_path / "run.npz", tmp_path / "a.png")


@pytest.mark.parametrize(
    ("name", "changes", "sentence"),
    [
        ("a.avi", {}, "'a.avi'"),
        ("a.png", {"t": 11}, "between 0 and 10, got 11"),
        ("a.mp4", {"t": 3}, "t = 3 is for a single picture"),
        ("a.png", {"size": (1, 1)}, "got 1x1"),
        ("a.mp4", {"fps": -2}, "got -2"),
        ("a.png", {"theme": "pink"}, "'pink'"),
        ("no/a.png", {}, "does not exist"),
    ],
)
def test_render_refuses_with_the_value(npz, tmp_path, name, changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        render_file(npz, tmp_path / name, **changes)
    assert leftovers(tmp_path) == ["in"]


@pytest.mark.parametrize("content", [None, b"", b"not a zip"])
def test_render_refuses_a_bad_file(tmp_path, qapp, content):
    source = tmp_path / "bad.npz"
    if content is not None:
        source.write_bytes(content)
    with pytest.raises(ValueError, match=r"bad\.npz"):
        render_file(source, tmp_path / "a.png")


def test_render_works_without_a_display_or_an_application(npz, tmp_path):
    code = (
        "import sys; from toydiff_gui.app.render import render_file; "
        "render_file(sys.argv[1], sys.argv[2], size=(160, 96)); "
        "assert 'torch' not in sys.modules"
    )
    bare = {k: v for k, v in os.environ.items() if k not in ("QT_QPA_PLATFORM", "DISPLAY")}
    out = tmp_path / "a.png"
    command = [sys.executable, "-W", "error", "-c", code, str(npz), str(out)]
    done = subprocess.run(command, env=bare, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    here = tmp_path / "b.png"
    render_file(npz, here, size=SIZE)
    assert out.read_bytes() == here.read_bytes()


def test_meta_is_what_the_engine_writes(npz):
    with np.load(npz) as archive:
        assert json.loads(str(archive["meta"]))["dataset"] == "v"
