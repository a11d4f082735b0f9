"""Values: arrays are the same by identity, all else as it is."""

from __future__ import annotations

import time
import weakref
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from engine.shared.trajectory import Trajectory
from engine.shared.values import BY_CONTENT, Memo, same, value


@value
@dataclass(frozen=True)
class Card:
    title: str = ""
    states: Any = None
    at: Mapping[int, Any] = field(default_factory=dict)
    note: str = field(default="", compare=False)


ARRAY, TWIN = np.arange(4.0), np.arange(4.0)


def test_arrays_are_the_same_by_identity():
    assert Card("a", ARRAY) == Card("a", ARRAY)
    assert Card("a", ARRAY) != Card("a", TWIN)
    assert Card("a", ARRAY) != Card("b", ARRAY)
    assert Card("a", ARRAY) != Card("a", None)
    assert Card("a", ARRAY, note="x") == Card("a", ARRAY, note="y")


@pytest.mark.parametrize("hold", [lambda x: (1, x), lambda x: {3: x}, lambda x: {3: (x, "b")}])
def test_arrays_in_tuples_and_mappings_too(hold):
    assert Card(states=hold(ARRAY)) == Card(states=hold(ARRAY))
    assert Card(states=hold(ARRAY)) != Card(states=hold(TWIN))
    assert Card(at={1: hold(ARRAY)}) == Card(at={1: hold(ARRAY)})
    assert Card(at={1: hold(ARRAY)}) != Card(at={2: hold(ARRAY)})
    assert Card(at={1: hold(ARRAY)}) != Card(at={})


def test_values_within_values_and_what_is_no_value():
    inner = Card("a", ARRAY)
    assert Card(states=inner) == Card(states=Card("a", ARRAY))
    assert Card(states=(inner,)) != Card(states=(Card("a", TWIN),))
    assert Card() != "a card"
    assert same((1, "a", None), (1, "a", None))
    assert not same((1, 2), (1,))
    assert not same(ARRAY, 0.0)


def test_what_holds_mappings_cannot_be_hashed():
    with pytest.raises(TypeError, match="unhashable"):
        hash(Card())


def test_a_value_must_be_a_dataclass():
    with pytest.raises(TypeError, match="Plain must be a dataclass"):

        @value
        class Plain:
            pass


def test_a_trajectory_grows_into_another_one():
    first = Trajectory((9, 4, 0)).with_frame(ARRAY, TWIN)
    second = first.with_frame(TWIN, TWIN)
    assert (len(first.x), len(second.x)) == (1, 2)
    assert second.x[0] is first.x[0]
    assert first != second
    assert first == Trajectory([9, 4, 0], [ARRAY], [TWIN])
    assert first != Trajectory([9, 4, 0], [TWIN], [TWIN])
    assert first != replace(first, meta={"seed": 1})
    with pytest.raises(FrozenInstanceError):
        first.x = ()


def test_growing_to_a_thousand_frames_takes_no_time_worth_telling():
    """Sixty times a second: all of it in less than what a single frame may take twice over."""
    run = Trajectory(tuple(range(1000, -1, -1)))
    begin = time.process_time()
    for _ in run.t:
        before, run = run, run.with_frame(ARRAY, ARRAY)
        assert run != before
    assert run == replace(run)
    assert time.process_time() - begin < 0.5


def test_small_arrays_may_count_by_what_they_hold():
    @value
    @dataclass(frozen=True)
    class Ends:
        a: Any = field(default=None, metadata=BY_CONTENT)
        rest: Any = None

    assert Ends(ARRAY) == Ends(TWIN)
    assert Ends(ARRAY) != Ends(TWIN + 1)
    assert Ends(ARRAY) != Ends(ARRAY[:2])
    assert Ends(ARRAY) != Ends()
    assert Ends(ARRAY, ARRAY) != Ends(ARRAY, TWIN)


# What has been made of values


class Owner:
    """Something that a memo makes things of."""


def test_what_was_made_is_known_as_long_as_its_owner_is_there():
    memo, made = Memo(), []

    def make():
        made.append(1)
        return len(made)

    first = Owner()
    assert memo.get(first, "a", make) == memo.get(first, "a", make) == 1
    assert memo.get(first, "b", make) == 2
    del first
    for _ in range(20):
        assert memo.get(Owner(), "a", make) == len(made)
    assert len(made) == 22


def test_of_several_owners_each_counts():
    memo, one, other = Memo(), Owner(), Owner()
    assert memo.get((one, None, other), "a", lambda: 1) == 1
    assert memo.get((one, None, other), "a", lambda: 2) == 1
    assert memo.get((one, other, None), "a", lambda: 3) == 3
    assert memo.get((), "a", lambda: 4) == 4
    gone = weakref.ref(other)
    del other
    assert gone() is None
    assert memo.get((one, None, Owner()), "a", lambda: 5) == 5


def test_a_memo_keeps_the_latest():
    memo, owner = Memo(2), Owner()
    for key in ("a", "b", "a", "c"):
        memo.get(owner, key, lambda key=key: key.upper())
    assert memo.get(owner, "a", lambda: "anew") == "A"
    assert memo.get(owner, "b", lambda: "anew") == "anew"
