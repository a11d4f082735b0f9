"""Folders saved by diffusers: the same states as by that library's own sampler."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from diffusers import DDIMScheduler, DDPMPipeline, DDPMScheduler, UNet2DModel
from safetensors.torch import load_file, save_file

import engine
from engine.diffusion.noise import draw_latents


def small_unet(**changes: object) -> UNet2DModel:
    values = {
        "sample_size": 8,
        "in_channels": 1,
        "out_channels": 1,
        "layers_per_block": 1,
        "block_out_channels": (8, 16),
        "norm_num_groups": 4,
        "down_block_types": ("DownBlock2D", "AttnDownBlock2D"),
        "up_block_types": ("AttnUpBlock2D", "UpBlock2D"),
        "attention_head_dim": 4,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return UNet2DModel(**(values | changes))


def saved(folder: Path, scheduler: DDPMScheduler | None = None, **changes: object) -> Path:
    scheduler = scheduler or DDPMScheduler(num_train_timesteps=20)
    DDPMPipeline(unet=small_unet(**changes), scheduler=scheduler).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("kind", ["linear", "scaled_linear", "squaredcos_cap_v2"])
@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction", "sample"])
def test_states_are_those_of_their_own_sampler(tmp_path, kind, prediction):
    scheduler = DDPMScheduler(
        num_train_timesteps=20, beta_schedule=kind, prediction_type=prediction, beta_end=0.03
    )
    checkpoint = engine.load_checkpoint(saved(tmp_path, scheduler))
    theirs = scheduler.alphas_cumprod.double()
    torch.testing.assert_close(checkpoint.schedule.alphas_cumprod[1:], theirs, rtol=1e-5, atol=1e-7)
    x = draw_latents(3, 2, checkpoint.shape)
    peer = DDIMScheduler.from_config(
        scheduler.config, clip_sample=False, set_alpha_to_one=True, timestep_spacing="leading"
    )
    peer.set_timesteps(20)
    network = UNet2DModel.from_pretrained(tmp_path / "unet", low_cpu_mem_usage=False)
    states = x
    with torch.no_grad():
        for t in peer.timesteps:
            states = peer.step(network(states, t).sample, t, states).prev_sample
    *_, last = engine.sample(
        checkpoint.denoiser, checkpoint.schedule, x, sampler=engine.DDIM(), seed=0
    )
    # Their tables are float32.
    torch.testing.assert_close(last.x, states, rtol=1e-3, atol=1e-3)


def test_what_it_says_of_itself(tmp_path):
    checkpoint = engine.load_checkpoint(saved(tmp_path))
    told = checkpoint.describe()
    assert checkpoint.shape == (1, 8, 8)
    assert told["network"].startswith("diffusers UNet2DModel, 0.0 M")
    assert told["mean"] == told["std"] == [0.5]  # its images are scaled to -1..1


def edited(folder: Path, part: str, **changes: object) -> None:
    file = folder / part
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


UNET, SCHEDULER = "unet/config.json", "scheduler/scheduler_config.json"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda f: edited(f, UNET, sample_size=256), "size 256"),
        (lambda f: edited(f, UNET, sample_size=8.5), "size 8.5"),
        (lambda f: edited(f, UNET, sample_size={"side": 8}), "size {'side': 8}"),
        (lambda f: edited(f, UNET, layers_per_block=10**9), "1000000000 layers"),
        (lambda f: edited(f, UNET, block_out_channels=[4] * 9), "1 to 8 of them"),
        (lambda f: edited(f, UNET, block_out_channels=[]), "1 to 8 of them"),
        (lambda f: edited(f, UNET, in_channels=4), "4 channels"),
        (lambda f: edited(f, UNET, _class_name="UNet2DConditionModel"), "UNet2DConditionModel"),
        (lambda f: edited(f, UNET, num_class_embeds=10), "with classes"),
        (lambda f: edited(f, UNET, block_out_channels=[80000, 80000]), "weights, more than"),
        (lambda f: edited(f, SCHEDULER, beta_schedule="sigmoid"), "'sigmoid'"),
        (lambda f: edited(f, SCHEDULER, beta_schedule=["linear"]), "\\['linear'\\]"),
        (lambda f: edited(f, SCHEDULER, prediction_type="score"), "'score'"),
        (lambda f: edited(f, SCHEDULER, prediction_type=["epsilon"]), "\\['epsilon'\\]"),
        (lambda f: edited(f, SCHEDULER, num_train_timesteps=1), "timesteps .* got 1"),
        (lambda f: edited(f, SCHEDULER, num_train_timesteps=20.5), "20.5 steps"),
        (lambda f: edited(f, SCHEDULER, _class_name="ScoreSdeVeScheduler"), "a ScoreSdeVeSchedul"),
        (lambda f: edited(f, SCHEDULER, rescale_betas_zero_snr=True), "cannot be sampled from"),
        (lambda f: edited(f, UNET, sample_size=9), "cannot be sampled from"),
        (lambda f: (f / UNET).write_text("{"), "config.json is not a usable configuration"),
        (lambda f: (f / "unet/diffusion_pytorch_model.safetensors").unlink(), "safetensors"),
        (
            lambda f: (f / "unet/diffusion_pytorch_model.safetensors").write_bytes(b"no"),
            "not a usable diffusers folder",
        ),
        (lambda f: (f / SCHEDULER).unlink(), "scheduler_config.json"),
    ],
)
def test_folders_that_cannot_be_used_are_named(tmp_path, spoil, message):
    saved(tmp_path)
    spoil(tmp_path)
    with pytest.raises(ValueError, match=message) as caught:
        engine.load_checkpoint(tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda w: w.pop("conv_in.bias"), "missing weights: conv_in.bias"),
        (lambda w: w.update(extra=torch.zeros(1)), "unexpected weights: extra"),
        (lambda w: w["conv_in.bias"].fill_(torch.nan), "not finite: conv_in.bias"),
    ],
)
def test_weights_that_do_not_fit_or_are_not_finite_are_refused(tmp_path, spoil, message):
    file = saved(tmp_path) / "unet" / "diffusion_pytorch_model.safetensors"
    weights = load_file(file)
    spoil(weights)
    save_file(weights, file, metadata={"format": "pt"})
    with pytest.raises(ValueError, match=message) as caught:
        engine.load_checkpoint(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_pickled_weights_are_not_opened(tmp_path):
    saved(tmp_path)
    weights = tmp_path / "unet" / "diffusion_pytorch_model.safetensors"
    torch.save(small_unet().state_dict(), weights.with_suffix(".bin"))
    weights.unlink()
    with pytest.raises(ValueError, match="safetensors"):
        engine.load_checkpoint(tmp_path)


def test_without_diffusers_it_says_what_to_install(tmp_path, monkeypatch):
    saved(tmp_path)
    monkeypatch.setitem(__import__("sys").modules, "diffusers", None)
    with pytest.raises(ValueError, match="pip install diffusers"):
        engine.load_checkpoint(tmp_path)


def test_a_folder_that_is_gone_is_named(tmp_path):
    shutil.rmtree(saved(tmp_path / "model"))
    with pytest.raises(ValueError, match="no checkpoint"):
        engine.load_checkpoint(tmp_path / "model")
