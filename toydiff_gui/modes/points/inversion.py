"""Finds the latents of the user's own points of the data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject

from engine.shared import messages
from toydiff_gui.engine_client.exchange import Exchange
from toydiff_gui.engine_client.wanted import Answer, Wanted
from toydiff_gui.modes.points.read_points import read_points
from toydiff_gui.modes.points.settings import INVERSION, OWN_POINTS, SAMPLING, OwnPoints
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.results import Inversion
from toydiff_gui.state.store import Store

KEY = "inversion"
"""The exchange's key."""
PICKS = 2


class PointInversion(QObject):
    """Wants points inverted once two have been picked, or those of a file, and makes ends of them.

    After another model was opened, the same points are inverted by that one; endpoints that have
    been moved meanwhile stay where they are.
    """

    def __init__(self, store: Store, exchange: Exchange, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._store, self._exchange = store, exchange
        store.changed(INVERSION).connect(self._look)
        store.changed(OWN_POINTS).connect(self._on_points)
        store.changed(MODEL).connect(self._on_model)

    def pick_points(self) -> None:
        """Let the next clicks in the lanes choose points of the data."""
        self._store.set(INVERSION, Inversion(status="picking", source="chosen points"))

    def invert_file(self, name: str) -> None:
        """Invert the points of an .npy file, or of a text file with two columns."""
        try:
            data = read_points(Path(name), len(self._store.get(MODEL).mean))
        except ValueError as error:
            if self._store.get(INVERSION).status != "done":  # what is there stays
                failed = Inversion(status="failed", source=Path(name).name, message=str(error))
                self._store.set(INVERSION, failed)
                self._store.set(OWN_POINTS, OwnPoints())
            self._store.post(str(error), error=True)
            return
        self._invert(data, Path(name).name)

    def _invert(self, data: NDArray[np.float32], source: str) -> None:
        if self._store.get(ENGINE).status != "ready":
            if self._store.get(INVERSION).status != "done":
                self._store.set(INVERSION, Inversion())
            self._store.post("Inverting needs the engine, which is not ready.", error=True)
            return
        self._store.set(INVERSION, Inversion(status="running", source=source, data=data))
        self._store.set(OWN_POINTS, OwnPoints(source, data, anew=True))
        self._exchange.forget([KEY])  # the same points may have been chosen once more

    def _look(self) -> None:
        inversion = self._store.get(INVERSION)
        if inversion.status == "picking" and len(inversion.data) >= PICKS:
            self._invert(inversion.data[:PICKS], inversion.source)
        elif inversion.status == "picking":
            picked = tuple((float(x), float(y)) for x, y in inversion.data.tolist())
            self._store.set(OWN_POINTS, OwnPoints(inversion.source, picked=picked))
        elif inversion.status == "idle":
            self._store.set(OWN_POINTS, OwnPoints())

    def _on_points(self) -> None:
        """They may have come with other settings: what is known of them is of these."""
        own, inversion = self._store.get(OWN_POINTS), self._store.get(INVERSION)
        if own.picked is not None:
            picked = np.array(own.picked, np.float32).reshape(-1, 2)
            if inversion.status != "picking" or not np.array_equal(inversion.data, picked):
                begun = Inversion(status="picking", source=own.source, data=picked)
                self._store.set(INVERSION, begun)
        elif len(own.data):
            there = inversion.status not in ("idle", "picking")
            if not there or not np.array_equal(inversion.data, own.data):
                begun = Inversion(status="running", source=own.source, data=own.data)
                self._store.set(INVERSION, begun)
                self._exchange.forget([KEY])
        elif len(inversion.data) or inversion.status == "picking":
            self._store.set(INVERSION, Inversion())

    def _on_model(self) -> None:
        inversion = self._store.get(INVERSION)
        if inversion.status == "picking" and len(inversion.data):
            self.pick_points()  # what was chosen are data of another model

    def wanted(self) -> Iterable[Wanted]:
        """The latents of the user's own points, if there are any."""
        own, model = self._store.get(OWN_POINTS), self._store.get(MODEL)
        if len(own.data):
            yield Wanted(
                KEY,
                messages.Invert(checkpoint=model.ref, replay=True),
                self._show,
                arrays={"data": own.data},
                revision=model.revision,
            )

    def _show(self, answer: Answer) -> None:
        own = self._store.get(OWN_POINTS)
        inversion = Inversion(status="running", source=own.source, data=own.data)
        match answer.status:
            case "running":
                self._store.set(INVERSION, inversion)
            case "done":
                self._found(inversion, answer.value["latents"], answer.value["errors"])
            case "failed":
                failed = replace(inversion, status="failed", message=answer.message)
                self._store.set(INVERSION, failed)
            case "lost" if self._store.get(INVERSION).status == "running":
                failed = replace(inversion, status="failed", message=answer.message)
                self._store.set(INVERSION, failed)

    def _found(
        self, inversion: Inversion, latents: NDArray[np.float32], errors: NDArray[np.float32]
    ) -> None:
        found = replace(inversion, status="done", latents=latents, errors=errors)
        self._store.set(INVERSION, found)
        sampling, own = self._store.get(SAMPLING), self._store.get(OWN_POINTS)
        changes: dict[str, Any] = {}
        ends = own.ends
        if len(latents) > 1 and (own.anew or (sampling.a, sampling.b) == own.ends):
            a, b = ((float(x), float(y)) for x, y in latents[[0, -1]].tolist())
            changes, ends = {"a": a, "b": b}, (a, b)
        if own.anew:
            changes["mode"] = "interpolation" if len(latents) == PICKS else "inverted"
        self._store.set(OWN_POINTS, replace(own, ends=ends, anew=False))
        try:
            self._store.update(SAMPLING, **changes)
        except ValueError as error:
            self._store.post(str(error), error=True)
