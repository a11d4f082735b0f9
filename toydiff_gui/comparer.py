"""Fills the table of paths while the laboratory is open."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from PySide6.QtCore import QObject

from engine import catalogue, protocol
from engine.config import SamplerConfig
from engine.protocol import Packet
from toydiff_gui.engine_link import EngineLink
from toydiff_gui.pathfinder import Pathfinder
from toydiff_gui.state import AppState, Comparison, PathFigures
from toydiff_gui.timers import single_shot

PAUSE_MS = 150
"""Endpoints that are still being nudged are not compared."""


class Comparer(QObject):
    """Asks for the figures of all paths when one of the things they depend on has changed."""

    def __init__(
        self,
        state: AppState,
        link: EngineLink,
        pathfinder: Pathfinder,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._state, self._link, self._pathfinder = state, link, pathfinder
        self._aim: tuple[Any, ...] | None = None
        self._job: int | None = None
        self._timer = single_shot(self, PAUSE_MS, self._refresh)
        link.received.connect(self._on_packet)
        link.died.connect(self._on_died)
        pathfinder.path_changed.connect(self._on_change)
        for signal in (
            state.sampling_changed,
            state.model_changed,
            state.view_changed,
            state.engine_changed,
            state.dragging_changed,
        ):
            signal.connect(self._on_change)

    @property
    def busy(self) -> bool:
        """Whether figures are on their way or about to be asked for."""
        return self._job is not None or self._timer.isActive()

    @property
    def _looked_at(self) -> bool:
        state = self._state
        points = not state.model.images
        return points and state.view.shows_lab and state.sampling.mode == "interpolation"

    def _on_change(self) -> None:
        """Figures of other endpoints, or of another model, are not shown nor waited for."""
        if not self._looked_at:
            if self._job is not None:
                self._forget()
            return
        if self._aim is not None and self._aim[:-1] != self._present()[:-1]:
            self._forget()
        self._timer.start()

    def _forget(self) -> None:
        self._aim = None
        if self._job is not None:
            self._link.send(Packet(protocol.Cancel(job=self._job)))
            self._job = None
        if self._state.comparison != Comparison():
            self._state.set_comparison(Comparison())

    def _present(self) -> tuple[Any, ...]:
        """All that the figures depend on, what there is of the geodesic last."""
        sampling, model = self._state.sampling, self._state.model
        return (
            model.ref,
            model.revision,
            sampling.a,
            sampling.b,
            sampling.side,
            sampling.even,
            sampling.through,
            sampling.path_points,
            min(sampling.steps or model.schedule.timesteps, model.schedule.timesteps),
            None if self._pathfinder.latents() is None else self._pathfinder.version,
        )

    def _refresh(self) -> None:
        state = self._state
        sampling, model = state.sampling, state.model
        if not self._looked_at or state.engine.status != "ready" or state.dragging:
            return
        aim = self._present()
        # Of the same ends, what was found before holds until it is found again.
        same = self._aim is not None and self._aim[:-1] == aim[:-1]
        geodesic = self._pathfinder.latents()
        if aim == self._aim or (same and geodesic is None):
            return
        before = state.comparison.figures if same else {}
        self._aim = aim
        if self._job is not None:
            self._link.send(Packet(protocol.Cancel(job=self._job)))
        self._job = self._link.next_job()
        steps = aim[-2]
        state.set_comparison(Comparison(status="running", steps=steps, figures=before))
        arrays = {
            "start": np.asarray(sampling.a, np.float32),
            "end": np.asarray(sampling.b, np.float32),
        }
        simple = (row for row in catalogue.PATHS if not (row.searched or row.way_points))
        paths = list(catalogue.names(tuple(simple)))
        if sampling.through:
            arrays["through"] = np.asarray(sampling.through, np.float32)
            paths.append("drawn")
        if geodesic is not None:
            arrays["geodesic"] = geodesic
            paths.append("geodesic")
        request = protocol.ComparePaths(
            job=self._job,
            slot="comparison",
            checkpoint=model.ref,
            sampler=SamplerConfig(name="ddim", steps=steps),
            paths=paths,
            points=sampling.path_points,
            side=sampling.side,
            even=sampling.even,
        )
        self._link.send(Packet(request, arrays))

    def _on_packet(self, packet: Packet) -> None:
        message = packet.message
        if self._job is None or message.job != self._job:
            return
        before = self._state.comparison
        match message:
            case protocol.PathMeasured():
                figures = PathFigures(
                    message.length, message.gap, message.gap_ratio, message.off_data
                )
                found = {**before.figures, message.path: figures}
                self._state.set_comparison(replace(before, figures=found))
            case protocol.Result():
                self._job = None
                status = "idle" if message.cancelled else "done"
                self._state.set_comparison(replace(before, status=status))  # type: ignore[arg-type]
            case protocol.Failure():
                self._job = None
                self._state.set_comparison(
                    replace(before, status="failed", message=message.message)
                )

    def _on_died(self, why: str) -> None:
        # The next engine opens the model anew: then it is asked again.
        self._job = None
        if self._state.comparison.status == "running":
            self._state.set_comparison(
                replace(self._state.comparison, status="failed", message=why)
            )
