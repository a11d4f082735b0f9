"""Puts a training with images among the resources: its averaged weights, in half precision.

    python -m scripts.bundle_checkpoint FOLDER --seconds S [--before STEPS:SHARE[:RATE] ...]
                                        [--figures FILE.json ...] [--unmeasured] [--quick]
    python -m scripts.bundle_checkpoint --measure NAME [--way N ...] [--quick]

The file says how it was made and how good it is, measured with the rounded weights. A training that
was stopped before its planned end is recorded with the steps it has had: neither its rate nor its
averaging knows how many are planned, so it is the same training. One that went on with another
share of images without their class, or another rate, is recorded as several commands: ``--before``
names each part that came before, its steps at the end, share and rate.

Figures may come later: ``--unmeasured`` leaves them out, ``--measure`` takes them of what is
bundled, all or only some of the ways to draw, and adds them to the file. ``--figures`` takes them
from files that hold {words: figures}, as ``--measure --print`` prints them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import msgspec
import torch
from torch import Tensor
from tqdm import tqdm

import resources
from engine.analysis.evaluation import Drawing, Stage, evaluate
from engine.analysis.images import ImageQuality
from engine.analysis.points import Quality
from engine.checkpoints.checkpoint import (
    Checkpoint,
    Description,
    Record,
    load_checkpoint,
    load_tensors,
    locate,
    save_tensors,
)
from engine.datasets.images import IMAGE_DEFAULTS, image_training
from engine.diffusion.samplers import DDPM
from engine.shared.config import TrainingConfig
from engine.shared.run_files import CHECKPOINT
from engine.shared.work import finish

MOST_BYTES = 4_000_000
FEW_SAMPLES, GUIDANCE = 128, 1.5

Figures = dict[str, dict[str, float | None]]
"""By the words that say how the samples were drawn."""


class Part(NamedTuple):
    """Of a training: the steps at its end, the share of images without their class, the rate."""

    steps: int
    share: float
    rate: float = float(IMAGE_DEFAULTS["rate"])

    @classmethod
    def of(cls, text: str) -> Part:
        """Such as 4420:0.15 or 6000:0.9:0.0003."""
        steps, *numbers = text.split(":")
        return cls(int(steps), *map(float, numbers))


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
        rate=config.rate,
        checkpoint_every=config.checkpoint_every,
    )
    if config != usual:
        raise ValueError(f"{config} is not the usual training with {config.dataset!r}, {usual}")
    root = "" if config.dataset == "digits" else " --data-root DIR"
    seed = f" --seed {config.seed}" if config.seed else ""
    lines: list[str] = []
    rate = float(IMAGE_DEFAULTS["rate"])
    for part in [*before, Part(config.steps, config.unet.unlabelled, config.rate)]:
        how = "--resume" if lines else f"--dataset {config.dataset}{seed}"
        other = "" if part.rate == rate else f" --rate {part.rate:g}"
        told = f"--unlabelled {part.share:g}{other} --steps {part.steps}"
        lines.append(f"toydiff train {how}{root} {told} --out {config.dataset}")
        rate = part.rate
    return "\n".join(lines)


def averaged_half(folder: Path) -> tuple[Description, dict[str, Tensor]]:
    """What is to be kept of the training in ``folder``."""
    description, tensors = load_tensors(folder / CHECKPOINT)
    config = replace(description.config, steps=description.step)
    kept = {name: value.half() for name, value in tensors.items() if name.startswith("averaged.")}
    if not all(bool(torch.isfinite(value).all()) for value in kept.values()):
        raise ValueError(f"the weights in {folder} do not fit into half precision")
    return msgspec.structs.replace(description, config=config), kept


def drawings(*, classes: bool) -> dict[str, Drawing]:
    """The ways in which samples are drawn, with words for each."""
    found = {
        "DDIM, 50 steps": Drawing(),
        "DDPM, all steps": Drawing(sampler=DDPM(), count=FEW_SAMPLES),
    }
    if classes:
        found["DDIM, 50 steps, told the class"] = Drawing(told=True)
        words = f"DDIM, 50 steps, told the class, guidance {GUIDANCE:g}"
        found[words] = Drawing(told=True, guidance=GUIDANCE, count=FEW_SAMPLES)
    return found


def measured(checkpoint: Checkpoint, drawing: Drawing, *, quick: bool) -> dict[str, float | None]:
    """The figures of ``checkpoint``, with a bar meanwhile."""
    stages: Generator[Stage, None, Quality | ImageQuality] = evaluate(
        checkpoint, quick=quick, drawing=drawing
    )
    with tqdm(unit=" evaluations", disable=not sys.stderr.isatty(), leave=False) as bar:

        def show(stage: Stage) -> None:
            bar.total = stage.total
            bar.update(stage.done - bar.n)

        return finish(stages, show).figures()


def bundle(
    folder: Path,
    out: Path,
    *,
    seconds: float,
    machine: str,
    before: Sequence[Part] = (),
    quality: Figures | None = None,
) -> Record:
    """Write the checkpoint to ``out`` and say what was recorded of it.

    Raises ``ValueError`` for a training that is not the usual one, or too large.
    """
    description, tensors = averaged_half(folder)
    command = command_for(description.config, before)
    size = sum(value.numel() * value.element_size() for value in tensors.values())
    if size > MOST_BYTES - 100_000:
        raise ValueError(f"{folder} would take {size} bytes; at most {MOST_BYTES} are bundled")
    record = Record(command=command, seconds=seconds, machine=machine, quality=quality or {})
    save_tensors(out, tensors, msgspec.structs.replace(description, record=record))
    return record


def measure(path: Path, ways: Sequence[int] = (), *, quick: bool = False) -> Figures:
    """The figures of the bundled checkpoint ``path``; all ``ways`` to draw, or some by number."""
    checkpoint = load_checkpoint(path)
    unet = checkpoint.config.unet
    listed = list(drawings(classes=unet is not None and unet.classes > 0).items())
    chosen = [listed[way] for way in ways] if ways else listed
    return {words: measured(checkpoint, way, quick=quick) for words, way in chosen}


def add_figures(path: Path, quality: Figures) -> None:
    """Write figures into the record of the bundled checkpoint ``path``, whose weights stay."""
    description, tensors = load_tensors(path)
    if description.record is None:
        raise ValueError(f"{path} has no record to add figures to")
    record = msgspec.structs.replace(
        description.record, quality=description.record.quality | quality
    )
    save_tensors(path, tensors, msgspec.structs.replace(description, record=record))


def main() -> int:
    """Bundle or measure, and say what was recorded."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--seconds", type=float, help="the training took")
    parser.add_argument("--machine", default="CPU, 2 cores, shared with other work")
    parser.add_argument("--before", type=Part.of, action="append", default=[])
    parser.add_argument("--figures", type=Path, action="append", default=[], metavar="FILE.json")
    parser.add_argument("--unmeasured", action="store_true", help="figures come later")
    parser.add_argument("--measure", metavar="NAME", help="measure what is bundled")
    parser.add_argument("--way", type=int, action="append", default=[], help="only these, from 0")
    parser.add_argument("--print", action="store_true", help="print figures, write none")
    parser.add_argument("--quick", action="store_true", help="measure with few samples")
    parser.add_argument("--out", type=Path, help="another file than the resource of that name")
    given = parser.parse_args()
    if given.measure:
        path = given.out or locate(given.measure)
        quality = measure(path, given.way, quick=given.quick)
        if given.print:
            print(json.dumps(quality))
            return 0
        add_figures(path, quality)
        print(f"{path}: {', '.join(quality)}")
        return 0
    if given.folder is None or given.seconds is None:
        parser.error("give a FOLDER with its --seconds, or --measure")
    description, _ = load_tensors(given.folder / CHECKPOINT)
    path = given.out or resources.path("checkpoints", f"{description.config.dataset}.safetensors")
    quality = {}
    for file in given.figures:
        quality |= json.loads(file.read_text())
    bundle(
        given.folder,
        path,
        seconds=given.seconds,
        machine=given.machine,
        before=given.before,
        quality=quality,
    )
    if not (quality or given.unmeasured):
        add_figures(path, measure(path, quick=given.quick))
    description, _ = load_tensors(path)
    print(f"{path}: {path.stat().st_size} bytes, step {description.step}")
    print(msgspec.json.format(msgspec.json.encode(description.record)).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
