"""Puts a training with images among the resources: its averaged weights, in half precision.

    python -m scripts.bundle_checkpoint FOLDER --seconds S [--before STEPS:SHARE ...] [--quick]

The file says how it was made and how good it is, measured with the rounded weights. A training that
was stopped before its planned end is recorded with the steps it has had: neither its rate nor its
averaging knows how many are planned, so it is the same training. One that went on with another
share of images without their class is recorded as several commands: ``--before`` names what came
before, the steps at its end and its share.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import torch
from torch import Tensor
from tqdm import tqdm

import resources
from engine.checkpoint import (
    CHECKPOINT_NAME,
    Checkpoint,
    Description,
    Record,
    load_checkpoint,
    load_tensors,
    save_tensors,
)
from engine.config import TrainingConfig
from engine.datasets.images import image_training
from engine.evaluation import Drawing, Stage, evaluate, figures
from engine.image_metrics import ImageQuality
from engine.metrics import Quality
from engine.samplers import DDPM

MOST_BYTES = 4_000_000
FEW_SAMPLES, GUIDANCE = 128, 1.5


Part = tuple[int, float]
"""Steps at the end of a part of a training, and the share of images without their class in it."""


def command_for(config: TrainingConfig, before: Sequence[Part] = ()) -> str:
    """The commands, a line each, that train with ``config`` after the parts ``before``.

    Raises ``ValueError`` if that takes more options than are written here.
    """
    assert config.unet is not None
    usual = image_training(config.dataset)
    assert usual.unet is not None
    usual = replace(
        usual,
        unet=replace(usual.unet, unlabelled=config.unet.unlabelled),
        steps=config.steps,
        seed=config.seed,
        checkpoint_every=config.checkpoint_every,
    )
    if config != usual:
        raise ValueError(f"{config} is not the usual training with {config.dataset!r}, {usual}")
    root = "" if config.dataset == "digits" else " --data-root DIR"
    seed = f" --seed {config.seed}" if config.seed else ""
    lines: list[str] = []
    for steps, share in [*before, (config.steps, config.unet.unlabelled)]:
        how = "--resume" if lines else f"--dataset {config.dataset}{seed}"
        told = f"--unlabelled {share:g} --steps {steps}"
        lines.append(f"toydiff train {how}{root} {told} --out {config.dataset}")
    return "\n".join(lines)


def part(text: str) -> Part:
    """Such as 4420:0.15."""
    steps, share = text.split(":")
    return int(steps), float(share)


def averaged_half(folder: Path) -> tuple[Description, dict[str, Tensor]]:
    """What is to be kept of the training in ``folder``."""
    description, tensors = load_tensors(folder / CHECKPOINT_NAME)
    config = replace(description.config, steps=description.step)
    kept = {name: value.half() for name, value in tensors.items() if name.startswith("averaged.")}
    if not all(bool(torch.isfinite(value).all()) for value in kept.values()):
        raise ValueError(f"the weights in {folder} do not fit into half precision")
    return msgspec.structs.replace(description, config=config), kept


def drawings(*, quick: bool, classes: bool) -> dict[str, Drawing]:
    """The ways in which samples are drawn, with words for each."""
    found = {"DDIM, 50 steps": Drawing()}
    if classes:
        found["DDIM, 50 steps, told the class"] = Drawing(told=True)
    if not quick:
        if classes:
            words = f"DDIM, 50 steps, told the class, guidance {GUIDANCE:g}"
            found[words] = Drawing(told=True, guidance=GUIDANCE, count=FEW_SAMPLES)
        found["DDPM, all steps"] = Drawing(sampler=DDPM(), count=FEW_SAMPLES)
    return found


def measured(checkpoint: Checkpoint, drawing: Drawing, *, quick: bool) -> dict[str, float | None]:
    """The figures of ``checkpoint``, with a bar meanwhile."""
    stages: Generator[Stage, None, Quality | ImageQuality] = evaluate(
        checkpoint, quick=quick, drawing=drawing
    )
    with tqdm(unit=" evaluations", disable=not sys.stderr.isatty(), leave=False) as bar:
        while True:
            try:
                stage = next(stages)
            except StopIteration as end:
                return figures(end.value)
            bar.total = stage.total
            bar.update(stage.done - bar.n)


def bundle(
    folder: Path,
    out: Path,
    *,
    seconds: float,
    machine: str,
    before: Sequence[Part] = (),
    quick: bool = False,
) -> Record:
    """Write the checkpoint to ``out`` and say what was recorded of it.

    Raises ``ValueError`` for a training that is not the usual one, or too large.
    """
    description, tensors = averaged_half(folder)
    command = command_for(description.config, before)
    size = sum(value.numel() * value.element_size() for value in tensors.values())
    if size > MOST_BYTES - 100_000:
        raise ValueError(f"{folder} would take {size} bytes; at most {MOST_BYTES} are bundled")
    save_tensors(out, tensors, description)
    checkpoint = load_checkpoint(out)
    unet = description.config.unet
    ways = drawings(quick=quick, classes=unet is not None and unet.classes > 0)
    record = Record(
        command=command,
        seconds=seconds,
        machine=machine,
        quality={words: measured(checkpoint, way, quick=quick) for words, way in ways.items()},
    )
    save_tensors(out, tensors, msgspec.structs.replace(description, record=record))
    return record


def main() -> int:
    """Bundle, and say what was recorded."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, required=True, help="the training took")
    parser.add_argument("--machine", default="CPU, 2 cores, shared with other work")
    parser.add_argument("--before", type=part, action="append", default=[], metavar="STEPS:SHARE")
    parser.add_argument("--quick", action="store_true", help="measure with few samples")
    parser.add_argument("--out", type=Path, help="another file than the resource of that name")
    options = parser.parse_args()
    description, _ = load_tensors(options.folder / CHECKPOINT_NAME)
    name = f"{description.config.dataset}.safetensors"
    out = options.out or resources.path("checkpoints", name)
    record = bundle(
        options.folder,
        out,
        seconds=options.seconds,
        machine=options.machine,
        before=options.before,
        quick=options.quick,
    )
    print(f"{out}: {out.stat().st_size} bytes, step {description.step}")
    print(msgspec.json.format(msgspec.json.encode(record)).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
