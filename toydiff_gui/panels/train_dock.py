"""The dock 'Train': what to train on, how, and how it is going."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from engine.shared.config import ScheduleConfig
from toydiff_gui.panels.dock import Dock
from toydiff_gui.panels.network_section import NetworkSection
from toydiff_gui.panels.run_foot import RunFoot, TrainedIn
from toydiff_gui.panels.schedule_choice import ScheduleChoice
from toydiff_gui.state.store import Store
from toydiff_gui.state.view import VIEW

WIDTH = 296


class TrainDock(Dock):
    """The left dock, as the window knows it: by itself it has nothing to set.

    Signals:
        train_requested: train with the state's training configuration, or train on.
        pause_requested: hold the training.
        resume_requested: let it go on.
        stop_requested: end it; what was learned is kept.
    """

    train_requested = Signal()
    pause_requested = Signal()
    resume_requested = Signal()
    stop_requested = Signal()

    def __init__(self, state: Store, parent: QWidget | None = None) -> None:
        super().__init__("Train", "left", WIDTH, state, parent)
        self.hide_requested.connect(self._hide)

    def _hide(self) -> None:
        self._state.update(VIEW, train_dock=False)

    def set_can_continue(self, can_continue: bool) -> None:
        """Say whether training would go on from the current model, or start anew."""


class TrainPanel(TrainDock):
    """Data and network, which the mode gives, with the schedule in between; the run at the foot.

    ``mode_of``: the mode of a kind of states, ``kind`` that of this one's. ``schedule`` is the
    default.
    """

    def __init__(
        self,
        state: Store,
        mode_of: Callable[[str], TrainedIn],
        kind: str,
        data: QWidget,
        schedule: ScheduleConfig,
        network: NetworkSection,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(state, parent)
        self.schedule = ScheduleChoice(state, schedule)
        self.column.addWidget(data)
        for part in (self.schedule, network):
            self.column.addSpacing(2)
            self.column.addWidget(part)
        self.scroll_area.column.addStretch(1)
        self.run = RunFoot(state, kind, mode_of)
        self.run.train_requested.connect(self.train_requested)
        self.run.pause_requested.connect(self.pause_requested)
        self.run.resume_requested.connect(self.resume_requested)
        self.run.stop_requested.connect(self.stop_requested)
        self.foot.addWidget(self.run)

    def set_can_continue(self, can_continue: bool) -> None:
        """See ``TrainDock.set_can_continue``."""
        self.run.set_can_continue(can_continue)
