"""The window in clumsy hands."""

import pytest

from tests.hands import random_actions


def test_every_action_once_leaves_nothing_behind(qapp):
    report = random_actions.run(150, seed=2)
    assert report.troubles == []
    assert report.actions >= len(report.done) > 110
    assert {"latent", "ddpm", "ddpm-shared", "ddim", "ddim-few", "training"} <= set(report.lanes)


@pytest.mark.slow
def test_a_thousand_random_actions_leave_nothing_behind(qapp):
    report = random_actions.run(1000, seed=3)
    assert report.troubles == []
    assert report.jobs >= 50


@pytest.mark.slow
def test_every_action_of_mode_images_once_leaves_nothing_behind(qapp):
    report = random_actions.run(150, seed=5, mode="images")
    assert report.troubles == []
    assert report.actions >= len(report.done) > 110
    assert {"ddpm", "ddpm-shared", "ddim"} <= set(report.lanes)
