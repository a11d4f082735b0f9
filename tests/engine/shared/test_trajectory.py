"""Trajectories and paths: what is saved is what is loaded, and what is no trajectory is refused."""

from __future__ import annotations

import io
import os
import struct
import zipfile

import numpy as np
import pytest
import torch

from engine.paths.curves import make_path
from engine.shared import trajectory
from engine.shared.files import make_folder, write_atomically
from engine.shared.trajectory import Trajectory, check_size


def some_trajectory(shape=(3, 2), times=(9, 4, 0), **meta) -> Trajectory:
    rng = np.random.default_rng(0)
    states = [rng.normal(size=shape).astype(np.float32) for _ in range(2 * len(times))]
    return Trajectory(list(times), states[::2], states[1::2], meta)


@pytest.mark.parametrize("shape", [(3, 2), (2, 1, 8, 8)])
def test_saved_is_loaded(tmp_path, shape):
    saved = some_trajectory(shape, name="ü", values=[1, 2.5, None])
    saved.save(tmp_path / "a.npz")
    loaded = trajectory.load(tmp_path / "a.npz")
    assert loaded.t == saved.t
    assert loaded.meta == saved.meta
    np.testing.assert_array_equal(loaded.x, saved.x)
    np.testing.assert_array_equal(loaded.x0, saved.x0)
    assert loaded.complete


def test_latents_are_kept_when_promised(tmp_path):
    some_trajectory(keeps=["latents"]).save(tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as content:
        np.testing.assert_array_equal(content["latents"], content["x"][0])


def test_the_frame_at_a_time_is_the_last_that_was_reached():
    whole = some_trajectory(times=(10, 6, 3, 0))
    found = [whole.index_at(t) for t in (11, 10, 9.9, 6, 5, 3.1, 3, 2, 0.5, 0)]
    assert found == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3]
    part = Trajectory(whole.t, whole.x[:2], whole.x0[:2])
    assert [part.index_at(t) for t in (10, 6, 0)] == [0, 1, 1]
    assert (part.reached, part.complete) == (6, False)
    nothing = Trajectory([10, 0])
    assert (nothing.index_at(5), nothing.reached) == (None, None)


def test_a_moment_is_the_same_however_much_follows():
    whole = some_trajectory(times=(10, 6, 3, 0))
    part = Trajectory(whole.t, whole.x[:2], whole.x0[:2], whole.meta)
    assert whole.at(7) == part.at(7) == Trajectory((10,), whole.x[:1], whole.x0[:1], whole.meta)
    assert whole.at(4) == part.at(4)
    assert whole.at(3) != part.at(3)
    assert Trajectory([10, 0]).at(5) == Trajectory(())


def test_no_frame_without_a_time():
    full = some_trajectory()
    with pytest.raises(ValueError, match="3 times got one frame more"):
        full.with_frame(full.x[0], full.x0[0])


def spoilt(path, **changes):
    arrays = {
        "x": np.zeros((2, 3, 2), np.float32),
        "x0": np.zeros((2, 3, 2), np.float32),
        "t": np.array([5, 0]),
        "meta": np.array("{}"),
    }
    arrays |= changes
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})


BAD = {
    "no x0": {"x0": None},
    "no meta": {"meta": None},
    "shapes": {"x0": np.zeros((2, 3, 1), np.float32)},
    "times": {"t": np.array([5, 4, 0])},
    "rising": {"t": np.array([0, 5])},
    "negative": {"t": np.array([5, -1])},
    "fractions": {"t": np.array([5.0, 0.0])},
    "float64": {"x": np.zeros((2, 3, 2)), "x0": np.zeros((2, 3, 2))},
    "NaN": {"x": np.full((2, 3, 2), np.nan, np.float32)},
    "meta is no JSON": {"meta": np.array("{")},
    "meta is a list": {"meta": np.array("[]")},
    "no samples": {"x": np.zeros((2, 0, 2), np.float32), "x0": np.zeros((2, 0, 2), np.float32)},
    "objects": {"x": np.array([[None]], object)},
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_trajectory_is_refused_by_name(tmp_path, name):
    spoilt(tmp_path / "bad.npz", **BAD[name])
    with pytest.raises(ValueError, match=r"bad\.npz is not a ToyDiff trajectory"):
        trajectory.load(tmp_path / "bad.npz")


@pytest.mark.parametrize("content", [b"", b"words", b"PK\x03\x04" + bytes(50)])
def test_foreign_files_are_refused_by_name(tmp_path, content):
    (tmp_path / "bad.npz").write_bytes(content)
    with pytest.raises(ValueError, match=r"bad\.npz is not a ToyDiff trajectory"):
        trajectory.load(tmp_path / "bad.npz")
    with pytest.raises(ValueError, match=r"no such trajectory file: .*none\.npz"):
        trajectory.load(tmp_path / "none.npz")


DEEP = 100_000 * "["


def flipped(name: str) -> bytes:
    """A whole file with something wrong inside."""
    stream = io.BytesIO()
    arrays = {"x": np.zeros((2, 3, 2), np.float32), "t": np.array([5, 0])}
    meta = DEEP if name == "deep meta" else "{}"
    np.savez_compressed(stream, x0=arrays["x"], meta=np.array(meta), **arrays)
    content = bytearray(stream.getvalue())
    directory = content.index(b"PK\x01\x02")
    begin = 30 + sum(struct.unpack("<HH", content[26:30]))  # after the name and what is extra
    if name == "compressed bytes":
        content[begin : begin + 10] = bytes([0xFF] * 10)
    elif name == "unknown method":
        content[directory + 10] = content[8] = 99
    elif name == "encrypted":
        content[directory + 8] |= 1
        content[6] |= 1
    return bytes(content)


@pytest.mark.parametrize("name", ["compressed bytes", "unknown method", "encrypted", "deep meta"])
def test_damage_inside_of_a_file_is_refused_by_name(tmp_path, name):
    (tmp_path / "bad.npz").write_bytes(flipped(name))
    with pytest.raises(ValueError, match=r"bad\.npz is not a ToyDiff trajectory") as caught:
        trajectory.load(tmp_path / "bad.npz")
    assert "pickle" not in str(caught.value)


HEADER = b"\x93NUMPY\x01\x00\x36\x00"


@pytest.mark.parametrize(
    "content",
    [
        b"PK\x03\x04",
        HEADER + b"{'descr': '<f4', 'fortran_order': False, 'shape': ((2,".ljust(54),
        HEADER + b"{'descr': [[]], 'fortran_order': False, 'shape': (1,)}".ljust(54),
    ],
)
def test_damaged_arrays_are_refused_by_name(tmp_path, content):
    (tmp_path / "bad.npy").write_bytes(content)
    with pytest.raises(ValueError, match=r"latents file .*bad\.npy is not an \.npy file"):
        trajectory.load_array(tmp_path / "bad.npy", "latents")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no such pipes here")
def test_nobody_waits_for_a_pipe(tmp_path):
    for name, read in (("a.npz", trajectory.load), ("a.npy", trajectory.load_array)):
        os.mkfifo(tmp_path / name)
        with pytest.raises(ValueError, match=rf"{name} cannot be read: it is no regular file"):
            read(tmp_path / name, *(["latents"] if name == "a.npy" else []))


def test_an_array_that_claims_too_much_is_refused(tmp_path, monkeypatch):
    some_trajectory().save(tmp_path / "a.npz")
    monkeypatch.setattr(trajectory, "MAX_BYTES", 100)
    with pytest.raises(ValueError, match="more than 100"):
        trajectory.load(tmp_path / "a.npz")


def test_a_header_that_claims_too_much_is_refused(tmp_path):
    spoilt(tmp_path / "good.npz")
    header = io.BytesIO()
    claim = {"descr": "<f4", "fortran_order": False, "shape": (10**12, 3, 2)}
    np.lib.format.write_array_header_1_0(header, claim)
    with (
        zipfile.ZipFile(tmp_path / "good.npz") as good,
        zipfile.ZipFile(tmp_path / "bad.npz", "w") as bad,
    ):
        for name in good.namelist():
            bad.writestr(name, header.getvalue() if name == "x.npy" else good.read(name))
    with pytest.raises(ValueError, match=r"bad\.npz is not a ToyDiff trajectory"):
        trajectory.load(tmp_path / "bad.npz")


def test_sizes_are_those_of_two_arrays_of_float32():
    most = trajectory.MAX_BYTES // (2 * 4 * 2)
    check_size(1, most, 2)
    with pytest.raises(ValueError, match=f"{most + 1} samples with 1 frames would take 2.0 GiB"):
        check_size(1, most + 1, 2)


def test_a_failing_writer_leaves_the_old_file(tmp_path):
    (tmp_path / "a").write_text("old")

    def write(stream):
        stream.write(b"new")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "a", write)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": "old"}
    write_atomically(tmp_path / "a", lambda stream: stream.write(b"new"))
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": "new"}


def test_a_folder_is_made_with_its_parents_and_left_empty(tmp_path):
    assert make_folder(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert list((tmp_path / "a" / "b").iterdir()) == []


# Paths


def test_a_line_meets_its_ends_to_the_bit_and_is_even():
    start, end = torch.tensor([0.1, -2.3]), torch.tensor([1.7, 0.3])
    path = make_path("linear", start, end, 11)
    assert torch.equal(path[0], start)
    assert torch.equal(path[-1], end)
    torch.testing.assert_close(path.diff(dim=0), ((end - start) / 10).expand(10, 2))
    assert make_path("linear", torch.zeros(1, 4, 4), torch.ones(1, 4, 4), 5).shape == (5, 1, 4, 4)


@pytest.mark.parametrize(
    ("name", "end", "points", "message"),
    [
        ("zigzag", [1.0, 1.0], 5, "unknown path 'zigzag'"),
        ("geodesic", [1.0, 1.0], 5, "'geodesic' is found by a search, which needs a denoiser"),
        ("linear", [1.0, 1.0], 1, "number of points must be .* got 1"),
        ("linear", [1.0, float("inf")], 5, r"path's end must be finite, got \[1.0, inf\]"),
        ("linear", [1.0], 5, r"differ in shape: \(2,\) and \(1,\)"),
    ],
)
def test_impossible_paths_are_named(name, end, points, message):
    with pytest.raises(ValueError, match=message):
        make_path(name, torch.zeros(2), torch.tensor(end), points)
