"""The UNet at every size: no padding, attention where it was asked for, classes as they should."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import msgspec
import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from engine.checkpoints import checkpoint as checkpoints
from engine.models.attention import MultiHeadAttention, recorded_attention
from engine.models.unet import UNet
from engine.shared.config import (
    PRESETS,
    TrainingConfig,
    UNetConfig,
    from_json,
    resolutions,
    unet_preset,
)
from engine.shared.run_files import CHECKPOINT
from engine.training.trainer import Trainer
from tests.engine.small_unet import TINY, digits_config, lively_unet

THREE = UNetConfig(width=8, multipliers=(1, 2, 2), attention=(2,), heads=2, embedding=8)
WITH_CLASSES = replace(TINY, classes=3)


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def feature_sides(network: nn.Module, x: Tensor) -> list[int]:
    """The sides of all that goes into a convolution, and of the output."""
    sides: set[tuple[int, ...]] = set()
    handles = [
        layer.register_forward_pre_hook(lambda _, args: sides.add(tuple(args[0].shape[-2:])))
        for layer in network.modules()
        if isinstance(layer, nn.Conv2d)
    ]
    out = network(x, torch.ones(len(x), dtype=torch.long))
    for handle in handles:
        handle.remove()
    sides.add(tuple(out.shape[-2:]))
    assert all(height == width for height, width in sides)
    return sorted((height for height, _ in sides), reverse=True)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("size", [8, 9, 13, 21, 28, 32, 45, 63, 64])
def test_any_channels_and_sizes(size, channels):
    network = lively_unet(THREE, channels, size)
    x = drawn(2, channels, size, size)
    out = network(x, torch.tensor([1, 20]))
    assert out.shape == x.shape
    assert torch.isfinite(out).all()
    assert out.std() > 0.01
    # Every map has the side of its level: nothing was padded to a friendlier size.
    assert feature_sides(network, x) == resolutions(size, 3)


@pytest.mark.parametrize(
    ("size", "levels", "sides"),
    [(28, 3, [28, 14, 7]), (28, 4, [28, 14, 7, 4]), (45, 4, [45, 23, 12, 6]), (8, 1, [8])],
)
def test_levels_halve_rounding_up(size, levels, sides):
    assert resolutions(size, levels) == sides


class Padded(nn.Module):
    """What must not be done: a UNet that sees the image padded to a power of two, and cut again."""

    def __init__(self, network: UNet, side: int) -> None:
        super().__init__()
        self.network, self.side = network, side

    def forward(self, x: Tensor, t: Tensor) -> Tensor:
        before = (self.side - x.shape[-1]) // 2
        after = self.side - x.shape[-1] - before
        out = self.network(F.pad(x, (before, after, before, after)), t)
        return out[..., before : before + x.shape[-1], before : before + x.shape[-1]]


def of_flat_image(network: nn.Module, size: int) -> Tensor:
    with torch.no_grad():
        return network(torch.full((1, 1, size, size), 0.7), torch.tensor([5]))


def pointwise(network: UNet) -> UNet:
    """Let every 3x3 convolution look at its own pixel only, so that no border is seen."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d) and layer.kernel_size == (3, 3):
            centre = layer.weight[:, :, 1, 1].clone()
            layer.weight.zero_()
            layer.weight[:, :, 1, 1] = centre * 3
    return network


@pytest.mark.parametrize("size", [8, 11, 28, 29, 45, 64])
def test_a_flat_image_stays_flat_at_any_size(size):
    """Norms and attention take in the whole image: padding would change every pixel through them.

    Without looking at neighbours, a flat image must give the same flat image at any size.
    """
    network = pointwise(lively_unet(replace(THREE, attention=(1, 2))))
    expected = of_flat_image(network, 32)[0, 0, 0, 0]
    assert expected.abs() > 0.01
    found = of_flat_image(network, size)
    torch.testing.assert_close(found, expected.expand_as(found), atol=1e-4, rtol=0)


def test_padding_would_be_noticed():
    network = pointwise(lively_unet(replace(THREE, attention=(1, 2))))
    right, padded = of_flat_image(network, 28), of_flat_image(Padded(network, 32), 28)
    assert (right - padded).abs().max() > 0.01
    assert feature_sides(Padded(network, 32), torch.zeros(1, 1, 28, 28)) != resolutions(28, 3)


def test_the_time_matters_and_rows_have_their_own():
    network = lively_unet()
    x = drawn(1, 1, 8, 8).expand(20, -1, -1, -1)
    out = network(x, torch.arange(1, 21))
    for one, other in pairwise(out):
        assert (one - other).abs().max() > 1e-5
    assert (out[0] - out[-1]).abs().max() > 1e-2
    t = torch.tensor([3, 17, 3])
    rows = network(drawn(3, 1, 8, 8), t)
    for i in range(3):
        alone = network(drawn(3, 1, 8, 8)[i : i + 1], t[i : i + 1])
        torch.testing.assert_close(alone[0], rows[i], atol=1e-5, rtol=0)


@pytest.mark.parametrize("classes", [None, (1, 3), (4, 3)])
def test_at_one_time_is_forward(classes):
    network = lively_unet(WITH_CLASSES)
    x = drawn(4, 1, 8, 8)
    told = None if classes is None else drawn(*classes, seed=1)
    for t in (1, 9, 20):
        rows = None if told is None else told.expand(4, -1)
        torch.testing.assert_close(
            network.at(x, t, told), network(x, torch.full((4,), t), rows), atol=1e-5, rtol=0
        )


def test_memory_order_does_not_matter():
    network = lively_unet(replace(THREE, attention=(0, 2)), channels=3, size=13)
    x = drawn(2, 3, 13, 13)
    last = x.to(memory_format=torch.channels_last)
    torch.testing.assert_close(network.at(x, 4), network.at(last, 4), atol=0, rtol=0)
    moved = lively_unet(replace(THREE, attention=(0, 2)), channels=3, size=13)
    moved.to(memory_format=torch.channels_last)
    torch.testing.assert_close(network.at(x, 4), moved.at(x, 4), atol=1e-5, rtol=0)


def test_a_class_is_its_column_and_weights_are_between():
    network = lively_unet(WITH_CLASSES)
    x = drawn(1, 1, 8, 8)

    def of(*weights: float) -> Tensor:
        return network.at(x, 7, torch.tensor([weights], dtype=torch.float32))

    assert torch.equal(of(0, 0, 0), network.at(x, 7))
    outs = [of(1, 0, 0), of(0, 1, 0), of(0, 0, 1), of(0, 0, 0)]
    for one, other in pairwise([*outs, outs[0]]):
        assert (one - other).abs().max() > 1e-3
    mixed = of(0, 0.3, 0.7)
    columns = network.classes.weight.clone()
    network.classes.weight[:, 0] = 0.3 * columns[:, 1] + 0.7 * columns[:, 2]
    torch.testing.assert_close(of(1, 0, 0), mixed, atol=1e-5, rtol=0)
    network.classes.weight.copy_(columns)
    # A little away from a class is a little away from its image.
    assert (of(0.999, 0.001, 0) - outs[0]).abs().max() < 0.01
    # In a batch each row has its own.
    rows = network.at(x.expand(3, -1, -1, -1), 7, torch.eye(3))
    torch.testing.assert_close(rows, torch.cat(outs[:3]), atol=1e-5, rtol=0)


def test_classes_for_a_network_without_any_are_refused():
    with pytest.raises(ValueError, match="trained without classes"):
        lively_unet().at(drawn(1, 1, 8, 8), 7, torch.ones(1, 3))
    assert lively_unet().known_classes == 0
    assert lively_unet(WITH_CLASSES).known_classes == 3


@pytest.mark.parametrize(
    ("size", "attention", "expected"),
    [
        (
            28,
            (1, 2),
            {
                "down.1.attention.heads": 14,
                "down.2.attention.heads": 7,
                "middle_attention.heads": 7,
                "up.1.attention.heads": 14,
                "up.2.attention.heads": 7,
            },
        ),
        (11, (0,), {"down.0.attention.heads": 11, "middle_attention.heads": 3,
                    "up.0.attention.heads": 11}),
        (64, (), {"middle_attention.heads": 16}),
    ],
)  # fmt: skip
def test_attention_is_where_it_was_asked_for(size, attention, expected):
    network = lively_unet(replace(THREE, attention=attention), size=size)
    assert network.attention_sizes == expected
    with recorded_attention(network) as found:
        network.at(drawn(1, 1, size, size), 3)
    # Recorded in the order of computing: the way up comes last, from below.
    assert {name: kept.query.shape[1] for name, kept in found.items()} == {
        name: side * side for name, side in expected.items()
    }
    assert all(kept.query is kept.key for kept in found.values())
    for name in expected:
        assert isinstance(network.get_submodule(name), MultiHeadAttention)


def test_pixels_keep_their_places_through_attention():
    """With one key allowed to matter, its pixel is row * side + column."""
    network = lively_unet(replace(THREE, attention=(0,)), size=11)
    layer = network.down[0].attention
    h = drawn(1, 8, 11, 11)
    with recorded_attention(network) as found:
        layer(h)
    pixels = found["down.0.attention.heads"].query[0]
    normed = layer.norm(h)[0]
    for row, column in [(0, 0), (0, 10), (3, 7), (10, 2)]:
        assert torch.equal(pixels[row * 11 + column], normed[:, row, column])


def test_all_weights_learn():
    network = lively_unet(replace(WITH_CLASSES, blocks=2, attention=(0, 1))).requires_grad_(True)
    out = network(drawn(2, 1, 8, 8), torch.tensor([3, 15]), torch.eye(3)[:2])
    out.square().mean().backward()
    for name, value in network.named_parameters():
        # A bias of all keys shifts every score of a row alike.
        largest = value.grad[: value.shape[0] // 3] if "in_proj_bias" in name else value.grad
        assert torch.isfinite(value.grad).all(), name
        assert largest.abs().max() > 0, name


def test_a_training_begins_with_zeros():
    """What no image has taught yet says nothing: the last convolution of every way is zero."""
    network = UNet(1, 8, 20, TINY)
    assert torch.count_nonzero(network.at(drawn(2, 1, 8, 8), 5) - network.outlet[-1].bias) == 0


def counted(channels: int, config: UNetConfig) -> int:
    """Parameters, layer by layer on paper."""

    def conv(a: int, b: int, k: int) -> int:
        return a * b * k * k + b

    def block(a: int, b: int) -> int:
        bridge = 0 if a == b else conv(a, b, 1)
        modulate = config.embedding * 2 * b + 2 * b
        return 2 * a + conv(a, b, 3) + 2 * b + modulate + conv(b, b, 3) + bridge

    def attention(a: int) -> int:
        return 2 * a + (3 * a * a + 3 * a) + (a * a + a)

    widths, e = config.widths, config.embedding
    total = 2 * (e * e + e) + config.classes * e
    total += conv(channels, widths[0], 3) + 2 * widths[0] + conv(widths[0], channels, 3)
    total += 2 * block(widths[-1], widths[-1]) + attention(widths[-1])
    total += sum(conv(width, width, 3) for width in widths[:-1])
    for level, width in enumerate(widths):
        into = widths[max(level - 1, 0)]
        below = widths[level + 1] if level + 1 < len(widths) else width
        repeated = (config.blocks - 1) * block(width, width)
        total += block(into, width) + block(below + width, width) + 2 * repeated
        total += 2 * attention(width) if level in config.attention else 0
    return total


PARAMETERS = {  # one channel, ten classes
    (8, "small"): 187_729,
    (8, "medium"): 347_001,
    (8, "large"): 1_645_809,
    (28, "small"): 582_321,
    (28, "medium"): 1_196_169,
    (28, "large"): 6_316_305,
    (32, "small"): 582_321,
    (32, "medium"): 1_196_169,
    (32, "large"): 6_316_305,
    (64, "small"): 845_745,
    (64, "medium"): 1_763_337,
    (64, "large"): 9_911_313,
}


@pytest.mark.parametrize(("size", "preset"), PARAMETERS)
def test_presets_have_the_parameters_that_paper_says(size, preset):
    config = unet_preset(preset, size, 10)
    for channels in (1, 3):
        with torch.device("meta"):
            network = UNet(channels, size, 250, config)
        found = sum(value.numel() for value in network.parameters())
        assert found == counted(channels, config)
        if channels == 1:
            assert found == PARAMETERS[size, preset]


def test_presets_grow_and_attend_at_the_lowest():
    for size in (8, 28, 32, 64):
        counts = [counted(1, unet_preset(preset, size)) for preset in PRESETS]
        assert counts == sorted(counts)
        config = unet_preset("medium", size)
        assert config.attention == (len(config.multipliers) - 1,)
        assert resolutions(size, len(config.multipliers))[-1] in (4, 7, 8)


@pytest.mark.parametrize(
    ("width", "groups"), [(4, 1), (7, 1), (8, 1), (12, 1), (16, 2), (20, 2), (24, 3), (22, 2)]
)
def test_group_norm_for_any_width(width, groups):
    config = UNetConfig(width=width, multipliers=(1, 2), attention=(), heads=1, embedding=8)
    network = lively_unet(config)
    norm = network.outlet[0]
    assert (norm.num_groups, norm.num_channels) == (groups, width)
    # Not a channel by itself, nor a pixel: at the lowest level of a deep network there is but one.
    deep = lively_unet(replace(config, multipliers=(1, 1, 1, 1, 1)))
    assert torch.isfinite(deep.train().at(drawn(1, 1, 8, 8), 3)).all()
    # The level of an image survives: it is not divided away channel by channel.
    dark, bright = torch.zeros(1, 1, 8, 8), torch.ones(1, 1, 8, 8)
    assert (network.at(dark, 3) - network.at(bright, 3)).abs().max() > 1e-3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 3}, "width must be between 4 and 512, got 3"),
        ({"multipliers": ()}, "number of levels must be between 1 and 5, got 0"),
        ({"multipliers": (1,) * 6}, "number of levels must be between 1 and 5, got 6"),
        ({"multipliers": (1, 17)}, "multiplier must be between 1 and 16, got 17"),
        ({"blocks": 0}, "blocks must be between 1 and 4, got 0"),
        ({"attention": (2,)}, "attention at level 2: this network has levels 0 to 1"),
        ({"attention": (-1,)}, "attention at level -1"),
        ({"heads": 0}, "heads must be between 1 and 64, got 0"),
        ({"heads": 3}, "heads must divide the 16 channels of level 1, got 3"),
        ({"attention": (0,), "heads": 16}, "heads must divide the 8 channels of level 0, got 16"),
        ({"embedding": 9}, "embedding must be even, got 9"),
        ({"embedding": 0}, "embedding must be between 2 and 1024, got 0"),
        ({"classes": -1}, "classes must be between 0 and 1000, got -1"),
        ({"unlabelled": 1.5}, r"unlabelled share must be between 0 and 1, got 1\.5"),
        ({"unlabelled": float("nan")}, "unlabelled share .* got nan"),
    ],
)
def test_a_bad_configuration_is_named(change, message):
    with pytest.raises(ValueError, match=message):
        replace(TINY, **change)


def test_an_unknown_preset_is_named():
    with pytest.raises(ValueError, match="unknown preset 'huge'; known: small, medium, large"):
        unet_preset("huge", 28)


def test_a_configuration_survives_json():
    config = digits_config(unet=replace(TINY, multipliers=(1, 2, 4), attention=(0, 2), classes=10))
    again = from_json(msgspec.json.encode(config), TrainingConfig)
    assert again == config
    assert isinstance(again.unet.multipliers, tuple)
    text = msgspec.json.encode(config).replace(b'"heads":2', b'"heads":3')
    with pytest.raises(ValueError, match=r"not a valid configuration: heads must divide .* got 3"):
        from_json(text, TrainingConfig)
    with pytest.raises(ValueError, match="not a valid configuration"):
        from_json('{"unknown": ' + '{"a": ' * 100_000, TrainingConfig)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits")
    trainer = Trainer(digits_config(), torch.device("cpu"))
    trainer.step()
    trainer.step()
    trainer.save(folder)
    return folder, trainer


def test_a_checkpoint_is_what_was_trained(saved):
    folder, trainer = saved
    loaded = checkpoints.load_checkpoint(folder)
    assert loaded.config == trainer.config
    assert loaded.shape == (1, 8, 8)
    assert loaded.denoiser.classes == 10
    for name, value in trainer.averaged.state_dict().items():
        assert torch.equal(loaded.denoiser.network.state_dict()[name], value)
    assert loaded.transform.mean.shape == (1, 1, 1)
    pixels = np.linspace(0, 1, 64, dtype=np.float32).reshape(1, 1, 8, 8)
    assert np.array_equal(loaded.transform.apply(pixels), trainer.transform.apply(pixels))


def test_half_precision_in_a_file_is_computed_with_in_full(saved, tmp_path):
    folder, trainer = saved
    description, tensors = checkpoints.load_tensors(folder / CHECKPOINT)
    half = {name: value.half() for name, value in tensors.items() if name.startswith("averaged.")}
    path = tmp_path / "half.safetensors"
    checkpoints.save_tensors(path, half, description)
    assert path.stat().st_size < 0.3 * (folder / CHECKPOINT).stat().st_size
    loaded = checkpoints.load_checkpoint(path)
    x = drawn(2, 1, 8, 8)
    for name, value in trainer.averaged.state_dict().items():
        found = loaded.denoiser.network.state_dict()[name]
        assert found.dtype == torch.float32
        assert torch.equal(found, value.half().float())
    whole = checkpoints.load_checkpoint(folder).denoiser
    torch.testing.assert_close(
        loaded.denoiser.predict_noise(x, 9), whole.predict_noise(x, 9), atol=2e-2, rtol=0
    )
    with pytest.raises(ValueError, match="has only averaged weights"):
        checkpoints.load_checkpoint(path, averaged=False)


@pytest.mark.parametrize(
    "unet", [replace(TINY, classes=10, heads=4), replace(TINY, classes=9), None]
)
def test_a_configuration_of_another_network_is_refused(saved, tmp_path, unet):
    """Other heads fit the weights; other classes do not."""
    folder, _ = saved
    description, tensors = checkpoints.load_tensors(folder / CHECKPOINT)
    if unet is None:
        tensors.pop("averaged.middle_attention.heads.in_proj_weight")
    else:
        config = replace(description.config, unet=unet)
        description = msgspec.structs.replace(description, config=config)
    path = tmp_path / "other.safetensors"
    checkpoints.save_tensors(path, tensors, description)
    if unet is not None and unet.classes == 10:
        assert checkpoints.load_checkpoint(path).config.unet.heads == 4
        return
    with pytest.raises(ValueError, match="its weights do not fit its configuration"):
        checkpoints.load_checkpoint(path)
