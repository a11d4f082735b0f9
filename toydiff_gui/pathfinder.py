"""Keeps the geodesic between the present endpoints, while somebody wants to see it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from engine import protocol
from engine.protocol import Arrays, Packet
from engine.trajectory import Trajectory
from toydiff_gui.engine_link import EngineLink
from toydiff_gui.modes.images.class_weights import asked_arrays, path_weights
from toydiff_gui.modes.images.settings import IMAGE_SAMPLING, ImageEnd
from toydiff_gui.modes.points.settings import SAMPLING, Point
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.lanes import LANES, shown_lanes
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.results import GEODESIC, GeodesicRun
from toydiff_gui.state.store import Store
from toydiff_gui.state.view import DRAGGING, VIEW
from toydiff_gui.timers import single_shot

Latents = NDArray[np.float32]

NOTHING_FOUND = "The search was stopped before it had found a path."


@dataclass(frozen=True)
class _Aim:
    """All that a geodesic depends on."""

    ref: str
    revision: int
    a: Point | ImageEnd | None
    b: Point | ImageEnd | None
    points: int
    classes: tuple[int | None, int | None] = (None, None)
    """Asked at A and at B."""
    guidance: float = 1.0


class Pathfinder(QObject):
    """Searches when a lane or the table of paths needs the geodesic, and never while dragging.

    Signals:
        preview_changed: a better path has been found; ``preview`` has what a few steps make of it.
        path_changed: lanes are to start from other latents now.
    """

    preview_changed = Signal()
    path_changed = Signal()

    def __init__(self, state: Store, link: EngineLink, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state, self._link = state, link
        self._aim: _Aim | None = None
        self._job: int | None = None
        self._again: tuple[_Aim, int] | None = None
        self._found: tuple[_Aim, Latents] | None = None
        self._version = 0
        self.preview: Trajectory | None = None
        self._timer = single_shot(self, 0, self._refresh)
        link.received.connect(self._on_packet)
        link.died.connect(self._on_died)
        for signal in (
            state.changed(SAMPLING),
            state.changed(IMAGE_SAMPLING),
            state.changed(LANES),
            state.changed(MODEL),
            state.changed(VIEW),
            state.changed(ENGINE),
            state.changed(DRAGGING),
        ):
            signal.connect(self._timer.start)

    @property
    def busy(self) -> bool:
        """Whether a search goes on or is about to begin."""
        return self._job is not None or self._timer.isActive()

    @property
    def version(self) -> int:
        """Counts up whenever the latents that lanes should start from are others."""
        return self._version

    @property
    def wanted(self) -> bool:
        """Whether anybody looks at a geodesic."""
        state = self._state
        if state.get(MODEL).images:
            images = state.get(IMAGE_SAMPLING)
            if images.a is None or images.b is None or images.fixed_noise:
                return False
            return any(lane.path_name(images) == "geodesic" for lane in shown_lanes(state))
        if state.get(SAMPLING).mode != "interpolation":
            return False
        shown = any(
            lane.path_name(state.get(SAMPLING)) == "geodesic" for lane in shown_lanes(state)
        )
        return shown or state.get(VIEW).shows_lab

    def latents(self) -> Latents | None:
        """Where lanes on the geodesic start: the path found, for the endpoints of now.

        While an endpoint is dragged, the last path moved along with the endpoints; None while there
        is nothing yet.
        """
        if self._found is None:
            return None
        aim, found = self._found
        present = self._present()
        if self._state.get(DRAGGING) and replace(aim, a=present.a, b=present.b) == present != aim:
            return _moved(found, _ends(aim), _ends(present))
        return found if aim == self._aim == present and self._job is None else None

    def stop(self) -> None:
        """End the search; the best path so far stays."""
        if self._job is not None:
            self._link.send(Packet(protocol.Cancel(job=self._job)))
            nothing = self._state.get(GEODESIC).latents is None
            self._finish("stopped", NOTHING_FOUND if nothing else "")

    def search_again(self) -> None:
        """Search anew for the same endpoints, from other starts."""
        self.stop()
        aim = self._present()
        self._again = (aim, self._seed_of(aim) + 1)
        self._aim = None
        self._timer.start()
        self.path_changed.emit()

    def _seed_of(self, aim: _Aim) -> int:
        """Of the starts: the same for the same endpoints, until they are searched again."""
        return self._again[1] if self._again is not None and self._again[0] == aim else 0

    def _present(self) -> _Aim:
        model, sampling, images = (
            self._state.get(MODEL),
            self._state.get(SAMPLING),
            self._state.get(IMAGE_SAMPLING),
        )
        if model.images:
            aim = _Aim(model.ref, model.revision, images.a, images.b, images.path_images)
            if not path_weights(self._state).any():
                return aim
            asked = (images.class_a, images.class_b)
            return replace(aim, classes=asked, guidance=images.guidance)
        return _Aim(model.ref, model.revision, sampling.a, sampling.b, sampling.path_points)

    def _refresh(self) -> None:
        aim = self._present()
        if self._job is not None and (aim != self._aim or not self.wanted):
            self._link.send(Packet(protocol.Cancel(job=self._job)))
            self._job, self._aim = None, None
            self._state.set(GEODESIC, replace(self._state.get(GEODESIC), status="stopped"))
        ready = self._state.get(ENGINE).status == "ready"
        if not ready or not self.wanted or self._state.get(DRAGGING) or aim == self._aim:
            return
        self._aim, self.preview = aim, None
        self._job = self._link.next_job()
        self._state.set(GEODESIC, GeodesicRun(status="searching", ends=(aim.a, aim.b)))  # type: ignore[arg-type]
        request = protocol.FindPath(
            job=self._job,
            slot="geodesic",
            checkpoint=aim.ref,
            points=aim.points,
            seed=self._seed_of(aim),
            guidance=aim.guidance,
        )
        start, end = _ends(aim)
        told = {} if aim.classes == (None, None) else asked_arrays(path_weights(self._state))
        self._link.send(Packet(request, {"start": start, "end": end} | told))

    def _on_packet(self, packet: Packet) -> None:
        message = packet.message
        if message.job != self._job or self._job is None:
            return
        if self._aim != self._present():  # it is about to be cancelled
            if isinstance(message, protocol.Result | protocol.Failure):
                self._job, self._aim = None, None
                self._timer.start()
            return
        match message:
            case protocol.PathFound():
                self._on_found(message, packet.arrays)
            case protocol.Result():
                self._on_result(message, packet.arrays)
            case protocol.Failure():
                self._finish("failed", message.message)

    def _on_found(self, message: protocol.PathFound, arrays: Arrays) -> None:
        before = self._state.get(GEODESIC)
        self._keep(arrays["latents"])
        self.preview = Trajectory(
            [int(t) for t in arrays["t"]], list(arrays["x"]), list(arrays["x0"])
        )
        self._state.set(
            GEODESIC,
            replace(
                before,
                step=message.step,
                total=message.total,
                energies=(*before.energies, message.energy),
                seconds=message.elapsed,
                latents=arrays["latents"],
            ),
        )
        self.preview_changed.emit()

    def _on_result(self, message: protocol.Result, arrays: Arrays) -> None:
        if message.cancelled:
            self._finish("stopped")
            return
        before = self._state.get(GEODESIC)
        self._keep(arrays["latents"])
        first = before.energies[:1]
        self._state.set(
            GEODESIC,
            replace(
                before,
                # The simple start, then the best after every pass.
                energies=(*first, *message.info["energies"]),
                seconds=message.seconds,
                coefficients=message.info["coefficients"],
                latents=arrays["latents"],
            ),
        )
        self._finish("done")

    def _keep(self, latents: Latents) -> None:
        if self._aim is not None:
            self._found = self._aim, latents

    def _finish(self, status: str, message: str = "") -> None:
        self._job = None
        self._version += 1
        run = replace(self._state.get(GEODESIC), status=status, message=message)  # type: ignore[arg-type]
        self._state.set(GEODESIC, run)
        if status == "failed":
            self._state.post(message, error=True)
        self.path_changed.emit()

    def _on_died(self, why: str) -> None:
        if self._job is not None:
            self._job, self._aim = None, None
            self._state.set(
                GEODESIC, replace(self._state.get(GEODESIC), status="failed", message=why)
            )


def _ends(aim: _Aim) -> tuple[Latents, Latents]:
    """The latents at both ends, (...)."""
    first, last = (end.latents if isinstance(end, ImageEnd) else end for end in (aim.a, aim.b))
    return np.asarray(first, np.float32), np.asarray(last, np.float32)


def _moved(
    latents: Latents, before: tuple[Latents, Latents], after: tuple[Latents, Latents]
) -> Latents:
    """A path with its deviation from the straight line kept, between other endpoints."""
    s = np.linspace(0, 1, len(latents), dtype=np.float32)
    s = s.reshape(-1, *[1] * (latents.ndim - 1))

    def line(ends: tuple[Latents, Latents]) -> Latents:
        first, last = ends
        return np.asarray((1 - s) * first + s * last, np.float32)

    return np.asarray(latents - line(before) + line(after), np.float32)
