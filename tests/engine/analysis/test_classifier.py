"""The classifier learns, is kept to the bit, and sees what is shown, whatever the units."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.analysis import classifier as image_classifier
from engine.analysis import classifier_training
from engine.analysis.classifier import (
    BUNDLED_CLASSIFIERS,
    FEATURES,
    load_classifier,
    read_classifier,
    save_classifier,
)
from engine.analysis.classifier_training import (
    LOOKED_AT,
    find_classifier,
    rate_at,
    train_classifier,
)
from engine.datasets import Standardisation
from engine.datasets.images import ImageSet, image_training, load_digits, standardisation_of
from tests.engine.finished_work import finished


def stripes(count: int, seed: int, name: str = "digits") -> ImageSet:
    """Images of 8 x 8 pixels in three classes: dark, bright above, bright on the left."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 3, size=count)
    images = random.integers(0, 60, size=(count, 1, 8, 8))
    images[labels == 1, :, :4] += 150
    images[labels == 2, :, :, :4] += 150
    pixels = images.astype(np.uint8)
    return ImageSet(name, pixels, labels, ("dark", "above", "left"), standardisation_of(pixels))


def trained(images: ImageSet, test: ImageSet, seed: int = 0, steps: int = 60):
    """The classifier and the steps of its training."""
    return finished(train_classifier(images, seed, test=test, steps=steps))


@pytest.fixture(scope="module")
def taught():
    """Classifier and progress of a short training, with its images and others."""
    images, test = stripes(300, 0), stripes(90, 1)
    classifier, steps = trained(images, replace(test, transform=images.transform))
    return classifier, steps, images, test


def test_it_learns_and_says_how_far_it_is(taught):
    classifier, steps, images, test = taught
    blocks = 2 * -(-len(images.images) // LOOKED_AT) + -(-len(test.images) // LOOKED_AT)
    assert blocks > 3  # others get a turn between them
    assert [step.step for step in steps] == [*range(1, 61), *([60] * blocks)]
    assert steps[-1].loss < 0.1 < steps[0].loss
    described = classifier.description
    probabilities = classifier.probabilities(test.standardised(), test.transform)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert described.accuracy == np.mean(probabilities.argmax(axis=1) == test.labels) == 1
    assert described.recognised == np.mean(probabilities.max(axis=1) >= 0.9)
    assert (described.images, described.test_images, described.classes) == (300, 90, 3)
    assert (described.seed, described.steps, described.shape) == (0, 60, (1, 8, 8))


def test_features_have_unit_variance_and_decide(taught):
    classifier, _, images, _ = taught
    features = classifier.features(images.standardised())
    assert features.shape == (300, FEATURES)
    assert np.var(features, axis=0).mean() == pytest.approx(1, rel=0.01)  # half precision
    last = classifier.network.last
    logits = features @ last.weight.numpy().T + last.bias.numpy()
    expected = torch.from_numpy(logits).softmax(1).numpy()
    np.testing.assert_allclose(classifier.probabilities(images.standardised()), expected, atol=1e-5)


def test_the_same_seed_gives_the_same_classifier():
    images, test = stripes(150, 0), stripes(30, 1)
    first, second, other = (trained(images, test, seed, steps=5)[0] for seed in (3, 3, 4))
    for name, value in first.network.state_dict().items():
        assert torch.equal(value, second.network.state_dict()[name])
    assert not torch.equal(first.network.last.weight, other.network.last.weight)
    assert first.description.floors == second.description.floors


def test_the_rate_warms_up_and_comes_to_rest():
    rates = [rate_at(step, 1000) for step in range(1, 1001)]
    assert max(rates) < classifier_training.PEAK_RATE
    assert np.argmax(rates) == classifier_training.WARM_UP - 1
    assert rates[-1] == pytest.approx(0, abs=1e-12)


def test_it_is_kept_to_the_bit(taught, tmp_path):
    classifier, _, images, _ = taught
    path = tmp_path / "digits.safetensors"
    save_classifier(classifier, path)
    again = load_classifier("digits", tmp_path)
    assert again.description == classifier.description
    states = images.standardised(slice(0, 40))
    np.testing.assert_array_equal(again.features(states), classifier.features(states))
    before, after = classifier.reference.moments, again.reference.moments
    np.testing.assert_allclose(after.mean, before.mean, rtol=1e-6)
    np.testing.assert_allclose(after.covariance, before.covariance, rtol=1e-6, atol=1e-9)
    content = path.read_bytes()
    save_classifier(again, path)
    assert path.read_bytes() == content


def test_it_sees_the_same_images_in_any_units(taught):
    classifier, _, images, _ = taught
    own = classifier.probabilities(images.standardised(slice(0, 50)))
    other = Standardisation(np.full((1, 1, 1), 0.4), np.full((1, 1, 1), 1.7))
    restated = replace(images, transform=other).standardised(slice(0, 50))
    np.testing.assert_allclose(classifier.probabilities(restated, other), own, atol=1e-5)
    assert not np.allclose(classifier.probabilities(restated), own, atol=1e-2)


def test_it_sees_images_as_they_are_shown(taught):
    # Brighter than white is shown white, and darker than black is black.
    classifier, _, images, _ = taught
    plain = Standardisation(np.zeros((1, 1, 1)), np.ones((1, 1, 1)))
    states = (images.images[:6] > 100).astype(np.float32)
    beyond = states * 1.5 - (1 - states) * 0.7
    np.testing.assert_array_equal(
        classifier.features(beyond, plain), classifier.features(states, plain)
    )


def test_real_images_score_their_floor(taught):
    classifier, _, images, _ = taught
    sets = [
        classifier.quality(replace(stripes(128, seed), transform=images.transform).standardised())
        for seed in range(2, 12)
    ]
    assert np.mean([found.ratio for found in sets]) == pytest.approx(1, abs=0.4)
    assert (sets[0].samples, sets[0].reference) == (128, 150)
    assert (sets[0].classes, sets[0].of_classes) == (3, 3)
    noise = np.random.default_rng(0).normal(size=(128, 1, 8, 8))
    assert classifier.quality(noise).ratio > 5


def test_other_shapes_are_refused(taught):
    with pytest.raises(ValueError, match=r"shape \(1, 8, 8\), got \(3, 8, 8\)"):
        taught[0].probabilities(np.zeros((2, 3, 8, 8)))


def test_sets_without_classes_have_no_distance(taught):
    *_, images, test = taught
    with pytest.raises(ValueError, match=r"no distance .* 'folder'"):
        load_classifier("folder")
    with pytest.raises(ValueError, match=r"no distance .* 'folder'"):
        trained(replace(images, name="folder"), test)
    with pytest.raises(ValueError, match="'digits' has no classes"):
        trained(replace(images, labels=np.empty(0, np.int64)), test)
    assert image_classifier.known_classifier("folder") is None


def test_damaged_and_foreign_files_are_refused_by_name(taught, tmp_path):
    path = tmp_path / "mnist.safetensors"
    with pytest.raises(ValueError, match=f"no such classifier: {path}"):
        read_classifier(path)
    save_classifier(taught[0], path)
    with pytest.raises(ValueError, match=f"{path} is a classifier of 'digits', not 'mnist'"):
        load_classifier("mnist", tmp_path)
    data = path.read_bytes()
    for bad in (
        b"",
        data[: len(data) // 2],
        b"not a classifier" * 9,
        data.replace(b'classes\\":3', b'classes\\":4'),
        data.replace(b'format\\":1', b'format\\":2'),
        data.replace(b'seed\\"', b'sead\\"'),
    ):
        assert bad != data
        path.write_bytes(bad)
        with pytest.raises(ValueError, match=f"{path} is not a usable classifier"):
            read_classifier(path)


def test_others_are_trained_once_and_kept(monkeypatch, tmp_path):
    loaded = []

    def load_for(config, *, root, split="train"):
        loaded.append((config.dataset, root, split))
        return stripes(150, 0 if split == "train" else 1, "cifar10")

    monkeypatch.setattr("engine.image_files.loading.load_for", load_for)
    monkeypatch.setattr(image_classifier, "kept_folder", lambda: tmp_path / "new" / "folder")
    monkeypatch.setattr(train_classifier, "__kwdefaults__", {"steps": 4, "command": ""})
    config = image_training("cifar10")
    assert image_classifier.known_classifier("cifar10") is None
    steps = list(find_classifier(config, tmp_path))
    assert list(dict.fromkeys(step.step for step in steps)) == [1, 2, 3, 4]
    assert loaded == [("cifar10", tmp_path, "train"), ("cifar10", tmp_path, "test")]
    assert list(find_classifier(config)) == []
    assert len(loaded) == 2
    assert image_classifier.known_classifier("cifar10") is not None


@pytest.mark.parametrize("name", BUNDLED_CLASSIFIERS)
def test_bundled_classifiers_are_what_they_say(name):
    path = image_classifier.classifier_path(name)
    assert path.stat().st_size < 200_000
    described = load_classifier(name).description
    assert f"bundle_classifier {name} --seed {described.seed}" in described.command
    assert described.accuracy > {"digits": 0.95, "mnist": 0.98, "fashion": 0.88}[name]
    assert described.seconds > 0
    assert described.floors[128] > described.floors[500] > 0


def test_the_bundled_accuracy_is_that_of_the_bundled_digits():
    classifier, test = load_classifier("digits"), load_digits("test")
    probabilities = classifier.probabilities(test.standardised(), test.transform)
    assert np.mean(probabilities.argmax(1) == test.labels) == pytest.approx(
        classifier.description.accuracy, abs=0.006
    )
