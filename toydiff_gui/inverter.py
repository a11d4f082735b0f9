"""Finds the latents of the user's own points of the data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject

from engine import protocol
from engine.protocol import Arrays, Packet
from engine.trajectory import load_array
from toydiff_gui.engine_link import EngineLink
from toydiff_gui.modes.points.settings import MAX_LANE_POINTS, SAMPLING, Point
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.model import MODEL, ModelInfo
from toydiff_gui.state.results import INVERSION, Inversion
from toydiff_gui.state.store import Store

MAX_FILE_BYTES = 64 * 2**20
LARGEST = 1e6
LONGEST_QUOTE = 40
PICKS = 2


class Inverter(QObject):
    """Inverts points once two have been picked, or those of a file, and makes endpoints of them.

    After another model was opened, the same points are inverted by that one; endpoints that have
    been moved meanwhile stay where they are.
    """

    def __init__(self, state: Store, link: EngineLink, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state, self._link = state, link
        self._job: int | None = None
        self._model: ModelInfo | None = None
        self._ends: tuple[Point, Point] | None = None
        self._anew = True
        self._lost = False
        self._away = self._returning = False
        self._aside: Inversion | None = None
        link.received.connect(self._on_packet)
        link.died.connect(self._on_died)
        state.changed(INVERSION).connect(self._look)
        state.changed(MODEL).connect(self._on_model)

    @property
    def busy(self) -> bool:
        """Whether points are being inverted."""
        return self._job is not None

    def pick_points(self) -> None:
        """Let the next clicks in the lanes choose points of the data."""
        self._state.set(INVERSION, Inversion(status="picking", source="chosen points"))

    def invert_file(self, name: str) -> None:
        """Invert the points of an .npy file, or of a text file with two columns."""
        try:
            data = read_points(Path(name), len(self._state.get(MODEL).mean))
        except ValueError as error:
            if self._state.get(INVERSION).status != "done":  # what is there stays
                failed = Inversion(status="failed", source=Path(name).name, message=str(error))
                self._state.set(INVERSION, failed)
            self._state.post(str(error), error=True)
            return
        self._invert(data, Path(name).name)

    def _look(self) -> None:
        inversion = self._state.get(INVERSION)
        if inversion.status == "picking" and len(inversion.data) >= PICKS:
            self._invert(inversion.data[:PICKS], inversion.source)
        elif inversion.status != "running" and self._job is not None:
            self._link.send(Packet(protocol.Cancel(job=self._job)))
            self._job = None

    def _invert(self, data: NDArray[np.float32], source: str, *, anew: bool = True) -> None:
        if self._state.get(ENGINE).status != "ready":
            if self._state.get(INVERSION).status != "done":
                self._state.set(INVERSION, Inversion())
            self._state.post("Inverting needs the engine, which is not ready.", error=True)
            return
        self._model, self._anew, self._lost = self._state.get(MODEL), anew, False
        self._job = self._link.next_job()
        self._state.set(INVERSION, Inversion(status="running", source=source, data=data))
        request = protocol.Invert(
            job=self._job, slot="inversion", checkpoint=self._model.ref, replay=True
        )
        self._link.send(Packet(request, {"data": data}))

    def _on_model(self) -> None:
        inversion, model = self._state.get(INVERSION), self._state.get(MODEL)
        if model.images != self._away:
            self._change_mode(model.images)
        if model.images or self._returning:
            self._returning = False
            return
        if inversion.status == "picking" and len(inversion.data):
            self.pick_points()  # what was chosen are data of another model
        known = inversion.status in ("running", "done")
        lost = inversion.status == "failed" and self._lost  # with the engine, which is back
        if not (known or lost) or self._model is None:
            return
        if (model.ref, model.revision) != (self._model.ref, self._model.revision):
            anew = self._anew and inversion.status != "done"
            self._invert(inversion.data, inversion.source, anew=anew)

    def _change_mode(self, away: bool) -> None:
        """Put the points aside while the model makes images, and take them up again after."""
        inversion, self._away = self._state.get(INVERSION), away
        if away:
            self._aside = inversion if inversion.status == "done" else None
            self._state.set(INVERSION, Inversion())
            return
        self._returning = True
        if self._aside is None:
            self._state.set(INVERSION, Inversion())  # what the other mode has left
        else:
            self._invert(self._aside.data, self._aside.source, anew=False)

    def _on_packet(self, packet: Packet) -> None:
        if self._job is None or packet.message.job != self._job:
            return
        match packet.message:
            case protocol.Result(cancelled=False):
                self._job = None
                self._found(packet.arrays)
            case protocol.Result():
                self._job = None
            case protocol.Failure() as message:
                self._job = None
                self._state.set(
                    INVERSION,
                    replace(self._state.get(INVERSION), status="failed", message=message.message),
                )
                self._state.post(message.message, error=True)

    def _found(self, arrays: Arrays) -> None:
        latents = arrays["latents"]
        self._state.set(
            INVERSION,
            replace(
                self._state.get(INVERSION), status="done", latents=latents, errors=arrays["errors"]
            ),
        )
        sampling = self._state.get(SAMPLING)
        changes: dict[str, Any] = {}
        if len(latents) > 1 and (self._anew or (sampling.a, sampling.b) == self._ends):
            a, b = ((float(x), float(y)) for x, y in latents[[0, -1]].tolist())
            changes, self._ends = {"a": a, "b": b}, (a, b)
        if self._anew:
            changes["mode"] = "interpolation" if len(latents) == PICKS else "inverted"
        try:
            self._state.update(SAMPLING, **changes)
        except ValueError as error:
            self._state.post(str(error), error=True)

    def _on_died(self, why: str) -> None:
        if self._job is not None:
            self._job, self._lost = None, True
            self._state.set(
                INVERSION, replace(self._state.get(INVERSION), status="failed", message=why)
            )


def read_points(path: Path, dimension: int) -> NDArray[np.float32]:
    """Points (N, ``dimension``) in standardised units from an .npy file or a table of text.

    Columns of text are separated by commas, semicolons or blanks; a first line of names is left
    out. Raises ``ValueError`` naming the file and its fault.
    """
    _check_file(path)
    is_array = path.suffix.lower() == ".npy"
    points = load_array(path, "points") if is_array else _read_table(path)
    if points.shape[1:] != (dimension,):
        raise ValueError(
            f"points file {path.name} must have {dimension} columns, got shape {points.shape}"
        )
    if len(points) > MAX_LANE_POINTS:
        raise ValueError(
            f"points file {path.name} has {len(points)} points, more than {MAX_LANE_POINTS}"
        )
    if not (np.abs(points) <= LARGEST).all():  # nor NaN
        row = int(np.argmin((np.abs(points) <= LARGEST).all(axis=1)))
        raise ValueError(
            f"points file {path.name} has numbers that are not finite or too large: "
            f"point {row + 1} is {points[row].tolist()}"
        )
    return points


def _check_file(path: Path) -> None:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise ValueError(f"points file {path} cannot be read: {error.strerror}") from error
    if size > MAX_FILE_BYTES:
        raise ValueError(f"points file {path.name} has {size} bytes, more than {MAX_FILE_BYTES}")


def _read_table(path: Path) -> NDArray[np.float32]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ValueError(f"points file {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"points file {path.name} is not a table of numbers") from error
    lines = enumerate(text.replace(",", " ").replace(";", " ").splitlines(), start=1)
    rows = [(n, words) for n, line in lines if (words := line.split()) and words[0][0] != "#"]
    if rows and not _numeric(rows[0][1]):
        del rows[0]
    if not rows:
        raise ValueError(f"points file {path.name} has no points")
    if len(rows) > MAX_LANE_POINTS:
        raise ValueError(
            f"points file {path.name} has {len(rows)} points, more than {MAX_LANE_POINTS}"
        )
    width = len(rows[0][1])
    for number, words in rows:
        if len(words) != width or not _numeric(words):
            line = " ".join(words)[:LONGEST_QUOTE]
            raise ValueError(
                f"points file {path.name} is not a table of numbers: line {number} is {line!r}"
            )
    table = np.array([words for _, words in rows], np.float64)
    with np.errstate(over="ignore"):  # refused as too large
        return table.astype(np.float32)


def _numeric(words: list[str]) -> bool:
    try:
        [float(word) for word in words]
    except ValueError:
        return False
    return True
