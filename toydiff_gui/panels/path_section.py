"""The path between A and B: its kind, how much lies on it, the search for a geodesic."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QWidget

from engine.shared import catalogue
from toydiff_gui.panels.dock import Section
from toydiff_gui.panels.search import SearchLine
from toydiff_gui.state.sampling import LaneMode
from toydiff_gui.state.store import Store
from toydiff_gui.style import theme
from toydiff_gui.widgets import (
    IconButton,
    NumberBox,
    SectionHeader,
    Segment,
    SegmentedControl,
    Text,
)

ALWAYS_EVEN = "The geodesic is always spaced evenly where it is decoded"
SWAP = "Exchange the two endpoints"


class PathSection(Section):
    """Kind of path, spacing and number of what lies on it; a mode adds the ends.

    Who derives from it adds the ends to ``column``, then calls ``place_kind``, adds ``even`` and
    what ``count_fields`` makes, and ends with ``place_search``. ``parts`` are the fields of the
    mode's settings that the section sets.

    Signals:
        stop_search_requested: end the search for the geodesic.
        search_again_requested: search for the geodesic once more.
    """

    stop_search_requested = Signal()
    search_again_requested = Signal()

    def __init__(
        self,
        state: Store,
        mode: LaneMode,
        parts: tuple[str, ...],
        parent: QWidget | None = None,
        *,
        reset_tip: str,
        random_tip: str,
    ) -> None:
        super().__init__(state, parent)
        self._mode, self._parts = mode, parts
        self.header = SectionHeader("Interpolation", reset_tooltip=reset_tip)
        self.header.reset_requested.connect(self._reset)
        self.swap_button = IconButton("swap", "Swap A and B", SWAP, side=20)
        self.swap_button.clicked.connect(self.swap)
        self.random_button = IconButton("dice", "Random endpoints", random_tip, side=20)
        self.random_button.clicked.connect(self.randomise)
        self.header.add(self.swap_button)
        self.header.add(self.random_button)
        self.column.addSpacing(4)
        self.column.addWidget(self.header)
        self.even = QCheckBox()
        self.even.clicked.connect(self._set_even)

    # Building

    def place_kind(self, kind: str) -> None:
        """The kinds of paths; ``kind`` is that of the states."""
        self.kind = SegmentedControl(
            "Path",
            [Segment(row.name, row.title, row.tip_for(kind)) for row in catalogue.PATHS],
            columns=2,
            compact=True,
            type_size=12,
        )
        self.kind.chosen.connect(self._set_path)
        self.column.addWidget(self.kind)

    def count_fields(
        self, field: str, title: str, what: str, most: int, step: int, width: int
    ) -> tuple[Text, NumberBox]:
        """Label and box for how many of ``what`` lie on the path; ``field`` of the settings."""
        self._count, self._count_width = field, width
        label = Text(title, ink="text_secondary")
        self.count_box = NumberBox(title, minimum=2, maximum=most, step=step)
        for part in (label, self.count_box):
            part.setToolTip(f"How many {what} lie on the path from A to B, both included.")
        self.count_box.value_changed.connect(self._set_count)
        self.count_box.rejected.connect(self.complain)
        label.setBuddy(self.count_box)
        theme.notifier().changed.connect(self._resize)
        self._resize()
        return label, self.count_box

    def place_search(self) -> None:
        """How the search goes, at the end."""
        self.search = SearchLine(self._state, self._mode)
        self.search.stop_requested.connect(self.stop_search_requested)
        self.search.again_requested.connect(self.search_again_requested)
        self.column.addWidget(self.search)
        self._state.changed(self._mode.settings).connect(self.show_path)
        self.show_path()

    def _resize(self) -> None:
        self.count_box.setFixedWidth(theme.current().px(self._count_width))

    # What a mode says of it

    def show_own(self, settings: Any) -> None:
        """Show all but the kind of path and the number."""

    def swap(self) -> None:
        """Exchange the ends."""

    def randomise(self) -> None:
        """Choose ends at random."""

    # Showing and writing

    def show_path(self) -> None:
        """Show what is set."""
        settings = self._state.get(self._mode.settings)
        self.kind.set_current(settings.path)
        self.count_box.set_number(getattr(settings, self._count))
        default = type(settings)()
        self.header.set_default(
            all(getattr(settings, name) == getattr(default, name) for name in self._parts)
        )
        self.show_own(settings)

    def change(self, **changes: Any) -> None:
        """Change fields of the mode's settings."""
        self.write(lambda: self._state.update(self._mode.settings, **changes), self.show_path)

    def _set_path(self, path: str) -> None:
        self.change(path=path)

    def _set_even(self, even: bool) -> None:
        self.change(even=even)

    def _set_count(self, count: int) -> None:
        self.change(**{self._count: count})

    def _reset(self) -> None:
        default = type(self._state.get(self._mode.settings))()
        self.change(**{name: getattr(default, name) for name in self._parts})
