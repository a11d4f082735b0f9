"""Finds the latents of the user's own points of the data."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject

from engine import protocol
from engine.protocol import Arrays, Packet
from engine.trajectory import load_array
from toydiff_gui.engine_link import EngineLink
from toydiff_gui.state import MAX_LANE_POINTS, AppState, Inversion, ModelInfo

MAX_FILE_BYTES = 64 * 2**20
PICKS = 2


class Inverter(QObject):
    """Inverts points once two have been picked, or those of a file, and makes endpoints of them.

    After another model was opened, the same points are inverted by that one.
    """

    def __init__(self, state: AppState, link: EngineLink, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state, self._link = state, link
        self._job: int | None = None
        self._model: ModelInfo | None = None
        self._frames: list[NDArray[np.float32]] = []
        link.received.connect(self._on_packet)
        link.died.connect(self._on_died)
        state.inversion_changed.connect(self._look)
        state.model_changed.connect(self._on_model)

    @property
    def busy(self) -> bool:
        """Whether points are being inverted."""
        return self._job is not None

    def pick_points(self) -> None:
        """Let the next clicks in the lanes choose points of the data."""
        self._state.set_inversion(Inversion(status="picking", source="chosen points"))

    def invert_file(self, name: str) -> None:
        """Invert the points of an .npy file, or of a text file with two columns."""
        try:
            data = read_points(Path(name), len(self._state.model.mean))
        except ValueError as error:
            failed = Inversion(status="failed", source=Path(name).name, message=str(error))
            self._state.set_inversion(failed)
            self._state.post(str(error), error=True)
            return
        self._invert(data, Path(name).name)

    def _look(self) -> None:
        inversion = self._state.inversion
        if inversion.status == "picking" and len(inversion.data) >= PICKS:
            self._invert(inversion.data[:PICKS], inversion.source)
        elif inversion.status == "idle" and self._job is not None:
            self._link.send(Packet(protocol.Cancel(job=self._job)))
            self._job = None

    def _invert(self, data: NDArray[np.float32], source: str) -> None:
        if self._state.engine.status != "ready":
            self._state.set_inversion(Inversion())
            self._state.post("Inverting needs the engine, which is not ready.", error=True)
            return
        self._model = self._state.model
        self._job = self._link.next_job()
        self._state.set_inversion(Inversion(status="running", source=source, data=data))
        request = protocol.Invert(
            job=self._job, slot="inversion", checkpoint=self._model.ref, replay=True
        )
        self._link.send(Packet(request, {"data": data}))

    def _on_model(self) -> None:
        inversion, model = self._state.inversion, self._state.model
        if inversion.status not in ("running", "done") or self._model is None:
            return
        if (model.ref, model.revision) != (self._model.ref, self._model.revision):
            self._invert(inversion.data, inversion.source)

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
                self._state.set_inversion(
                    replace(self._state.inversion, status="failed", message=message.message)
                )
                self._state.post(message.message, error=True)

    def _found(self, arrays: Arrays) -> None:
        latents = arrays["latents"]
        self._state.set_inversion(
            replace(self._state.inversion, status="done", latents=latents, errors=arrays["errors"])
        )
        ends = [(float(x), float(y)) for x, y in latents[[0, -1]].tolist()]
        mode = "interpolation" if len(latents) == PICKS else "inverted"
        try:
            if len(latents) > 1:
                self._state.update_sampling(a=ends[0], b=ends[1], mode=mode)
            else:
                self._state.update_sampling(mode=mode)
        except ValueError as error:
            self._state.post(str(error), error=True)

    def _on_died(self, why: str) -> None:
        if self._job is not None:
            self._job = None
            self._state.set_inversion(replace(self._state.inversion, status="failed", message=why))


def read_points(path: Path, dimension: int) -> NDArray[np.float32]:
    """Points (N, ``dimension``) in standardised units from an .npy file or a table of text.

    Columns of text are separated by commas, semicolons or blanks; a first line of names is left
    out. Raises ``ValueError`` naming the file and its fault.
    """
    points = load_array(path, "points") if path.suffix == ".npy" else _read_table(path)
    if points.shape[1:] != (dimension,):
        raise ValueError(
            f"points file {path.name} must have {dimension} columns, got shape {points.shape}"
        )
    if len(points) > MAX_LANE_POINTS:
        raise ValueError(
            f"points file {path.name} has {len(points)} points, more than {MAX_LANE_POINTS}"
        )
    return points


def _read_table(path: Path) -> NDArray[np.float32]:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ValueError(
                f"points file {path.name} has {path.stat().st_size} bytes, "
                f"more than {MAX_FILE_BYTES}"
            )
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ValueError(f"points file {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"points file {path.name} is not a table of numbers") from error
    lines = [line for line in text.replace(",", " ").replace(";", " ").splitlines() if line.strip()]
    if lines and not _numeric(lines[0]):
        lines = lines[1:]
    if not lines:
        raise ValueError(f"points file {path.name} has no points")
    try:
        table = np.loadtxt(io.StringIO("\n".join(lines)), ndmin=2, dtype=np.float64)
    except ValueError as error:
        raise ValueError(f"points file {path.name} is not a table of numbers: {error}") from error
    if not np.isfinite(table).all() or np.abs(table).max() > 1e6:
        raise ValueError(f"points file {path.name} has numbers that are not finite or too large")
    return table.astype(np.float32)


def _numeric(line: str) -> bool:
    try:
        [float(word) for word in line.split()]
    except ValueError:
        return False
    return True
