"""The forward process on the canvas: the lanes of its own scene, and the point that is copied."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Protocol, cast

import numpy as np
from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from engine.shared.config import ScheduleConfig
from engine.shared.forward_process import States, copies_of, in_closed_form, step_by_step, thinned
from engine.shared.trajectory import Trajectory
from toydiff_gui.drawing.figures import pair
from toydiff_gui.drawing.view import ViewRange
from toydiff_gui.modes.points.compose import data_points
from toydiff_gui.modes.points.diagnostics.forward import (
    CLOSED_KEY,
    POINT_KEY,
    STEPS_KEY,
    forward_scene,
)
from toydiff_gui.modes.points.scene import Scene
from toydiff_gui.modes.points.settings import SAMPLING
from toydiff_gui.state import wording
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.store import Store


class Lanes(Protocol):
    """What is needed of the canvas."""

    @property
    def view_range(self) -> ViewRange:
        """The part of the plane that is shown."""

    def set_scene(self, scene: Scene) -> None:
        """Show a scene."""

    def set_t(self, t: int) -> None:
        """Show it at t."""

    def lane_view(self, key: str) -> QWidget | None:
        """The view of a lane."""


@lru_cache(maxsize=2)
def _whole_set(
    dataset: str,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    schedule: ScheduleConfig,
    seed: int,
) -> tuple[States, Trajectory, Trajectory]:
    data = thinned(data_points(dataset, mean, std), schedule.timesteps)
    return data, step_by_step(data, schedule, seed), in_closed_form(data, schedule, seed)


class ForwardView(QObject):
    """Composes the scene of the forward process for the model on show, while it is looked at."""

    def __init__(self, state: Store, lanes: QWidget, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self.widget = lanes
        self._lanes = cast(Lanes, lanes)
        self._index = 0
        self._made: tuple[object, ...] = ()
        self._connected: set[QObject] = set()
        self._scene = Scene()

    @property
    def scene(self) -> Scene:
        """What is shown, with the part of the plane that it is zoomed to."""
        view = self._lanes.view_range
        return replace(self._scene, view=(view.x0, view.x1, view.y0, view.y1))

    @property
    def point(self) -> tuple[float, ...]:
        """The chosen data point."""
        data = self._data()[0]
        return tuple(float(value) for value in data[self._index % len(data)].reshape(-1))

    def refresh(self) -> None:
        """Show the scene of now; nothing is computed again that has not changed."""
        model, seed = self._state.get(MODEL), self._state.get(SAMPLING).seed
        data, steps, closed = self._data()
        index = self._index % len(data)
        made = (model, seed, index)
        if made == self._made:
            return
        self._made = made
        copies = copies_of(data[index], model.schedule, seed)
        where = pair(*self.point) if len(self.point) == 2 else f"number {index + 1}"
        note = f"{len(copies.x[0])} copies of {where}"
        title = f"{wording.model_line(model)}{wording.DOT}forward process"
        self._scene = forward_scene(data, (steps, closed, copies), note, model.schedule, title)
        self._lanes.set_scene(self._scene)
        self._listen()

    def choose_near(self, x: float, y: float) -> None:
        """Copy the data point nearest to (x, y)."""
        data = self._data()[0]
        apart = np.linalg.norm(data.reshape(len(data), -1) - (x, y), axis=1)
        self._index = int(apart.argmin())
        self.refresh()

    def choose_another(self) -> None:
        """Copy another data point: a large step on, so that it lies elsewhere."""
        data = self._data()[0]
        self._index = (self._index + max(1, round(0.382 * len(data)))) % len(data)
        self.refresh()

    def _data(self) -> tuple[States, Trajectory, Trajectory]:
        model = self._state.get(MODEL)
        return _whole_set(
            model.dataset, model.mean, model.std, model.schedule, self._state.get(SAMPLING).seed
        )

    def _listen(self) -> None:
        """A click into any of the lanes chooses a point."""
        for key in (STEPS_KEY, CLOSED_KEY, POINT_KEY):
            view = self._lanes.lane_view(key)
            plot = getattr(view, "plot", None)
            if plot is not None and plot not in self._connected:
                self._connected.add(plot)
                plot.clicked.connect(self.choose_near)
