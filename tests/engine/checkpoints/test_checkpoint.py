"""A checkpoint is what was trained; anything else is refused by name, and nothing is unpickled."""

from __future__ import annotations

import ast
import json
import struct
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
import safetensors.torch
import torch

import engine
from engine import datasets
from engine.checkpoints import checkpoint as checkpoints
from engine.shared.config import POINT_SETS

ROOT = Path(__file__).resolve().parents[3]


def test_what_was_trained_is_what_is_loaded(trained, config_for):
    loaded = engine.load_checkpoint(trained)
    data = datasets.load("v", n=400, seed=0)
    assert loaded.config == config_for()
    assert loaded.description.step == 30
    assert loaded.shape == (2,)
    assert loaded.schedule.timesteps == 20
    assert np.array_equal(loaded.transform.mean, data.transform.mean)
    assert np.array_equal(loaded.transform.std, data.transform.std)

    stored = safetensors.torch.load_file(trained / "checkpoint.safetensors")
    for averaged, prefix in ((True, "averaged."), (False, "weights.")):
        network = engine.load_checkpoint(trained, averaged=averaged).denoiser.network
        for name, value in network.state_dict().items():
            assert torch.equal(value, stored[prefix + name])
    assert loaded.describe()["config"]["dataset"] == "v"
    json.dumps(loaded.describe())


def test_file_and_folder_are_the_same_checkpoint(trained):
    x, t = torch.ones(2, 2), torch.tensor([1, 20])
    by_folder = engine.load_checkpoint(str(trained)).denoiser.predict_noise(x, t)
    by_file = engine.load_checkpoint(trained / "checkpoint.safetensors").denoiser
    assert torch.equal(by_folder, by_file.predict_noise(x, t))


def test_saving_twice_gives_the_same_bytes(trained, tmp_path):
    description, tensors = checkpoints.load_tensors(trained / "checkpoint.safetensors")
    checkpoints.save_tensors(tmp_path / "again", tensors, description)
    assert (tmp_path / "again").read_bytes() == (trained / "checkpoint.safetensors").read_bytes()


@pytest.mark.parametrize("name", [n for n in checkpoints.BUNDLED if n in POINT_SETS])
def test_bundled_checkpoints_are_what_they_say(name):
    loaded = engine.load_checkpoint(name)
    data = datasets.load(name, n=loaded.config.points, seed=loaded.config.seed)
    assert loaded.config.dataset == name
    assert loaded.description.step == loaded.config.steps
    np.testing.assert_allclose(loaded.transform.mean, data.transform.mean, atol=1e-12)
    np.testing.assert_allclose(loaded.transform.std, data.transform.std, atol=1e-12)


@pytest.mark.parametrize("kind", [str, Path])
def test_the_exact_denoiser_goes_by_a_name_before_the_checkpoints(trained, kind):
    network = engine.load_checkpoint(trained)
    exact = engine.load_checkpoint(kind(f"exact:{trained}"))
    data = datasets.load("v", n=400, seed=0).points
    np.testing.assert_array_equal(exact.training_points(), data)
    assert exact.description == network.description
    assert exact.source == f"exact:{trained}"
    assert exact.describe()["source"] == exact.source
    x = torch.from_numpy(data[:6]) + 0.1
    ours = exact.denoiser.predict(x, 10)
    bar = exact.schedule.alpha_bar(10)
    weights = torch.cdist(x.double(), bar**0.5 * torch.from_numpy(data).double()).square()
    means = (-weights / (2 * (1 - bar))).softmax(1) @ torch.from_numpy(data).double()
    torch.testing.assert_close(ours.x0, means.float(), atol=1e-5, rtol=0)
    again = network.exact()
    assert again.source == exact.source
    assert torch.equal(again.denoiser.predict(x, 10).x0, ours.x0)


def test_the_exact_denoiser_of_a_bundled_name():
    exact = engine.load_checkpoint("exact:moons")
    assert (exact.source, exact.config.dataset) == ("exact:moons", "moons")
    # At the end of the way every state is a point of the data.
    points = exact.training_points()[:5]
    x0 = exact.denoiser.predict_x0(torch.from_numpy(points), 1)
    np.testing.assert_allclose(x0, points, atol=0.02)


def header(data: bytes) -> dict:
    (size,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + size])


def with_header(data: bytes, change) -> bytes:
    """The file with a changed header."""
    (size,) = struct.unpack("<Q", data[:8])
    content = header(data)
    change(content)
    text = json.dumps(content).encode()
    return struct.pack("<Q", len(text)) + text + data[8 + size :]


def with_description(data: bytes, change) -> bytes:
    def rewrite(content):
        stored = json.loads(content["__metadata__"]["toydiff"])
        change(stored)
        content["__metadata__"]["toydiff"] = json.dumps(stored)

    return with_header(data, rewrite)


def set_at(*path_and_value):
    *path, key, value = path_and_value

    def change(content):
        for step in path:
            content = content[step]
        content[key] = value

    return change


DAMAGE = {
    "empty": lambda data: b"",
    "short": lambda data: data[:5],
    "half": lambda data: data[: len(data) // 2],
    "one byte less": lambda data: data[:-1],
    "one byte more": lambda data: data + b"\0",
    "flipped header": lambda data: data[:20] + bytes([data[20] ^ 0xFF]) + data[21:],
    "huge header": lambda data: struct.pack("<Q", 2**60) + data[8:],
    "text": lambda data: b"not a checkpoint at all, but long enough to be one " * 5,
    "pickle": lambda data: b"\x80\x04\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94.",
    "foreign": lambda data: safetensors.torch.save({"w": torch.zeros(3)}),
    "foreign metadata": lambda data: safetensors.torch.save({"w": torch.zeros(3)}, {"a": "b"}),
    "no JSON": lambda data: with_header(data, set_at("__metadata__", "toydiff", "{")),
    "later format": lambda data: with_description(data, set_at("format", 2)),
    "unknown key": lambda data: with_description(data, set_at("extra", 2)),
    "unknown schedule": lambda data: with_description(
        data, set_at("config", "schedule", "name", "sigmoid")
    ),
    "huge width": lambda data: with_description(data, set_at("config", "model", "width", 10**9)),
    "other width": lambda data: with_description(data, set_at("config", "model", "width", 32)),
    "other depth": lambda data: with_description(data, set_at("config", "model", "depth", 1)),
    "other dimension": lambda data: with_description(
        with_description(data, set_at("mean", [0.0] * 3)), set_at("std", [1.0] * 3)
    ),
    "no deviation": lambda data: with_description(data, set_at("std", [1.0, 0.0])),
    "NaN mean": lambda data: with_description(data, set_at("mean", [float("nan"), 0.0])),
    "negative step": lambda data: with_description(data, set_at("step", -1)),
    "no means": lambda data: with_description(data, set_at("mean", [])),
    "nested deeply": lambda data: with_header(
        data, set_at("__metadata__", "toydiff", '{"config": {"x": ' + '{"a": ' * 100_000)
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_refused_by_name(trained, tmp_path, damage):
    path = tmp_path / "spoilt.safetensors"
    path.write_bytes(DAMAGE[damage]((trained / "checkpoint.safetensors").read_bytes()))
    with pytest.raises(
        ValueError, match=r"spoilt\.safetensors is not a usable checkpoint"
    ) as caught:
        engine.load_checkpoint(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(trained, tmp_path, value):
    description, tensors = checkpoints.load_tensors(trained / "checkpoint.safetensors")
    tensors["averaged.outlet.bias"][0] = value
    checkpoints.save_tensors(tmp_path / "nan.safetensors", tensors, description)
    with pytest.raises(ValueError, match=r"nan\.safetensors .* not finite"):
        engine.load_checkpoint(tmp_path / "nan.safetensors")


@pytest.mark.parametrize(
    "change",
    [
        lambda tensors: tensors.pop("averaged.outlet.bias"),
        lambda tensors: tensors.update({"averaged.extra": torch.zeros(1)}),
        lambda tensors: tensors.update({"averaged.outlet.bias": torch.zeros(3)}),
    ],
)
def test_weights_that_do_not_fit_are_refused(trained, tmp_path, change):
    description, tensors = checkpoints.load_tensors(trained / "checkpoint.safetensors")
    change(tensors)
    checkpoints.save_tensors(tmp_path / "odd.safetensors", tensors, description)
    with pytest.raises(ValueError, match=r"odd\.safetensors .* do not fit"):
        engine.load_checkpoint(tmp_path / "odd.safetensors")


def test_a_small_file_cannot_claim_much_memory(trained, tmp_path, monkeypatch):
    """Many coordinates in the description, none in the weights: no network is made."""
    built = []
    build = checkpoints.build_network

    def watched(config, dimension):
        network = build(config, dimension)
        built.extend(p for p in network.parameters() if p.device.type != "meta")
        return network

    monkeypatch.setattr(checkpoints, "build_network", watched)
    data = (trained / "checkpoint.safetensors").read_bytes()
    data = with_description(data, set_at("mean", [0.0] * 100_000))
    data = with_description(data, set_at("std", [1.0] * 100_000))
    (tmp_path / "wide.safetensors").write_bytes(data)
    with pytest.raises(ValueError, match="do not fit"):
        engine.load_checkpoint(tmp_path / "wide.safetensors")
    assert not built


def test_any_training_that_may_begin_can_be_resumed():
    """Its state: the weights, their average and two moments in float32, and some words."""
    assert checkpoints.MAX_FILE_BYTES > 4 * 4 * checkpoints.MOST_PARAMETERS + 2**20


def test_a_file_too_large_to_be_ours_is_not_read(tmp_path):
    path = tmp_path / "large.safetensors"
    with path.open("wb") as stream:
        stream.truncate(checkpoints.MAX_FILE_BYTES + 1)  # sparse: takes no room
    with pytest.raises(ValueError, match=r"large\.safetensors .* holds \d+ bytes, more than"):
        engine.load_checkpoint(path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nowhere", "no checkpoint 'nowhere': .* one of v, gaussians8, moons"),
        ("", "no checkpoint ''"),
        ("exact:nowhere", "no checkpoint 'nowhere'"),
        ("exact:", "no checkpoint ''"),
    ],
)
def test_unknown_names_are_named(name, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "checkpoint.safetensors").write_bytes(b"of a training in the folder we are in")
    with pytest.raises(ValueError, match=message):
        engine.load_checkpoint(name)


def test_a_failing_disk_leaves_nothing_behind(trained, tmp_path, monkeypatch):
    description, tensors = checkpoints.load_tensors(trained / "checkpoint.safetensors")
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(OSError, match="full"):
        checkpoints.save_tensors(tmp_path / "new", tensors, description)
    assert list(tmp_path.iterdir()) == []


def test_descriptions_are_one_line_of_json(trained):
    text = header((trained / "checkpoint.safetensors").read_bytes())["__metadata__"]
    assert list(text) == ["toydiff"]
    assert msgspec.json.decode(text["toydiff"], type=checkpoints.Description).step == 30


def unpickling_calls(path: Path):
    """Whatever in a module could run code from a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = [alias.name for alias in node.names] + [getattr(node, "module", None) or ""]
            yield from (
                n for n in names if n.split(".")[0] in {"pickle", "shelve", "dill", "joblib"}
            )
        if isinstance(node, ast.Call):
            call = ast.unparse(node.func)
            if call in {"torch.load", "pd.read_pickle", "eval", "exec"}:
                yield call
            safe = any(
                k.arg == "allow_pickle" and ast.unparse(k.value) == "False" for k in node.keywords
            )
            if call in {"np.load", "numpy.load"} and not safe:
                yield call


def test_nothing_in_the_program_unpickles():
    modules = [*(ROOT / "engine").rglob("*.py"), *(ROOT / "toydiff_gui").rglob("*.py")]
    assert len(modules) > 20
    found = {str(path): list(unpickling_calls(path)) for path in modules}
    assert {path: calls for path, calls in found.items() if calls} == {}


def test_the_search_for_unpickling_finds_it(tmp_path):
    (tmp_path / "bad.py").write_text("import pickle\nimport torch\ntorch.load(x)\nnp.load(y)\n")
    assert list(unpickling_calls(tmp_path / "bad.py")) == ["pickle", "torch.load", "np.load"]


def test_images_of_another_shape_make_no_exact_denoiser():
    network = engine.load_checkpoint("digits")
    three = {"shape": [3, 8, 8], "mean": [0.5] * 3, "std": [0.5] * 3}
    coloured = msgspec.structs.replace(network.description, **three)
    said = r"images have shape \(1, 8, 8\), the network's \(3, 8, 8\)"
    with pytest.raises(ValueError, match=said):
        replace(network, description=coloured).exact()
