"""What the store tells of a change, and when it says nothing."""

from dataclasses import dataclass

import pytest

from toydiff_gui.state.slots import Family, Kind, Slot
from toydiff_gui.state.store import Store

pytestmark = pytest.mark.usefixtures("qapp")


@dataclass(frozen=True)
class Numbers:
    """A value of two numbers."""

    few: int = 1
    many: int = 9

    def __post_init__(self) -> None:
        if self.few > self.many:
            raise ValueError("few are not many")


CHOSEN, VIEWED, FOR_NOW, ANSWER = (
    Slot(kind.name, Numbers, kind)
    for kind in (Kind.SETTING, Kind.VIEW, Kind.TRANSIENT, Kind.RESULT)
)
OTHER = Slot("other", Numbers, Kind.SETTING)
ANSWERS: Family[str, Numbers] = Family("answers", Numbers)


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def told(store):
    """All that the store tells: the slot, and what its own signal carries."""
    heard = []
    for slot in (CHOSEN, VIEWED, FOR_NOW, ANSWER):
        store.changed(slot).connect(lambda slot=slot: heard.append((slot,)))
    store.changed(ANSWERS).connect(lambda key: heard.append((ANSWERS, key)))
    return heard


@pytest.mark.parametrize("slot", [CHOSEN, VIEWED, FOR_NOW, ANSWER], ids=lambda slot: slot.name)
def test_an_equal_value_tells_nobody(store, told, slot):
    store.set(slot, Numbers())
    assert told == []
    store.update(slot, few=2)
    store.update(slot, few=2)
    assert told == [(slot,)]
    assert store.get(slot) == Numbers(few=2)


def test_an_equal_member_tells_nobody_but_the_first(store, told):
    store.put(ANSWERS, "a", Numbers())  # as the initial one, but from now on it is there
    store.put(ANSWERS, "a", Numbers())
    assert told == [(ANSWERS, "a")]
    store.put(ANSWERS, "a", Numbers(2))
    assert told == [(ANSWERS, "a")] * 2


def test_a_bad_value_changes_nothing(store, told):
    with pytest.raises(ValueError, match="few are not many"):
        store.update(CHOSEN, few=10)
    assert store.get(CHOSEN) == Numbers()
    assert told == []


def test_members_come_and_go_by_their_keys(store, told):
    assert store.at(ANSWERS, "a") == Numbers()
    store.put(ANSWERS, "a", None)  # there is none
    assert told == []
    store.put(ANSWERS, "a", Numbers(2))
    store.put(ANSWERS, "b", Numbers(3))
    assert store.keys(ANSWERS) == ("a", "b")
    store.put(ANSWERS, "a", None)
    assert store.keys(ANSWERS) == ("b",)
    assert (store.at(ANSWERS, "a"), store.at(ANSWERS, "b")) == (Numbers(), Numbers(3))
    assert told == [(ANSWERS, key) for key in ("a", "b", "a")]
    store.clear(ANSWERS)
    assert store.keys(ANSWERS) == ()
    assert len(told) == 3


def test_one_signal_tells_of_all_slots(store):
    heard = []
    store.slot_changed.connect(heard.append)
    store.update(CHOSEN, few=2)
    store.put(ANSWERS, "a", Numbers())
    store.update(CHOSEN, few=2)
    assert heard == [CHOSEN, ANSWERS]


def test_settings_are_taken_and_given_back_as_one_value(store, told):
    store.update(CHOSEN, few=2)
    store.update(VIEWED, few=2)
    kept = store.settings
    assert dict(kept.values) == {CHOSEN: Numbers(2)}
    assert kept.get(OTHER) == Numbers()
    store.update(CHOSEN, few=3)
    store.update(OTHER, few=3)
    store.update(VIEWED, few=3)
    assert store.settings != kept
    told.clear()
    store.apply(kept)
    assert store.settings == kept
    assert (store.get(CHOSEN), store.get(OTHER)) == (Numbers(2), Numbers())
    assert store.get(VIEWED) == Numbers(3)
    assert told == [(CHOSEN,)]


def test_whoever_is_told_of_settings_finds_all_of_them(store):
    other = Store()
    other.update(CHOSEN, few=2)
    other.update(OTHER, few=3)
    seen = []
    for slot in (CHOSEN, OTHER):
        store.changed(slot).connect(lambda: seen.append((store.get(CHOSEN), store.get(OTHER))))
    store.apply(other.settings)
    assert seen == [(Numbers(2), Numbers(3))] * 2


def test_what_is_fitted_to_a_part_of_the_settings_does_not_stay(store):
    other = Store()
    other.update(CHOSEN, few=2)
    other.update(OTHER, few=3)
    store.changed(CHOSEN).connect(lambda: store.set(OTHER, Numbers()))
    store.apply(other.settings)
    assert store.settings == other.settings


def test_settings_wait_for_what_they_need_and_then_hold_all_at_once(store, told):
    other = Store()
    other.update(CHOSEN, few=2)
    store.prepare = lambda settings: False
    store.apply(other.settings)
    assert (store.get(CHOSEN), told) == (Numbers(), [])
    assert store.settings == store.coming == other.settings
    store.proceed(lambda: told.append(store.get(CHOSEN)))
    assert told == [Numbers(2), (CHOSEN,)]
    assert store.coming is None
    store.apply(Store().settings)
    store.drop()
    store.proceed()
    assert store.settings == other.settings


def test_two_stores_have_nothing_in_common(store, told):
    other = Store()
    other.update(CHOSEN, few=2)
    other.put(ANSWERS, "a", Numbers(2))
    assert store.get(CHOSEN) == Numbers()
    assert store.keys(ANSWERS) == ()
    assert told == []
