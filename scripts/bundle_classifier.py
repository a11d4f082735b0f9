"""Trains the classifier of a set of images and puts it among the resources.

    python -m scripts.bundle_classifier DATASET [--data-root DIR] [--seed S] [--steps N]

The same command on the same data gives the same classifier but for rounding.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tqdm import tqdm

import resources
from engine.analysis.classifier import BUNDLED_CLASSIFIERS, save_classifier
from engine.analysis.classifier_training import STEPS, ClassifierStep, train_classifier
from engine.image_files.loading import load_images
from engine.shared.work import finish


def main() -> int:
    """Train, save, and say how good it is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("dataset", choices=BUNDLED_CLASSIFIERS)
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--out", type=Path, default=resources.path("classifiers"))
    options = parser.parse_args()
    name, root = options.dataset, options.data_root
    images, test = (load_images(name, root=root, split=split) for split in ("train", "test"))
    command = f"python -m scripts.bundle_classifier {name} --seed {options.seed}"
    if options.steps != STEPS:
        command += f" --steps {options.steps}"
    if name != "digits":
        command += " --data-root DIR"
    steps = train_classifier(images, options.seed, test=test, steps=options.steps, command=command)
    with tqdm(total=options.steps, unit=" updates", disable=not sys.stderr.isatty()) as bar:

        def show(item: ClassifierStep) -> None:
            bar.update(item.step - bar.n)
            bar.set_postfix(loss=f"{item.loss:.3f}", refresh=False)

        classifier = finish(steps, show)
    path = options.out / f"{name}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    save_classifier(classifier, path)
    print(f"{path}: {path.stat().st_size} bytes; {classifier.description}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
