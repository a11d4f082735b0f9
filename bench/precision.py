"""An update of a UNet in bfloat16 beside one in float32, in one run.

    python -m bench.precision [--dataset mnist] [--preset medium] [--batch-size 64] [--rounds 7]
                              [--device auto] [--json]

Says how many times as long an update takes in bfloat16 (below 1: faster), and which of the two
``engine.checkpoints.precision`` chooses on this device. Images are noise, which takes as long as
any other.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace

import numpy as np
import torch

from bench.side_by_side import ratio
from engine.checkpoints.data import ImageData
from engine.checkpoints.precision import training_type
from engine.datasets.images import INFOS, ImageSet, image_training, standardisation_of
from engine.devices import choose_device
from engine.shared.config import PRESETS
from engine.training.trainer import Trainer


def trainer_in(dtype: torch.dtype, device: torch.device, options: argparse.Namespace) -> Trainer:
    """A trainer for random images that computes in ``dtype``."""
    config = image_training(options.dataset, options.preset)
    config = replace(config, batch_size=options.batch_size)
    info = INFOS[options.dataset]
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (256, *info.shape), np.uint8)
    labels = random.integers(0, len(info.labels), 256)
    images = ImageSet(info.name, pixels, labels, info.labels, standardisation_of(pixels))
    trainer = Trainer(config, device, ImageData(images, device))
    trainer.working_type = dtype
    return trainer


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="mnist", choices=list(INFOS))
    parser.add_argument("--preset", default="medium", choices=PRESETS)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    device = choose_device(options.device)
    rough = trainer_in(torch.bfloat16, device, options)
    full = trainer_in(torch.float32, device, options)
    # Reading the loss waits for the device.
    seconds, full_seconds, multiple = ratio(
        lambda: rough.step().loss, lambda: full.step().loss, options.rounds
    )
    found = {
        "device": str(device),
        "bfloat16_seconds": seconds,
        "float32_seconds": full_seconds,
        "ratio": multiple,
        "chosen": str(training_type(device)).removeprefix("torch."),
    }
    if options.json:
        print(json.dumps(found))
        return
    print(
        f"{device}: an update takes {seconds:.3f} s in bfloat16, {full_seconds:.3f} s in float32, "
        f"{multiple:.2f} times as long; chosen: {found['chosen']}"
    )


if __name__ == "__main__":
    main()
