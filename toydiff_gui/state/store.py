"""The one store of the window: views subscribe, write back through it, hold no copy.

Values are replaced as a whole. Setting an equal value tells nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, TypeVar, cast

from PySide6.QtCore import QObject, Signal, SignalInstance

from toydiff_gui.state.slots import Family, Kind, Slot

Value = TypeVar("Value")
Key = TypeVar("Key")


@dataclass(frozen=True)
class Settings:
    """All that the user has chosen: one immutable value. What is not in it is as at first."""

    values: Mapping[Slot[Any], Any] = field(default_factory=lambda: MappingProxyType({}))

    def get(self, slot: Slot[Value]) -> Value:
        """What is chosen in ``slot``."""
        return cast(Value, self.values[slot]) if slot in self.values else slot.initial()


class _Told(QObject):
    """Says that a slot has changed.

    Signals:
        changed: the value is another.
    """

    changed = Signal()


class _ToldWithKey(QObject):
    """Says that a member of a family has changed.

    Signals:
        changed: the value under this key is another.
    """

    changed = Signal(object)


class Store(QObject):
    """Holds a value for each slot.

    Signals:
        slot_changed: a ``Slot`` or ``Family`` whose value has changed, whichever it is.
        message_posted: something to tell the user, (text, is_error).
        program_asked: the user is to be asked whether a program may run: (ref, opens). ``opens``:
            it is wanted as the model, not only for a lane.
    """

    slot_changed = Signal(object)
    program_asked = Signal(str, bool)
    message_posted = Signal(str, bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._values: dict[Slot[Any], Any] = {}
        self._members: dict[Family[Any, Any], dict[Any, Any]] = {}
        self._told: dict[object, _Told | _ToldWithKey] = {}
        self._coming: Settings | None = None
        self.prepare: Callable[[Settings], bool] = lambda settings: True
        """Whether settings can be applied now; else ``proceed`` or ``drop`` is called later."""

    def get(self, slot: Slot[Value]) -> Value:
        """The value of now."""
        if slot not in self._values:
            self._values[slot] = slot.initial()
        return cast(Value, self._values[slot])

    def set(self, slot: Slot[Value], value: Value) -> None:
        """Replace the value of a slot."""
        if value == self.get(slot):
            return
        self._values[slot] = value
        self._tell(slot)

    def update(self, slot: Slot[Any], **changes: Any) -> None:
        """Change fields of a slot's value; raises ``ValueError`` for a bad one."""
        self.set(slot, replace(self.get(slot), **changes))

    def at(self, family: Family[Key, Value], key: Key) -> Value:
        """The value under ``key``; the family's initial one if there is none."""
        members = self._members.get(family, {})
        return cast(Value, members[key]) if key in members else family.initial()

    def keys(self, family: Family[Key, Any]) -> tuple[Key, ...]:
        """The keys that have a value."""
        return tuple(self._members.get(family, ()))

    def put(self, family: Family[Key, Value], key: Key, value: Value | None) -> None:
        """Replace the value under ``key``; None takes it away, if there is one."""
        members = self._members.setdefault(family, {})
        if value is not None:
            if key in members and members[key] == value:
                return
            members[key] = value
        elif members.pop(key, None) is None:
            return
        self._tell(family, key)

    def clear(self, family: Family[Key, Any]) -> None:
        """Take all members of a family away, without a word: what they belong to has changed."""
        self._members.pop(family, None)

    def changed(self, slot: Slot[Any] | Family[Any, Any]) -> SignalInstance:
        """The signal to connect to: without arguments, or with the key of a family's member."""
        if slot not in self._told:
            self._told[slot] = (_ToldWithKey if isinstance(slot, Family) else _Told)(self)
        return self._told[slot].changed

    def _tell(self, slot: Slot[Any] | Family[Any, Any], key: object = None) -> None:
        told = self._told.get(slot)
        if isinstance(told, _ToldWithKey):
            told.changed.emit(key)
        elif told is not None:
            told.changed.emit()
        self.slot_changed.emit(slot)

    # All settings together

    @property
    def settings(self) -> Settings:
        """What the user has chosen, whichever slots there are; of now, or what is to be applied."""
        if self._coming is not None:
            return self._coming
        slots = [slot for slot in self._values if slot.kind is Kind.SETTING]
        chosen = {slot: self.get(slot) for slot in slots if self.get(slot) != slot.initial()}
        return Settings(MappingProxyType(chosen))

    @property
    def coming(self) -> Settings | None:
        """Settings that wait for what they need."""
        return self._coming

    def apply(self, settings: Settings) -> None:
        """Let all settings be these: at once, or all together when what they need is there."""
        self._coming = settings
        if self.prepare(settings):
            self.proceed()

    def proceed(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        """What the coming settings need is there: they hold from now on.

        ``meanwhile`` is called when they do, before anybody is told.
        """
        coming, self._coming = self._coming, None
        changed = [] if coming is None else self._put_all(coming)
        meanwhile()
        self._tell_all(changed)
        if coming is not None:
            self._tell_all(self._put_all(coming))  # of what others have fitted to the change

    def drop(self) -> None:
        """What the coming settings need cannot be had: nothing changes."""
        self._coming = None

    def _put_all(self, settings: Settings) -> list[Slot[Any]]:
        """Set all settings without a word; those that were other before."""
        known = [slot for slot in self._values if slot.kind is Kind.SETTING]
        changed = []
        for slot in dict.fromkeys([*known, *settings.values]):
            if (value := settings.get(slot)) != self.get(slot):
                self._values[slot] = value
                changed.append(slot)
        return changed

    def _tell_all(self, slots: Iterable[Slot[Any]]) -> None:
        for slot in slots:
            self._tell(slot)

    def post(self, message: str, *, error: bool = False) -> None:
        """Tell the user something in the one place for it, as a sentence."""
        sentence = message[:1].upper() + message[1:]
        if sentence and sentence[-1] not in ".!?…":
            sentence += "."
        self.message_posted.emit(sentence, error)
