"""The exercise's tasks set the scene, whatever has been done to it."""

import pytest

from toydiff_gui.modes import tasks
from toydiff_gui.modes.points.settings import SAMPLING
from toydiff_gui.modes.points.tasks import TASKS
from toydiff_gui.state.lanes import (
    DEFAULT_LANES,
    LANES,
    LaneSpec,
    add_lane,
    lane_of,
    remove_lane,
    shown_lanes,
    update_lane,
)
from toydiff_gui.state.store import Store
from toydiff_gui.state.view import LOOK

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.key)
def test_a_task_looks_the_same_after_any_meddling(task):
    fresh, meddled = Store(), Store()
    meddled.update(
        SAMPLING,
        mode="inverted",
        path="geodesic",
        side="right",
        even=True,
        through=((1.0, 1.0),),
        steps=7,
        eta=0.5,
    )
    update_lane(meddled, "ddim", sampler="heun", steps=3, path="drawn", checkpoint="moons")
    remove_lane(meddled, "ddpm")
    remove_lane(meddled, "ddpm-shared")
    own = add_lane(meddled, LaneSpec("", exact=True))
    meddled.update(LOOK, selected_lane=own, maximised_lane=own)
    for state in (fresh, meddled):
        state.update(SAMPLING, count=1000)
        tasks.apply(task, state)
    changes = {"a", "b", "count", "path_points", "mode"} - set(task.sampling)
    for name in set(vars(fresh.get(SAMPLING))) - changes:
        assert getattr(meddled.get(SAMPLING), name) == getattr(fresh.get(SAMPLING), name), name
    assert shown_lanes(meddled) == shown_lanes(fresh)
    assert [lane.key for lane in shown_lanes(meddled)] == list(task.lanes)
    assert not lane_of(meddled, own).shown  # kept, for afterwards
    assert {lane.key for lane in DEFAULT_LANES} <= {lane.key for lane in meddled.get(LANES)}
    assert meddled.get(LOOK).selected_lane == fresh.get(LOOK).selected_lane
    assert meddled.get(LOOK).maximised_lane == ""
