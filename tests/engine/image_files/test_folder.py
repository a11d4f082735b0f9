"""A folder of pictures as a set of images."""

from __future__ import annotations

import os
import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.datasets.images import folder_training
from engine.image_files import folder as image_folder
from engine.image_files.folder import list_pictures, read_picture
from engine.image_files.loading import load_for, load_steps
from engine.training.trainer import finish

RNG = np.random.default_rng(0)


def noise(height: int, width: int, channels: int = 3) -> np.ndarray:
    shape = (height, width, channels) if channels > 1 else (height, width)
    return RNG.integers(0, 256, shape, np.uint8)


def save(path: Path, pixels: np.ndarray, **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


def load(folder: Path, split: str = "train", size: int = 8, channels: int = 3):
    return load_for(folder_training(size, channels, "small"), folder, split)


# One picture


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".webp"])
def test_a_picture_of_the_right_size_is_taken_as_it_is(tmp_path, suffix):
    pixels = noise(8, 8)
    options = {"lossless": True} if suffix == ".webp" else {}
    path = save(tmp_path / f"a{suffix}", pixels, **options)
    np.testing.assert_array_equal(read_picture(path, 8, 3), pixels.transpose(2, 0, 1))


@pytest.mark.parametrize(("height", "width"), [(40, 64), (64, 40), (41, 64), (64, 41)])
def test_the_central_square_is_scaled_as_by_pillow(tmp_path, height, width):
    pixels = noise(height, width)
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = Image.fromarray(pixels[top : top + side, left : left + side])
    expected = np.asarray(square.resize((16, 16), Image.Resampling.LANCZOS))
    found = read_picture(save(tmp_path / "a.png", pixels), 16, 3)
    np.testing.assert_array_equal(found, expected.transpose(2, 0, 1))


def test_grey_is_the_luminance(tmp_path):
    pixels = noise(8, 8)
    found = read_picture(save(tmp_path / "a.png", pixels), 8, 1)
    luminance = pixels @ np.array([0.299, 0.587, 0.114])
    assert found.shape == (1, 8, 8)
    assert np.abs(found[0] - luminance).max() <= 1
    assert len(read_picture(save(tmp_path / "b.png", pixels[..., 0]), 8, 3)) == 3


def test_a_large_photograph_keeps_its_colours_and_place(tmp_path):
    pixels = np.zeros((600, 800, 3), np.uint8)
    pixels[:300, 100:400] = (200, 40, 40)  # the upper left quarter of the central square
    found = read_picture(save(tmp_path / "a.jpg", pixels, quality=95), 16, 3)
    expected = np.zeros((3, 16, 16))
    expected[:, :8, :8] = np.array([200, 40, 40])[:, None, None]
    inside = np.s_[:, [1, 2, 3, 4, 5, 11, 12, 13, 14], 1:6]
    assert np.abs(found - expected)[inside].max() <= 8


def test_a_photograph_stands_upright(tmp_path):
    pixels = noise(8, 8)
    turned = Image.fromarray(pixels).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by a quarter, clockwise
    turned.save(tmp_path / "a.png", exif=exif)
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png", 8, 3), pixels.transpose(2, 0, 1))


def test_what_is_transparent_becomes_white(tmp_path):
    pixels = np.full((8, 8, 4), 30, np.uint8)
    pixels[:4, :, 3], pixels[4:, :, 3] = 0, 255
    found = read_picture(save(tmp_path / "a.png", pixels), 8, 3)
    assert (found[:, :4] == 255).all()
    assert (found[:, 4:] == 30).all()
    palette = Image.fromarray(noise(8, 8)).quantize(4)
    palette.save(tmp_path / "b.gif", transparency=0)
    with Image.open(tmp_path / "b.gif") as written:
        seen = np.asarray(written)
    assert (read_picture(tmp_path / "b.gif", 8, 3)[:, seen == 0] == 255).all()


def test_sixteen_bits_are_scaled_not_cut_off(tmp_path):
    levels = np.linspace(0, 65535, 64).round().astype(np.uint16).reshape(8, 8)
    found = read_picture(save(tmp_path / "a.png", levels), 8, 1)
    np.testing.assert_array_equal(found[0], np.round(levels / 257))


def test_a_film_gives_its_first_frame(tmp_path):
    frames = [Image.fromarray(np.full((8, 8), level, np.uint8)) for level in (10, 200)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert (read_picture(tmp_path / "a.gif", 8, 1) == 10).all()


# The folder


def test_pictures_come_from_all_folders_in_the_order_of_their_paths(tmp_path):
    names = ["b.png", "a/z.PNG", "a/y/x.png", "c/a.png", "a.png"]
    for level, name in enumerate(names):
        save(tmp_path / name, np.full((8, 8, 3), level, np.uint8))
    for hidden in (".hidden.png", ".cache/a.png", "notes.txt.d/readme"):
        (tmp_path / hidden).parent.mkdir(exist_ok=True)
        (tmp_path / hidden).write_bytes(b"not a picture")
    found = load(tmp_path)
    order = ["a/y/x.png", "a/z.PNG", "a.png", "b.png", "c/a.png"]
    assert [names[level] for level in found.images[:, 0, 0, 0]] == order
    assert found.labels.shape == (0,)
    assert found.labels.dtype == np.int64
    assert found.names == ()
    assert found.note == ""


def test_what_is_unusable_is_left_out_and_counted(tmp_path):
    save(tmp_path / "b.png", noise(8, 8))
    save(tmp_path / "d.jpg", noise(80, 80))
    cut = save(tmp_path / "c.jpg", noise(80, 80))
    cut.write_bytes(cut.read_bytes()[:1500])
    (tmp_path / "a.png").write_bytes(b"GIF89a but not really")
    (tmp_path / "e.webp").write_bytes(b"")
    (tmp_path / "f.gif").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = load(tmp_path)
    assert len(found.images) == 2
    first = tmp_path / "a.png"
    assert found.note.startswith(f"left out 4 unusable files, the first: cannot use {first}: ")
    assert str(first) not in found.note.replace(str(first), "", 1)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_a_picture_that_would_fill_the_memory_is_not_unpacked(tmp_path, monkeypatch):
    header = struct.pack(">IIBBBBB", 20_000, 8_000, 8, 0, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
    bomb += chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    (tmp_path / "bomb.png").write_bytes(bomb)
    with pytest.raises(ValueError, match="20000 x 8000 pixels are more than 100000000"):
        load(tmp_path)
    huge = struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 0, 0, 0, 0)
    (tmp_path / "bomb.png").write_bytes(bomb[:8] + chunk(b"IHDR", huge) + bomb[33:])
    with pytest.raises(ValueError, match=r"no image in .* usable; the first: .*bomb.png: ") as info:
        load(tmp_path)
    assert "\n" not in str(info.value)


def test_links_are_not_followed_and_counted(tmp_path):
    save(tmp_path / "in" / "a.png", noise(8, 8))
    save(tmp_path / "out" / "b.png", noise(8, 8))
    (tmp_path / "in" / "c.png").symlink_to(tmp_path / "out" / "b.png")
    (tmp_path / "in" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "in" / "folder").symlink_to(tmp_path / "out", target_is_directory=True)
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "in", target_is_directory=True)
    found = load(tmp_path / "in")
    assert len(found.images) == 1
    assert found.note == "left out 4 links, which are not followed"
    (tmp_path / "link").symlink_to(tmp_path / "in", target_is_directory=True)
    assert len(load(tmp_path / "link").images) == 1  # the user named it


def test_every_tenth_usable_picture_is_kept_for_a_test(tmp_path):
    for level in range(23):
        save(tmp_path / f"{level:02}.png", np.full((8, 8, 3), 10 * level, np.uint8))
    (tmp_path / "005.png").write_bytes(b"")
    train, test = load(tmp_path), load(tmp_path, "test")
    assert [level // 10 for level in test.images[:, 0, 0, 0]] == [9, 19]
    assert [level // 10 for level in train.images[:, 0, 0, 0]] == [
        level for level in range(23) if level not in (9, 19)
    ]
    assert test.transform is train.transform
    levels = train.images[:, 0] / 255
    assert train.transform.mean[0].item() == pytest.approx(levels.mean())


def test_few_pictures_are_all_for_training(tmp_path):
    for level in range(9):
        save(tmp_path / f"{level}.png", noise(8, 8))
    assert len(load(tmp_path).images) == 9
    with pytest.raises(ValueError, match="9 images are too few to keep every tenth for a test"):
        load(tmp_path, "test")


def test_reading_goes_file_by_file_and_once(tmp_path):
    for level in range(3):
        save(tmp_path / f"{level}.png", noise(8, 8))
    config = folder_training(8, 3, "small")
    assert list(load_steps(config, tmp_path)) == [(1, 3), (2, 3), (3, 3)]
    assert list(load_steps(config, tmp_path)) == []
    assert list(load_steps(folder_training(8, 1, "small"), tmp_path)) == [(1, 3), (2, 3), (3, 3)]
    save(tmp_path / "2.png", noise(9, 9))
    assert len(list(load_steps(folder_training(8, 1, "small"), tmp_path))) == 3


def test_what_cannot_be_is_refused(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=f"no folder of images {tmp_path}/none"):
        load(tmp_path / "none")
    with pytest.raises(ValueError, match="'folder' needs its folder"):
        load_for(folder_training(8, 3, "small"))
    (tmp_path / "notes.txt").write_text("none")
    with pytest.raises(ValueError, match=f"{tmp_path} holds no image"):
        load(tmp_path)
    for level in range(3):
        save(tmp_path / f"{level}.png", noise(8, 8))
    monkeypatch.setattr(image_folder, "MOST_FILES", 2)
    with pytest.raises(ValueError, match="holds more than 2 images"):
        load(tmp_path)
    monkeypatch.setattr(image_folder, "MOST_FILES", 3)
    monkeypatch.setattr(image_folder, "MOST_BYTES", 3 * 3 * 8 * 8 - 1)
    with pytest.raises(ValueError, match="3 images of 8 x 8 would take 576 bytes, more than 575"):
        load(tmp_path)


def test_a_picture_that_goes_while_others_are_read_is_counted(tmp_path):
    for level in range(3):
        save(tmp_path / f"{level}.png", noise(8, 8))
    listing = list_pictures(tmp_path)
    (tmp_path / "1.png").unlink()
    found = finish(image_folder.load_pictures(listing, 8, 3)).train
    assert len(found.images) == 2
    assert "1.png: No such file or directory" in found.note


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no such pipes here")
def test_nobody_waits_for_a_pipe(tmp_path):
    for k in range(2):
        save(tmp_path / f"{k}.png", noise(9, 9))
    os.mkfifo(tmp_path / "a.png")
    assert len(load(tmp_path).images) == 2
    with pytest.raises(ValueError, match=r"a\.png: it is no regular file"):
        read_picture(tmp_path / "a.png", 8, 1)


def test_what_is_no_picture_is_said_in_a_sentence(tmp_path):
    (tmp_path / "a.png").write_text("words")
    with pytest.raises(ValueError, match=r"a\.png: it is no PNG, JPEG, BMP, GIF or WEBP$"):
        read_picture(tmp_path / "a.png", 8, 1)
