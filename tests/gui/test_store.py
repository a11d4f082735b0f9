"""The store of slots alone."""

from dataclasses import dataclass

import pytest

from toydiff_gui.state.slots import Family, Kind, Slot
from toydiff_gui.state.store import Store


@dataclass(frozen=True)
class Drawing:
    colour: str = "red"
    width: int = 1

    def __post_init__(self):
        if self.width < 0:
            raise ValueError(f"width {self.width}")


DRAWING = Slot("drawing", Drawing, Kind.SETTING)
ZOOM = Slot("zoom", lambda: 1.0, Kind.VIEW)
FOUND = Slot("found", list, Kind.RESULT)
RUNS = Family("runs", lambda: "none")


@pytest.fixture
def told(qapp):
    store = Store()
    told = []
    store.changed(DRAWING).connect(lambda: told.append("drawing"))
    store.changed(FOUND).connect(lambda: told.append("found"))
    store.changed(RUNS).connect(told.append)
    return store, told


def test_a_slot_begins_with_its_own_value_and_tells_of_changes_alone(told):
    store, told = told
    assert store.get(DRAWING) == Drawing()
    store.update(DRAWING, colour="red")
    assert told == []
    store.update(DRAWING, width=3)
    assert (told, store.get(DRAWING)) == (["drawing"], Drawing("red", 3))
    with pytest.raises(ValueError, match="width -1"):
        store.update(DRAWING, width=-1)
    assert store.get(DRAWING).width == 3


def test_members_of_a_family_come_and_go_by_their_keys(told):
    store, told = told
    assert store.at(RUNS, "a") == "none"
    store.put(RUNS, "a", "some")
    store.put(RUNS, "b", None)  # was not there
    store.put(RUNS, "a", None)
    assert told == ["a", "a"]
    assert store.keys(RUNS) == ()


def test_whoever_hears_of_all_slots_is_told_which(qapp):
    store, heard = Store(), []
    store.slot_changed.connect(heard.append)
    store.set(ZOOM, 2.0)
    store.put(RUNS, "a", "some")
    assert heard == [ZOOM, RUNS]


def test_all_settings_are_one_value_that_can_be_put_back(qapp):
    slots = (DRAWING, ZOOM, FOUND)
    store = Store()
    before = store.settings(slots)
    store.update(DRAWING, colour="blue")
    store.set(ZOOM, 3.0)
    after = store.settings(slots)
    assert before != after
    assert set(after.values) == {"drawing"}  # a zoom is no setting
    other = Store()
    other.restore(after, slots)
    assert other.get(DRAWING) == Drawing("blue")
    assert other.get(ZOOM) == 1.0
    other.restore(before, slots)
    assert other.settings(slots) == before
