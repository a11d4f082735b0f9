"""What the lanes start from: a path, random latents, or the latents of one's own points."""

from __future__ import annotations

from toydiff_gui.modes.points.settings import INVERSION, MAX_LANE_POINTS, SAMPLING, Sampling
from toydiff_gui.panels.start_section import StartSection
from toydiff_gui.widgets import Segment, SegmentedControl

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


class PointStartSection(StartSection):
    """Mode, number of points, steps and seed of all lanes."""

    SETTINGS, ONES, MOST, STEP = SAMPLING, "points", MAX_LANE_POINTS, 100
    COUNT_TIP = "How many points each lane shows."
    STEPS_TIP = "Steps that a sampler takes from noise to data"

    def place_above(self) -> None:
        """See ``StartSection.place_above``."""
        self.mode = SegmentedControl("What to start from", MODES, compact=True)
        self.mode.chosen.connect(self._set_mode)
        self.column.addWidget(self.mode)
        self._state.changed(INVERSION).connect(self.show_start)

    def show_count(self, settings: Sampling) -> None:
        """Show the mode and how many points there are."""
        inversion = self._state.get(INVERSION)
        ready = inversion.latents is not None
        self.mode.set_segment(
            "inverted",
            ready or settings.mode == "inverted",
            OWN_POINTS if ready else "There are none yet: press 'Invert data points…' below",
        )
        self.mode.set_current(settings.mode)
        own = settings.mode == "inverted"
        along = settings.mode == "interpolation"
        self.count_field.setEnabled(not own)
        self.count_field.box.setToolTip("As many as you have inverted" if own else self.COUNT_TIP)
        self.count_field.set_range(2 if along else 1, MAX_LANE_POINTS)
        if own:
            self.count_field.set_range(0, MAX_LANE_POINTS)
            self.count_field.set_value(len(inversion.data))
        else:
            self.count_field.set_value(settings.path_points if along else settings.count)

    def set_count(self, count: int) -> None:
        """Set how many points there are on the path, or of the samples."""
        along = self._state.get(SAMPLING).mode == "interpolation"
        self.change(**{"path_points" if along else "count": count})

    def _set_mode(self, mode: str) -> None:
        self.change(mode=mode)
