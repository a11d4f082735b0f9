"""Decodes the plane through A, B and C while it is looked at, and the place of its dot."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from engine.shared import messages
from engine.shared.config import SamplerConfig
from toydiff_gui.engine_client.exchange import Exchange
from toydiff_gui.engine_client.wanted import Answer, Wanted
from toydiff_gui.modes.images.class_weights import asked_arrays, plane_weights
from toydiff_gui.modes.images.endpoints import third_corner
from toydiff_gui.modes.images.settings import IMAGE_CARD, IMAGE_SAMPLING, SLICE, ImageEnd, SliceRun
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.store import Store
from toydiff_gui.state.view import DRAGGING, VIEW

COLUMNS, ROWS = 9, 7
BOX = (-0.625, 1.625, -0.375, 1.375)
"""The part of the plane that is decoded, (u0, u1, v0, v1): somewhat more than the triangle, with A
at (0, 0), B at (1, 0) and C at (0, 1) in the middles of cells a quarter wide and high."""
MAP_STEPS, DOT_STEPS = 20, 8
"""Steps of DDIM for the map, and for the dot while it is dragged."""

MAP, DOT = "slice", "dot"
"""The exchange's keys."""

Corners = tuple[ImageEnd, ImageEnd, ImageEnd]
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


class SliceRequests:
    """Wants the map while it is looked at, and the image at the dot.

    While the dot moves, only its own image is asked for, with few steps, the newest place when the
    last has come; once it rests with all steps.
    """

    def __init__(self, store: Store, exchange: Exchange) -> None:
        self._store, self._exchange = store, exchange

    @property
    def _looked_at(self) -> bool:
        store = self._store
        return store.get(VIEW).page == "explore" and store.get(IMAGE_CARD).face == "slice"

    def wanted(self) -> Iterable[Wanted]:
        """The map through A, B and C, and the dot's image."""
        store, images = self._store, self._store.get(IMAGE_SAMPLING)
        corner = third_corner(store) if self._looked_at else None
        if corner is None or images.a is None or images.b is None:
            return
        corners = (images.a, images.b, corner)
        yield self._asked_at(MAP, corners, map_places(), MAP_STEPS, self._show_map)
        yield self._at_dot(corners)

    def _at_dot(self, corners: Corners) -> Wanted:
        """Few steps first; all of them when these are there and the hand rests."""
        store, timesteps = self._store, self._store.get(MODEL).schedule.timesteps
        dot = np.array([store.get(IMAGE_CARD).dot], np.float64)
        full = min(store.get(IMAGE_SAMPLING).steps or timesteps, timesteps)
        whole = self._asked_at(DOT, corners, dot, full, self._show_dot)
        first = self._asked_at(DOT, corners, dot, min(DOT_STEPS, full), self._show_dot)
        place = first.content
        seen = self._exchange.shown(DOT)
        rests = seen is not None and seen.place == place and not store.get(DRAGGING)
        if rests or self._exchange.remembers(whole):
            return replace(whole, place=place)
        return replace(first, place=place, coarse=True)

    def _asked_at(
        self,
        key: str,
        corners: Corners,
        places: NDArray[np.float64],
        steps: int,
        show: Callable[[Answer], None],
    ) -> Wanted:
        store, model = self._store, self._store.get(MODEL)
        shares = shares_at(places)
        latents = np.tensordot(shares, np.stack([corner.latents for corner in corners]), 1)
        weights = plane_weights(store, shares, corners[2].asked_class)
        request = messages.Sample(
            checkpoint=model.ref,
            sampler=SamplerConfig(name="ddim", steps=min(steps, model.schedule.timesteps)),
            count=len(latents),
            last=True,
            guidance=store.get(IMAGE_SAMPLING).guidance if weights.any() else 1.0,
        )
        return Wanted(
            key,
            request,
            show,
            arrays={**asked_arrays(weights), "latents": latents.astype(np.float32)},
            revision=model.revision,
            kin=model.ref,
            gone=self._forget,
        )

    # Answers

    def _show_map(self, answer: Answer) -> None:
        run = self._store.get(SLICE)
        match answer.status:
            case "empty":
                run = SliceRun()
            case "running" | "done" if answer.value is not None:
                status: Literal["running", "done"] = (
                    "done" if answer.status == "done" else "running"
                )
                run = replace(self._begun(), status=status, images=answer.value["x"], message="")
            case "running":
                run = replace(self._begun(), status="running")
            case "lost" if run.status != "running":
                return
            case _:
                run = replace(run, status="failed", message=answer.message)
        self._store.set(SLICE, run)

    def _begun(self) -> SliceRun:
        return replace(self._store.get(SLICE), columns=COLUMNS, rows=ROWS, box=BOX)

    def _show_dot(self, answer: Answer) -> None:
        run = self._store.get(SLICE)
        if answer.status == "failed":
            self._store.set(SLICE, replace(run, status="failed", message=answer.message))
        elif answer.value is not None:
            self._store.set(SLICE, replace(run, at_dot=answer.value["x"][0]))

    def _forget(self) -> None:
        self._store.set(SLICE, SliceRun())
