"""The exercise's tasks set the scene, whatever has been done to it."""

import pytest

from toydiff_gui import tasks
from toydiff_gui.state import DEFAULT_LANES, AppState, LaneSpec

pytestmark = pytest.mark.usefixtures("qapp")


@pytest.mark.parametrize("task", tasks.TASKS, ids=lambda task: task.key)
def test_a_task_looks_the_same_after_any_meddling(task):
    fresh, meddled = AppState(), AppState()
    meddled.update_sampling(
        mode="inverted",
        path="geodesic",
        side="right",
        even=True,
        through=((1.0, 1.0),),
        steps=7,
        eta=0.5,
    )
    meddled.update_lane("ddim", sampler="heun", steps=3, path="drawn", checkpoint="moons")
    meddled.remove_lane("ddpm")
    meddled.remove_lane("ddpm-shared")
    own = meddled.add_lane(LaneSpec("", exact=True))
    meddled.update_view(selected_lane=own, maximised_lane=own)
    for state in (fresh, meddled):
        state.update_sampling(count=1000)
        tasks.apply(task, state)
    changes = {"a", "b", "count", "path_points", "mode"} - set(task.sampling)
    for name in set(vars(fresh.sampling)) - changes:
        assert getattr(meddled.sampling, name) == getattr(fresh.sampling, name), name
    assert meddled.shown_lanes == fresh.shown_lanes
    assert [lane.key for lane in meddled.shown_lanes] == list(task.lanes)
    assert not meddled.lane(own).shown  # kept, for afterwards
    assert {lane.key for lane in DEFAULT_LANES} <= {lane.key for lane in meddled.lanes}
    assert meddled.view.selected_lane == fresh.view.selected_lane
    assert meddled.view.maximised_lane == ""
