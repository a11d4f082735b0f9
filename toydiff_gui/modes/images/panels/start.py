"""How many images, in how many steps, from which noise."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QHBoxLayout, QWidget

from toydiff_gui.modes.images.settings import IMAGE_SAMPLING, MAX_TILES
from toydiff_gui.panels.dock import Section
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.store import Store
from toydiff_gui.style.numbers import grouped
from toydiff_gui.widgets import NumberField


class ImageStartSection(Section):
    """Number of tiles, steps and seed."""

    def __init__(self, state: Store, parent: QWidget | None = None) -> None:
        super().__init__(state, parent)
        self.count_field = NumberField(
            "Images N",
            minimum=1,
            maximum=MAX_TILES,
            step=16,
            tooltip="How many samples the grid shows.",
        )
        self.steps_field = NumberField(
            "Steps",
            minimum=1,
            maximum=1,
            step=10,
            blank="",
            tooltip="Steps from noise to data; empty means one for each t. Fewer are faster and "
            "less exact.",
        )
        self.seed_field = NumberField(
            "Seed",
            minimum=0,
            maximum=2**63 - 1,
            dice="Throw another seed for the samples",
            tooltip="Fixes latents and noise: the same seed shows the same images again.",
        )
        row = QHBoxLayout()
        row.setSpacing(8)
        for field, change in (
            (self.count_field, self._set_count),
            (self.steps_field, self._set_steps),
            (self.seed_field, self._set_seed),
        ):
            field.rejected.connect(self.complain)
            field.value_changed.connect(change)
            row.addWidget(field, 1)
        self.column.addLayout(row)
        state.changed(IMAGE_SAMPLING).connect(self._show)
        state.changed(MODEL).connect(self._show)
        self._show()

    def _show(self) -> None:
        images, timesteps = (
            self._state.get(IMAGE_SAMPLING),
            self._state.get(MODEL).schedule.timesteps,
        )
        self.count_field.set_value(images.count)
        self.steps_field.set_blank(grouped(timesteps))
        self.steps_field.set_range(1, timesteps)
        self.steps_field.set_value(None if images.steps is None else min(images.steps, timesteps))
        self.seed_field.set_value(images.seed)

    def _change(self, **changes: Any) -> None:
        self.write(lambda: self._state.update(IMAGE_SAMPLING, **changes), self._show)

    def _set_count(self, count: int) -> None:
        self._change(count=count)

    def _set_steps(self, steps: int | None) -> None:
        self._change(steps=steps)

    def _set_seed(self, seed: int) -> None:
        self._change(seed=seed)
