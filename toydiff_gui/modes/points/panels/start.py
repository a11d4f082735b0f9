"""What the lanes start from: a path, random latents, or the latents of one's own points."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QHBoxLayout, QWidget

from toydiff_gui.modes.points.settings import INVERSION, MAX_LANE_POINTS, SAMPLING
from toydiff_gui.panels.dock import Section
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.store import Store
from toydiff_gui.style.numbers import grouped
from toydiff_gui.widgets import NumberField, Segment, SegmentedControl

OWN_POINTS = "Start from the latents that the inversion has found for your own points of the data"
MODES = (
    Segment(
        "interpolation",
        "Interpolation",
        "Start from points along a path between A and B: what lies between two latents?",
    ),
    Segment("samples", "Samples", "Start from random latents: what does the model produce?"),
    Segment("inverted", "My points", OWN_POINTS),
)


class StartSection(Section):
    """Mode, number of points, steps and seed of all lanes."""

    def __init__(self, state: Store, parent: QWidget | None = None) -> None:
        super().__init__(state, parent)
        self.mode = SegmentedControl("What to start from", MODES, compact=True)
        self.mode.chosen.connect(self._set_mode)
        self.column.addWidget(self.mode)
        self.count_field = NumberField(
            "Points N",
            minimum=1,
            maximum=MAX_LANE_POINTS,
            step=100,
            tooltip="How many points each lane shows.",
        )
        self.steps_field = NumberField(
            "Steps",
            minimum=1,
            maximum=1,
            step=10,
            blank="",
            tooltip="Steps that a sampler takes from noise to data; empty means one for each t. "
            "Fewer are faster and less exact.",
        )
        self.seed_field = NumberField(
            "Seed",
            minimum=0,
            maximum=2**63 - 1,
            dice="Throw another seed for the samples",
            tooltip="Fixes latents and noise: the same seed shows the same points again.",
        )
        row = QHBoxLayout()
        row.setSpacing(8)
        for field in (self.count_field, self.steps_field, self.seed_field):
            field.rejected.connect(self.complain)
            row.addWidget(field, 1)
        self.count_field.value_changed.connect(self._set_count)
        self.steps_field.value_changed.connect(self._set_steps)
        self.seed_field.value_changed.connect(self._set_seed)
        self.column.addLayout(row)
        state.changed(SAMPLING).connect(self._show)
        state.changed(MODEL).connect(self._show)
        state.changed(INVERSION).connect(self._show)
        self._show()

    def _show(self) -> None:
        sampling, inversion = self._state.get(SAMPLING), self._state.get(INVERSION)
        timesteps = self._state.get(MODEL).schedule.timesteps
        ready = inversion.latents is not None
        self.mode.set_segment(
            "inverted",
            ready or sampling.mode == "inverted",
            OWN_POINTS if ready else "There are none yet: press 'Invert data points…' below",
        )
        self.mode.set_current(sampling.mode)
        own = sampling.mode == "inverted"
        along = sampling.mode == "interpolation"
        self.count_field.setEnabled(not own)
        self.count_field.box.setToolTip(
            "As many as you have inverted" if own else "How many points each lane shows."
        )
        self.count_field.set_range(2 if along else 1, MAX_LANE_POINTS)
        if own:
            self.count_field.set_range(0, MAX_LANE_POINTS)
            self.count_field.set_value(len(inversion.data))
        else:
            self.count_field.set_value(sampling.path_points if along else sampling.count)
        self.steps_field.set_blank(grouped(timesteps))
        self.steps_field.set_range(1, timesteps)
        steps = None if sampling.steps is None else min(sampling.steps, timesteps)
        self.steps_field.set_value(steps)
        self.seed_field.set_value(sampling.seed)

    def _change(self, **changes: Any) -> None:
        self.write(lambda: self._state.update(SAMPLING, **changes), self._show)

    def _set_mode(self, mode: str) -> None:
        self._change(mode=mode)

    def _set_count(self, count: int) -> None:
        along = self._state.get(SAMPLING).mode == "interpolation"
        self._change(**{"path_points" if along else "count": count})

    def _set_steps(self, steps: int | None) -> None:
        self._change(steps=steps)

    def _set_seed(self, seed: int) -> None:
        self._change(seed=seed)
