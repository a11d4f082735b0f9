"""How many, in how many steps, from which noise."""

from __future__ import annotations

from typing import Any, ClassVar

from PySide6.QtWidgets import QHBoxLayout, QWidget

from toydiff_gui.panels.dock import Section
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.slots import Slot
from toydiff_gui.state.store import Store
from toydiff_gui.style.numbers import grouped
from toydiff_gui.widgets import NumberField


class StartSection(Section):
    """Number of samples, steps and seed, in a row.

    ``SETTINGS`` is where they are set, ``ONES`` what is sampled, such as 'points'.
    """

    SETTINGS: ClassVar[Slot[Any]]
    ONES: ClassVar[str]
    MOST: ClassVar[int]
    STEP: ClassVar[int]
    COUNT_TIP: ClassVar[str]
    STEPS_TIP: ClassVar[str]

    def __init__(self, state: Store, parent: QWidget | None = None) -> None:
        super().__init__(state, parent)
        self.place_above()
        self.count_field = NumberField(
            f"{self.ONES.capitalize()} N",
            minimum=1,
            maximum=self.MOST,
            step=self.STEP,
            tooltip=self.COUNT_TIP,
        )
        self.steps_field = NumberField(
            "Steps",
            minimum=1,
            maximum=1,
            step=10,
            blank="",
            tooltip=f"{self.STEPS_TIP}; empty means one for each t. Fewer are faster and less "
            "exact.",
        )
        self.seed_field = NumberField(
            "Seed",
            minimum=0,
            maximum=2**63 - 1,
            dice="Throw another seed for the samples",
            tooltip=f"Fixes latents and noise: the same seed shows the same {self.ONES} again.",
        )
        row = QHBoxLayout()
        row.setSpacing(8)
        for field, change in (
            (self.count_field, self.set_count),
            (self.steps_field, self._set_steps),
            (self.seed_field, self._set_seed),
        ):
            field.rejected.connect(self.complain)
            field.value_changed.connect(change)
            row.addWidget(field, 1)
        self.column.addLayout(row)
        state.changed(self.SETTINGS).connect(self.show_start)
        state.changed(MODEL).connect(self.show_start)
        self.show_start()

    def place_above(self) -> None:
        """Put a mode's own above the row."""

    def show_start(self) -> None:
        """Show what is set."""
        settings = self._state.get(self.SETTINGS)
        timesteps = self._state.get(MODEL).schedule.timesteps
        self.show_count(settings)
        self.steps_field.set_blank(grouped(timesteps))
        self.steps_field.set_range(1, timesteps)
        steps = None if settings.steps is None else min(settings.steps, timesteps)
        self.steps_field.set_value(steps)
        self.seed_field.set_value(settings.seed)

    def show_count(self, settings: Any) -> None:
        """Show how many there are."""
        self.count_field.set_value(settings.count)

    def set_count(self, count: int) -> None:
        """Set how many there are."""
        self.change(count=count)

    def change(self, **changes: Any) -> None:
        """Change fields of the settings."""
        self.write(lambda: self._state.update(self.SETTINGS, **changes), self.show_start)

    def _set_steps(self, steps: int | None) -> None:
        self.change(steps=steps)

    def _set_seed(self, seed: int) -> None:
        self.change(seed=seed)
