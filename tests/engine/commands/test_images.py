"""The commands with images: classes, endpoints from seeds and pictures, and what they refuse."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import engine
from engine.checkpoints.checkpoint import Description, save_tensors
from engine.checkpoints.networks import build_network
from engine.commands import group
from engine.diffusion.inversion import invert
from engine.diffusion.noise import draw_latents
from engine.diffusion.samplers import DDIM, DDPM, sample
from engine.image_files import places
from engine.paths import geodesic_images
from engine.paths.curves import make_path
from engine.paths.latents import path_latents
from engine.shared.config import ScheduleConfig, TrainingConfig, UNetConfig
from tests.engine import small_image_sets

SHAPE = (1, 8, 8)
MEAN, STD = 0.25, 0.5


def run(*arguments: object) -> int:
    return group.run(group.commands, [str(argument) for argument in arguments])


def ok(*arguments: object) -> None:
    assert run(*arguments) == 0


def read(path: str):
    with np.load(path) as content:
        return {name: content[name] for name in content.files}


def tiny(path: Path, dataset: str, classes: int, channels: int = 1) -> None:
    """A checkpoint of a small untrained UNet whose output depends on all that it is told."""
    network = UNetConfig(
        width=8, multipliers=(1, 2), attention=(1,), heads=2, embedding=8, classes=classes
    )
    config = TrainingConfig(
        dataset=dataset,
        unet=network,
        image_size=8,
        channels=channels,
        schedule=ScheduleConfig(name="cosine", timesteps=20),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        unet = build_network(config, (channels, 8, 8))
        weights = {
            f"averaged.{name}": value + 0.1 * torch.randn(value.shape)
            for name, value in unet.state_dict().items()
        }
    description = Description(
        config=config,
        step=5,
        mean=[MEAN] * channels,
        std=[STD] * channels,
        shape=[channels, 8, 8],
    )
    save_tensors(path, weights, description)


@pytest.fixture(scope="session")
def tiny_digits(tmp_path_factory) -> Path:
    """A checkpoint of digits that knows classes; only for reading."""
    path = tmp_path_factory.mktemp("tiny") / "digits.safetensors"
    tiny(path, "digits", 10)
    return path


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory) -> Path:
    """One in colour that knows none."""
    path = tmp_path_factory.mktemp("tiny") / "folder.safetensors"
    tiny(path, "folder", 0, channels=3)
    return path


@pytest.fixture
def checkpoint(tiny_digits):
    return engine.load_checkpoint(tiny_digits)


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def short_search(monkeypatch):
    """A search of a few passes on few images."""
    monkeypatch.setattr(geodesic_images, "POINTS", 5)
    monkeypatch.setattr(geodesic_images, "STEPS", 3)
    monkeypatch.setattr(geodesic_images, "BENDS", 2)
    monkeypatch.setattr(geodesic_images, "PASSES", 2)


@pytest.fixture
def pictures():
    """A grey picture of 8 x 8, and a wide one in colour with the same in its middle."""
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8), np.uint8)
    Image.fromarray(pixels).save("small.png")
    wide = np.full((16, 40, 3), 255, np.uint8)
    wide[:, 12:28] = np.repeat(np.repeat(pixels, 2, 0), 2, 1)[..., None]
    Image.fromarray(wide).save("wide.png")
    return pixels


def standardised(pixels) -> np.ndarray:
    return ((pixels.astype(np.float32) / 255 - MEAN) / STD).reshape(SHAPE).astype(np.float32)


def last_of(checkpoint, latents, steps=4, classes=None, guidance=1.0):
    """What DDIM makes of latents, by the library."""
    denoiser = checkpoint.denoiser
    if classes is not None:
        denoiser = denoiser.conditioned(classes, guidance)
    *_, last = sample(denoiser, checkpoint.schedule, latents, sampler=DDIM(steps))
    return last.x.numpy()


# Samples and their classes


def test_samples_are_those_of_the_library(tiny_digits, checkpoint):
    ok("sample", "--checkpoint", tiny_digits, "--sampler", "ddpm", "--steps", 4, "--count", 3,
       "--seed", 2, "--out", "a.npz")  # fmt: skip
    content = read("a.npz")
    latents = draw_latents(2, 3, SHAPE)
    frames = sample(checkpoint.denoiser, checkpoint.schedule, latents, sampler=DDPM(4), seed=2)
    np.testing.assert_array_equal(content["x"], np.stack([frame.x for frame in frames]))
    meta = json.loads(str(content["meta"]))
    assert (meta["shape"], meta["mean"], meta["std"]) == ([1, 8, 8], [MEAN], [STD])
    assert (meta["dataset"], meta["classes"]) == ("digits", None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3", [3] * 12),
        ("3,7", [3, 7] * 6),
        ("each", [*range(10), 0, 1]),
    ],
)
def test_samples_take_classes_in_turn(tiny_digits, checkpoint, text, expected):
    ok("sample", "--checkpoint", tiny_digits, "--class", text, "--guidance", 2.5, "--count", 12,
       "--steps", 4, "--out", "a.npz")  # fmt: skip
    told = torch.eye(10)[expected]
    samples = last_of(checkpoint, draw_latents(0, 12, SHAPE), classes=told, guidance=2.5)
    np.testing.assert_array_equal(read("a.npz")["x"][-1], samples)
    plain = last_of(checkpoint, draw_latents(0, 12, SHAPE))
    assert np.abs(samples - plain).max() > 0.01  # they matter


def test_classes_have_names(tmp_path):
    tiny(Path("fashion.safetensors"), "fashion", 10)
    common = ["sample", "--checkpoint", "fashion.safetensors", "--count", 2, "--steps", 2]
    ok(*common, "--class", "t-shirt,Ankle boot", "--out", "a.npz")
    ok(*common, "--class", "0,9", "--out", "b.npz")
    np.testing.assert_array_equal(read("a.npz")["x"], read("b.npz")["x"])
    assert json.loads(str(read("a.npz")["meta"]))["classes"] == [0, 9]


@pytest.mark.parametrize("classes", [[], ["--class", "4,1", "--guidance", 3]], ids=str)
@pytest.mark.parametrize("sampler", ["ddim", "ddpm"])
def test_more_samples_leave_the_first_ones_where_they_were(tiny_digits, classes, sampler):
    common = ["sample", "--checkpoint", tiny_digits, "--sampler", sampler, "--steps", 3, *classes]
    ok(*common, "--count", 3, "--out", "a.npz")
    ok(*common, "--count", 70, "--out", "b.npz")
    np.testing.assert_array_equal(read("a.npz")["x"], read("b.npz")["x"][:, :3])


# Paths


SIMPLE = ["linear", "spherical", "prior-preserving", "norm-guided", "drawn"]


@pytest.mark.parametrize("path", SIMPLE)
def test_every_path_leads_through_latents_of_seeds(tiny_digits, checkpoint, path):
    through = ["--through", "seed:3:1", "seed:4"] if path == "drawn" else []
    ok("interpolate", "--checkpoint", tiny_digits, "--from", "seed:1", "--to", "seed:2:5",
       "--path", path, *through, "--steps", 4, "--out", "a.npz")  # fmt: skip
    content = read("a.npz")
    start, end = draw_latents(1, 1, SHAPE)[0], draw_latents(2, 6, SHAPE)[5]
    between = torch.stack([draw_latents(3, 2, SHAPE)[1], draw_latents(4, 1, SHAPE)[0]])
    expected = make_path(path, start, end, 12, through=between if through else None)
    np.testing.assert_array_equal(content["latents"], expected)
    np.testing.assert_array_equal(content["latents"][[0, -1]], torch.stack([start, end]))
    np.testing.assert_array_equal(content["x"][-1], last_of(checkpoint, expected))


def test_points_take_seeds_too(trained):
    ok("interpolate", "--checkpoint", trained, "--from", "seed:1:2", "--to", "-1,2", "--points", 5,
       "--out", "a.npz")  # fmt: skip
    ends = read("a.npz")["latents"][[0, -1]]
    np.testing.assert_array_equal(ends, [draw_latents(1, 3, (2,))[2].tolist(), [-1, 2]])


@pytest.mark.parametrize("path", ["spherical", "norm-guided"])
def test_a_third_latent_chooses_the_side_of_opposite_ends(checkpoint, path):
    start, third = draw_latents(1, 1, SHAPE)[0], draw_latents(5, 1, SHAPE)[0]
    found = []
    for through in (third, -third):
        work = path_latents(checkpoint, path, start, -start, 5, through=through[None])
        with pytest.raises(StopIteration) as done:
            next(work)
        found.append(done.value.value)
        expected = make_path(path, start, -start, 5, through=through[None])
        assert torch.equal(found[-1], expected)
    assert float((found[0] - found[1])[2].norm()) > 1


def test_a_picture_is_inverted(tiny_digits, checkpoint, pictures):
    state = standardised(pictures)
    np.save("state.npy", state)
    np.save("states.npy", state[None].astype(np.float64))
    *_, last = invert(checkpoint.denoiser, checkpoint.schedule, torch.from_numpy(state)[None],
                      steps=4)  # fmt: skip
    for file in ("small.png", "state.npy", "states.npy"):
        ok("interpolate", "--checkpoint", tiny_digits, "--from", f"image:{file}", "--to", "seed:2",
           "--points", 3, "--steps", 4, "--out", "a.npz")  # fmt: skip
        np.testing.assert_array_equal(read("a.npz")["latents"][0], last.x[0])
    # The middle of a larger one in colour is the same but for the scaling.
    ok("interpolate", "--checkpoint", tiny_digits, "--from", "image:wide.png", "--to",
       "image:small.png", "--points", 3, "--steps", 20, "--out", "a.npz")  # fmt: skip
    content = read("a.npz")
    decoded = content["x"][-1]
    assert np.abs(decoded[-1] - state).mean() < 0.15 * state.std()
    assert np.corrcoef(decoded[0].ravel(), state.ravel())[0, 1] > 0.8
    np.testing.assert_array_equal(content["latents"][-1], inverted_alone(checkpoint, state))


def inverted_alone(checkpoint, state):
    data = torch.from_numpy(state)[None]
    *_, last = invert(checkpoint.denoiser, checkpoint.schedule, data)
    return last.x[0].numpy()


def test_a_colour_picture_stays_one(tiny_folder):
    pixels = np.random.default_rng(1).integers(0, 256, (8, 8, 3), np.uint8)
    Image.fromarray(pixels).save("colour.png")
    ok("invert", "--checkpoint", tiny_folder, "--data", "colour.png", "--steps", 3,
       "--out", "a.npz")  # fmt: skip
    expected = (pixels.transpose(2, 0, 1).astype(np.float32) / 255 - MEAN) / STD
    np.testing.assert_allclose(read("a.npz")["x"][-1, 0], expected, atol=1e-6)


def test_invert_takes_states_and_pictures(tiny_digits, pictures):
    state = standardised(pictures)
    np.save("states.npy", np.stack([state, -state]))
    common = ["invert", "--checkpoint", tiny_digits, "--steps", 5]
    ok(*common, "--data", "states.npy", "--out", "a.npz")
    ok(*common, "--data", "small.png", "--out", "b.npz")
    several, one = read("a.npz"), read("b.npz")
    assert several["x"].shape == (6, 2, *SHAPE)
    np.testing.assert_array_equal(one["x"][:, 0], several["x"][:, 0])
    np.testing.assert_array_equal(one["x"][-1, 0], state)
    np.testing.assert_array_equal(one["latents"], one["x"][0])
    # And back again, by what interpolate makes of these latents.
    np.save("latents.npy", one["latents"])
    ok("sample", "--checkpoint", tiny_digits, "--latents", "latents.npy", "--out", "c.npz")


def test_a_class_holds_along_the_path_or_changes_on_the_way(tiny_digits, checkpoint):
    common = ["interpolate", "--checkpoint", tiny_digits, "--from", "seed:1", "--points", 5,
              "--steps", 4]  # fmt: skip
    latents = make_path("linear", *draw_latents(1, 2, SHAPE), 5)
    ok(*common, "--to", "seed:1:1", "--class", 3, "--out", "a.npz")
    told = torch.eye(10)[[3]]
    np.testing.assert_array_equal(
        read("a.npz")["x"][-1], last_of(checkpoint, latents, classes=told)
    )
    # From one class to another at fixed noise.
    ok(*common, "--to", "seed:1", "--class", "3,8", "--guidance", 2, "--out", "b.npz")
    content = read("b.npz")
    np.testing.assert_array_equal(content["latents"], latents[:1].expand(5, *SHAPE))
    share = torch.linspace(0, 1, 5)[:, None]
    told = (1 - share) * torch.eye(10)[3] + share * torch.eye(10)[8]
    expected = last_of(checkpoint, latents[:1].repeat(5, 1, 1, 1), classes=told, guidance=2)
    np.testing.assert_allclose(content["x"][-1], expected, atol=1e-5)
    assert np.abs(expected[0] - expected[-1]).max() > 0.01


def test_a_picture_is_inverted_with_the_class_of_its_end(tiny_digits, checkpoint, pictures):
    ok("interpolate", "--checkpoint", tiny_digits, "--from", "image:small.png", "--to",
       "image:small.png", "--class", "3,8", "--points", 3, "--out", "a.npz")  # fmt: skip
    content = read("a.npz")
    data = torch.from_numpy(standardised(pictures))[None]
    for row, index in ((0, 3), (-1, 8)):
        denoiser = checkpoint.denoiser.conditioned(torch.eye(10)[[index]])
        *_, last = invert(denoiser, checkpoint.schedule, data)
        np.testing.assert_array_equal(content["latents"][row], last.x[0])
        assert np.abs(content["x"][-1][row] - data[0].numpy()).mean() < 0.1


@pytest.mark.usefixtures("short_search")
def test_the_geodesic_is_one_of_the_paths(tiny_digits):
    ok("interpolate", "--checkpoint", tiny_digits, "--from", "seed:1", "--to", "seed:2",
       "--path", "geodesic", "--points", 4, "--steps", 4, "--out", "a.npz")  # fmt: skip
    latents = read("a.npz")["latents"]
    ends = torch.stack([draw_latents(seed, 1, SHAPE)[0] for seed in (1, 2)])
    np.testing.assert_array_equal(latents[[0, -1]], ends)
    norms = np.linalg.norm(latents.reshape(4, -1), axis=1)
    low, high = sorted(ends.flatten(1).norm(dim=1).tolist())
    assert (norms > low - 1e-3).all()
    assert (norms < high + 1e-3).all()


# A file says how it was made

COMMANDS = [
    ["sample", "--count", 3, "--class", "each", "--guidance", 2, "--sampler", "ddpm"],
    ["sample", "--count", 2, "--keep", "last", "--seed", 5],
    ["interpolate", "--from", "image:small.png", "--to", "seed:2:3", "--class", "1,2"],
    ["interpolate", "--from", "seed:1", "--to", "seed:2", "--path", "drawn", "--through",
     "image:small.png", "seed:9", "--even"],
    ["interpolate", "--from", "seed:1", "--to", "seed:2", "--path", "geodesic", "--points", 3],
]  # fmt: skip


@pytest.mark.usefixtures("short_search", "pictures")
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(map(str, command[:7])))
def test_the_same_command_gives_the_same_bytes_and_meta_says_which(tiny_digits, command):
    common = ["--checkpoint", tiny_digits, "--steps", 3]
    ok(*command, *common, "--out", "a.npz")
    ok(*command, *common, "--out", "b.npz")
    first = Path("a.npz").read_bytes()
    assert first == Path("b.npz").read_bytes()
    meta = json.loads(str(read("a.npz")["meta"]))
    again = [meta["command"], "--checkpoint", meta["checkpoint"], "--seed", meta["seed"]]
    again += ["--sampler", meta["sampler"]["name"], "--steps", meta["sampler"]["steps"]]
    again += ["--keep", meta["keep"], "--guidance", meta["guidance"]]
    if meta["classes"] is not None:
        again += ["--class", ",".join(map(str, meta["classes"]))]
    if meta["command"] == "sample":
        again += ["--count", meta["count"]]
    else:
        again += ["--from", meta["from"], "--to", meta["to"], "--points", meta["points"]]
        again += ["--path", meta["path"], "--even" if meta["even"] else "--no-even"]
        if meta["through"]:
            again += ["--through", *meta["through"]]
    ok(*again, "--out", "c.npz")
    assert first == Path("c.npz").read_bytes()


# Bad input

SAMPLE = ["sample", "--checkpoint", "DIGITS", "--steps", "2", "--out", "out.npz"]
TO_SEED = ["interpolate", "--checkpoint", "DIGITS", "--steps", "2", "--out", "out.npz",
           "--to", "seed:1", "--from"]  # fmt: skip
POINTS = ["--checkpoint", "v", "--steps", "2", "--out", "out.npz"]
BAD = {
    "no such image": ([*TO_SEED, "image:missing.png"], "missing.png"),
    "no file": ([*TO_SEED, "image:"], "'image:' names no file"),
    "a folder": ([*TO_SEED, "image:folder"], "folder"),
    "a damaged image": ([*TO_SEED, "image:damaged.png"], "damaged.png"),
    "no image": ([*TO_SEED, "image:text.png"], "text.png"),
    "a huge image": ([*TO_SEED, "image:huge.png"], "huge.png.* (pixels|exceeds)"),
    "a huge array": ([*TO_SEED, "image:huge.npy"], "huge.npy"),
    "another shape": ([*TO_SEED, "image:shape.npy"], r"shape.npy .*\(1, 8, 8\), got \(1, 9, 9\)"),
    "several states": ([*TO_SEED, "image:two.npy"], r"two.npy .*got \(2, 1, 8, 8\)"),
    "NaN": ([*TO_SEED, "image:nan.npy"], "nan.npy has NaN"),
    "a negative seed": ([*TO_SEED, "seed:-1"], "seed:-1.* got -1"),
    "a word for a seed": ([*TO_SEED, "seed:x"], "'seed:x' is not of the form seed:N"),
    "no seed": ([*TO_SEED, "seed:"], "'seed:' is not of the form seed:N"),
    "three numbers": ([*TO_SEED, "seed:1:2:3"], "'seed:1:2:3' is not of the form"),
    "a large index": ([*TO_SEED, "seed:1:10000"], "seed:1:10000.* got 10000"),
    "a large seed": ([*TO_SEED, f"seed:{2**63}"], f"got {2**63}"),
    "coordinates": ([*TO_SEED, "1,2"], "--from must be seed:N or image:PATH .* got 1,2"),
    "an image among points": (
        ["interpolate", *POINTS, "--from", "image:small.png", "--to", "0,0"],
        "--from image:small.png: the checkpoint 'v' has points",
    ),
    "side": ([*TO_SEED, "seed:2", "--path", "spherical", "--side", "left"], "64 dim.*--through"),
    "way-points": ([*TO_SEED, "seed:2", "--through", "seed:3"], "'linear' has no way-points"),
    "no way-points": ([*TO_SEED, "seed:2", "--path", "drawn"], "'drawn' needs its way-points"),
    "a bad way-point": (
        [*TO_SEED, "seed:2", "--path", "drawn", "--through", "image:missing.png"],
        "missing.png",
    ),
    "many way-points": (
        [*TO_SEED, "seed:2", "--path", "drawn", "--through", *["image:small.png"] * 101],
        "at most 100 way-points, got 101",
    ),
    "many points": (
        [*TO_SEED, "seed:2", "--points", "1000000", "--steps", "20"],
        "1000000 samples .* would take",
    ),
    "many even points": (
        [
            "interpolate",
            "--checkpoint",
            "FOLDER",
            "--from",
            "seed:1",
            "--to",
            "seed:2",
            "--even",
            "--keep",
            "last",
            "--points",
            "400000",
            "--out",
            "out.npz",
        ],
        "evenly decoded points must be between 2 and 349525, got 400000",
    ),
    "an unknown class": ([*SAMPLE, "--count", "2", "--class", "seven"], "unknown class 'seven'"),
    "a large class": ([*SAMPLE, "--count", "2", "--class", "10"], "unknown class '10'.* 9"),
    "an empty class": ([*SAMPLE, "--count", "2", "--class", "3,"], "unknown class ''"),
    "guidance": ([*SAMPLE, "--count", "2", "--class", "3", "--guidance", "99"], "0 and 20, got 99"),
    "NaN guidance": ([*SAMPLE, "--count=2", "--class=3", "--guidance=nan"], "guidance .* got nan"),
    "guidance of nothing": ([*SAMPLE, "--count", "2", "--guidance", "3"], "--guidance 3 needs"),
    "three classes": ([*TO_SEED, "seed:2", "--class", "1,2,3"], "one at each end, got 3"),
    "a class of points": (["sample", *POINTS, "--count", "2", "--class", "3"], "'v' knows no cla"),
    "a class of a folder": (
        ["sample", "--checkpoint", "FOLDER", "--count", "2", "--class", "1", "--out", "o.npz"],
        "knows no classes",
    ),
    "a class of an exact denoiser": (
        ["sample", "--checkpoint", "exact:v", "--count", "2", "--class", "1", "--out", "o.npz"],
        "'exact:v' knows no classes",
    ),
    "too many": (
        ["sample", "--checkpoint", "DIGITS", "--count", "1000000", "--out", "out.npz"],
        "1000000 samples with 21 frames would take",
    ),
    "states of points": (
        ["invert", "--checkpoint", "DIGITS", "--data", "points.npy", "--out", "out.npz"],
        r"points.npy must have shape \(N, 1, 8, 8\), got \(3, 2\)",
    ),
    "a missing picture": (
        ["invert", "--checkpoint", "DIGITS", "--data", "missing.png", "--out", "out.npz"],
        "missing.png",
    ),
    "a picture for points": (
        ["invert", "--checkpoint", "v", "--data", "small.png", "--out", "out.npz"],
        "small.png",
    ),
}


@pytest.fixture
def bad_files(pictures):
    whole = Path("small.png").read_bytes()
    Path("damaged.png").write_bytes(whole[: len(whole) // 2])
    Path("text.png").write_text("just words")
    Path("folder").mkdir()
    header = bytearray(whole)
    header[16:24] = (60_000).to_bytes(4, "big") * 2  # claims 3.6 gigapixels
    import zlib

    header[29:33] = zlib.crc32(bytes(header[12:29])).to_bytes(4, "big")
    Path("huge.png").write_bytes(header)
    with Path("huge.npy").open("wb") as stream:  # claims 8 TB
        np.lib.format.write_array_header_1_0(
            stream, {"descr": "<f8", "fortran_order": False, "shape": (10**12, 1)}
        )
    np.save("shape.npy", np.zeros((1, 9, 9), np.float32))
    np.save("two.npy", np.zeros((2, *SHAPE), np.float32))
    np.save("nan.npy", np.full(SHAPE, np.nan, np.float32))
    np.save("points.npy", np.zeros((3, 2), np.float32))


def contents(folder: Path) -> dict[str, bytes | None]:
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


@pytest.mark.usefixtures("bad_files")
@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_named_in_one_line_and_changes_nothing(
    tiny_digits, tiny_folder, tmp_path, capfd, name
):
    arguments, message = BAD[name]
    names = {"DIGITS": str(tiny_digits), "FOLDER": str(tiny_folder)}
    before = contents(tmp_path)
    status = run(*(names.get(argument, argument) for argument in arguments))
    output, error = capfd.readouterr()
    assert status == 2, error
    assert output == ""
    assert error.startswith("toydiff: ")
    assert error.count("\n") == 1, error
    assert re.search(message, error), error
    assert contents(tmp_path) == before


def test_the_exact_denoiser_of_images_finds_them_in_the_folder_named(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(places, "DEBIAN", {})
    monkeypatch.delenv("TOYDIFF_DATA", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    small_image_sets.write_all(tmp_path / "root" / "MNIST" / "raw", small_image_sets.idx_files())
    out, root = tmp_path / "a.npz", tmp_path / "root"
    exact = ["--checkpoint", "exact:mnist", "--steps", 2, "--out", out]
    assert run("sample", *exact, "--count", 2) == 2
    assert "'mnist' is not here" in capfd.readouterr().err
    ok("sample", *exact, "--count", 2, "--data-root", root)
    assert read(out)["x"].shape == (3, 2, 1, 28, 28)
    ends = ["--from", "seed:1", "--to", "seed:2", "--points", 3]
    ok("interpolate", *exact, *ends, "--data-root", root)
    capfd.readouterr()
    network = ["--checkpoint", "mnist", "--steps", 2, "--out", out, "--count", 2]
    assert run("sample", *network, "--data-root", root) == 2
    assert f"--data-root {root} needs a checkpoint exact:NAME" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("train --dataset digits --no-classes --unlabelled 0.5", "--unlabelled 0.5: the network"),
        ("evaluate --checkpoint digits --quick --data-root there", "--data-root there: 'digits'"),
    ],
)
def test_what_nothing_would_heed_is_refused(tmp_path, monkeypatch, capfd, command, said):
    monkeypatch.chdir(tmp_path)
    out = ["--out", "run"] if command.startswith("train") else []
    assert run(*command.split(), *out) == 2
    assert said in capfd.readouterr().err
    assert not list(tmp_path.iterdir())
