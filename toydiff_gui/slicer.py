"""Decodes the plane through A, B and C while it is looked at, and the place of its dot."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject

from engine import protocol
from engine.config import SamplerConfig
from engine.protocol import Arrays, Packet
from toydiff_gui.engine_link import EngineLink
from toydiff_gui.image_classes import asked_arrays, plane_weights
from toydiff_gui.image_ends import SAMPLES_KEY, third_corner
from toydiff_gui.modes.images.settings import IMAGE_SAMPLING, IMAGE_VIEW, SLICE, ImageEnd, SliceRun
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.lanes import LANE_RUNS
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.store import Store
from toydiff_gui.state.view import DRAGGING, VIEW
from toydiff_gui.timers import single_shot

COLUMNS, ROWS = 9, 7
BOX = (-0.625, 1.625, -0.375, 1.375)
"""The part of the plane that is decoded, (u0, u1, v0, v1): somewhat more than the triangle, with A
at (0, 0), B at (1, 0) and C at (0, 1) in the middles of cells a quarter wide and high."""
MAP_STEPS, DOT_STEPS = 20, 8
"""Steps of DDIM for the map, and for the dot while it is dragged."""

Aim = tuple[Any, ...]
Shares = NDArray[np.float32]


def shares_at(places: NDArray[np.floating]) -> Shares:
    """What A, B and C contribute at places (u, v) of the plane: (N, 2) -> (N, 3).

    With norm 1: for independent corners drawn from N(0, I) every place is distributed so too.
    """
    u, v = np.asarray(places, np.float64).T
    shares = np.stack([1 - u - v, u, v], axis=1)
    return np.asarray(shares / np.linalg.norm(shares, axis=1, keepdims=True), np.float32)


def map_places(columns: int = COLUMNS, rows: int = ROWS) -> NDArray[np.float64]:
    """Where the images of the map are: the middles of its cells, (N, 2), the first row on top."""
    u0, u1, v0, v1 = BOX
    u = u0 + (np.arange(columns) + 0.5) * (u1 - u0) / columns
    v = v1 - (np.arange(rows) + 0.5) * (v1 - v0) / rows
    across, up = np.meshgrid(u, v)
    return np.stack([across.ravel(), up.ravel()], axis=1)


class Slicer(QObject):
    """Asks for the map when a corner has changed, and for the dot where it is now.

    While the dot moves, only its own image is asked for, with few steps, the newest place when the
    last has come; once it rests with all steps.
    """

    def __init__(self, state: Store, link: EngineLink, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state, self._link = state, link
        self._map_aim: Aim | None = None
        self._map_job: int | None = None
        self._dot_aim: Aim | None = None
        self._dot_job: int | None = None
        self._timer = single_shot(self, 0, self._refresh)
        link.received.connect(self._on_packet)
        link.died.connect(self._on_died)
        state.changed(LANE_RUNS).connect(self._on_run)
        for signal in (
            state.changed(IMAGE_SAMPLING),
            state.changed(IMAGE_VIEW),
            state.changed(VIEW),
            state.changed(MODEL),
            state.changed(DRAGGING),
        ):
            signal.connect(self._timer.start)

    @property
    def busy(self) -> bool:
        """Whether something is on its way or about to be asked for."""
        return self._timer.isActive() or self._map_job is not None or self._dot_job is not None

    @property
    def _looked_at(self) -> bool:
        state = self._state
        return (
            state.get(MODEL).images
            and state.get(VIEW).page == "explore"
            and state.get(IMAGE_VIEW).face == "slice"
        )

    def _on_run(self, key: str) -> None:
        # C may have arrived, or another tile that stands in for it.
        stands_in = key == SAMPLES_KEY and self._state.get(IMAGE_SAMPLING).c is None
        if self._looked_at and (self._map_aim is None or stands_in):
            self._timer.start()

    def _refresh(self) -> None:
        state, images = self._state, self._state.get(IMAGE_SAMPLING)
        corner = third_corner(state) if self._looked_at else None
        if corner is None or images.a is None or images.b is None:
            self._drop()
            return
        if state.get(ENGINE).status != "ready":
            return
        corners = (images.a, images.b, corner)
        aim = self._aim(corners)
        if aim != self._map_aim:
            self._drop(keep=self._map_aim is not None and self._map_aim[0] == aim[0])
            self._map_aim = aim
            places = map_places()
            state.set(
                SLICE,
                replace(state.get(SLICE), status="running", columns=COLUMNS, rows=ROWS, box=BOX),
            )
            self._map_job = self._ask(corners, places, MAP_STEPS, "slice")
        self._ask_dot(corners, aim)

    def _aim(self, corners: tuple[ImageEnd, ImageEnd, ImageEnd]) -> Aim:
        model, images = self._state.get(MODEL), self._state.get(IMAGE_SAMPLING)
        asked = (images.class_a, images.class_b, corners[2].asked_class)
        # A tile that stands in for C is made anew each time: compare what it holds.
        held = tuple(corner.latents.tobytes() for corner in corners)
        return (model.ref, model.revision, held, asked, images.guidance)

    def _ask_dot(self, corners: tuple[ImageEnd, ImageEnd, ImageEnd], aim: Aim) -> None:
        state = self._state
        dot, timesteps = state.get(IMAGE_VIEW).dot, state.get(MODEL).schedule.timesteps
        full = min(state.get(IMAGE_SAMPLING).steps or timesteps, timesteps)
        wanted = [(aim, dot, min(DOT_STEPS, full)), (aim, dot, full)]
        if self._dot_job is not None:
            moved = self._dot_aim is None or self._dot_aim[:2] != wanted[0][:2]
            if moved and self._dot_aim is not None and self._dot_aim[2] > DOT_STEPS:
                self._cancel_dot()  # the hand goes before
            else:
                return
        if self._dot_aim == wanted[1]:
            return
        if self._dot_aim == wanted[0] and state.get(DRAGGING):
            return  # it will move on
        self._dot_aim = wanted[1] if self._dot_aim == wanted[0] else wanted[0]
        places = np.array([dot], np.float64)
        self._dot_job = self._ask(corners, places, self._dot_aim[2], "dot")

    def _ask(
        self,
        corners: tuple[ImageEnd, ImageEnd, ImageEnd],
        places: NDArray[np.float64],
        steps: int,
        slot: str,
    ) -> int:
        state, model = self._state, self._state.get(MODEL)
        shares = shares_at(places)
        latents = np.tensordot(shares, np.stack([corner.latents for corner in corners]), 1)
        weights = plane_weights(state, shares, corners[2].asked_class)
        job = self._link.next_job()
        request = protocol.Sample(
            job=job,
            slot=slot,
            checkpoint=model.ref,
            sampler=SamplerConfig(name="ddim", steps=min(steps, model.schedule.timesteps)),
            count=len(latents),
            last=True,
            guidance=state.get(IMAGE_SAMPLING).guidance if weights.any() else 1.0,
        )
        arrays = asked_arrays(weights) | {"latents": latents.astype(np.float32)}
        self._link.send(Packet(request, arrays))
        return job

    def _drop(self, *, keep: bool = False) -> None:
        """Wait no longer; what is shown stays if ``keep``, until its successor comes."""
        if self._map_job is not None:
            self._link.send(Packet(protocol.Cancel(job=self._map_job)))
        self._cancel_dot()
        forgotten = self._map_aim is not None
        self._map_aim = self._map_job = self._dot_aim = None
        if forgotten and not keep:
            self._state.set(SLICE, SliceRun())

    def _cancel_dot(self) -> None:
        if self._dot_job is not None:
            self._link.send(Packet(protocol.Cancel(job=self._dot_job)))
        self._dot_job = self._dot_aim = None

    # Answers

    def _on_packet(self, packet: Packet) -> None:
        job = packet.message.job
        if job not in (self._map_job, self._dot_job):
            return
        match packet.message:
            case protocol.Frame():
                self._on_images(job, packet.arrays)
            case protocol.Result():
                self._on_end(job)
            case protocol.Failure() as failure:
                self._on_end(job, failed=True)
                self._state.set(
                    SLICE, replace(self._state.get(SLICE), status="failed", message=failure.message)
                )
                self._state.post(failure.message, error=True)

    def _on_images(self, job: int, arrays: Arrays) -> None:
        if job == self._map_job:
            self._state.set(SLICE, replace(self._state.get(SLICE), images=arrays["x"], message=""))
        else:
            self._state.set(SLICE, replace(self._state.get(SLICE), at_dot=arrays["x"][0]))

    def _on_end(self, job: int, *, failed: bool = False) -> None:
        if job == self._map_job:
            self._map_job = None
            if not failed:
                self._state.set(SLICE, replace(self._state.get(SLICE), status="done"))
        else:
            self._dot_job = None
            if not failed:
                self._timer.start()  # the dot may have moved on, or now wants all steps

    def _on_died(self, why: str) -> None:
        running = self._map_job is not None
        self._map_aim = self._map_job = self._dot_aim = self._dot_job = None
        if running:
            self._state.set(SLICE, replace(self._state.get(SLICE), status="failed", message=why))
