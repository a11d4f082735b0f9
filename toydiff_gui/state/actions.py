"""What can be done in a window, as data: menus, keys, buttons and the help are views of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

Reach = Literal["window", "lanes", "left over"]
"""Where keys work: anywhere in the window, while the lanes have the focus, or where no widget has
wanted them."""


@dataclass(frozen=True)
class Place:
    """Where an action stands in a menu; lines part its sections."""

    menu: str
    section: int = 0
    order: int = 0


@dataclass(frozen=True)
class Action:
    """Something that a user can do.

    ``enabled`` tells whether it can be done now; where it cannot, ``refuse`` says why, if there is
    more to say than a grey entry does. ``checked``: whether it is on, of what can be. Actions with
    the same ``choice`` exclude each other.
    """

    id: str
    title: str
    run: Callable[[], object]
    tip: str = ""
    keys: tuple[str, ...] = ()
    """As ``QKeySequence`` writes them."""
    help: str = ""
    """What the list of keys says; actions that say the same share a line there."""
    reach: Reach = "window"
    yields: bool = False
    """A widget with the focus comes first where it needs the key: a field types it."""
    repeats: bool = True
    """A key that is held down does it again and again."""
    place: Place | None = None
    enabled: Callable[[], bool] = lambda: True
    refuse: Callable[[], object] | None = None
    checked: Callable[[], bool] | None = None
    choice: str = ""

    @property
    def answers(self) -> bool:
        """Whether asking for it now does something, if only to say why it cannot be done."""
        return self.refuse is not None or self.enabled()

    @property
    def tip_with_keys(self) -> str:
        """What a button says about it."""
        return f"{self.tip} ({', '.join(self.keys)})" if self.keys else self.tip

    def ask(self) -> None:
        """Do it, or say why it cannot be done."""
        if self.enabled():
            self.run()
        elif self.refuse is not None:
            self.refuse()


@dataclass(frozen=True)
class WidgetKeys:
    """Keys that a widget takes for itself while it has the focus: a line of the help."""

    keys: str
    help: str


Row = Action | WidgetKeys


def actions(rows: Iterable[Row]) -> tuple[Action, ...]:
    """Those of ``rows`` that can be asked for."""
    return tuple(row for row in rows if isinstance(row, Action))


def key_lines(rows: Iterable[Row]) -> list[tuple[str, str]]:
    """Pairs of keys and what they do, as the help lists them.

    Actions that say the same share a line, and so do different meanings of the same keys.
    """
    keys_of: dict[str, list[str]] = {}
    for row in rows:
        keys = (row.keys,) if isinstance(row, WidgetKeys) else row.keys
        if keys:
            keys_of.setdefault(row.help, []).extend(keys)
    lines: dict[str, str] = {}
    for meaning, all_keys in keys_of.items():
        name = _named(all_keys)
        lines[name] = f"{lines[name]}; {meaning}" if name in lines else meaning
    return list(lines.items())


def _named(keys: list[str]) -> str:
    """Such as 'Left, Right', or '1 … 9' for digits that follow each other."""
    if len(keys) > 2 and all(key.isdigit() for key in keys):
        return f"{keys[0]} … {keys[-1]}"
    return ", ".join(keys)
