"""Some images of the model's data, for plots that need them; asked for while somebody looks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from engine import protocol
from engine.datasets import Standardisation
from engine.protocol import Packet
from toydiff_gui.engine_link import EngineLink
from toydiff_gui.image_data import absent_text, config_of, root_of
from toydiff_gui.state import AppState, ModelInfo

COUNT, SEED = 256, 0
SLOT = "images of the diagnostics"


def transform_of(model: ModelInfo) -> Standardisation:
    """From pixels / 255 to the units of the model's states."""
    return Standardisation.by_channel(model.mean, model.std, model.shape)


class ImageSource(QObject):
    """Keeps up to ``COUNT`` images of the data of the model on show, standardised.

    Signals:
        changed: the images have arrived, or will not.
    """

    changed = Signal()

    def __init__(self, state: AppState, link: EngineLink, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state, self._link = state, link
        self._job: int | None = None
        self._asked: tuple[object, ...] | None = None
        self._images: NDArray[np.float32] | None = None
        self._message = ""
        link.received.connect(self._on_packet)
        state.engine_changed.connect(self._on_engine)

    @property
    def images(self) -> NDArray[np.float32] | None:
        """(n, C, H, W) of the model on show; None while they are not here."""
        return self._images if self._asked == self._wanted() else None

    @property
    def message(self) -> str:
        """Why there are none; empty while they are on their way."""
        if self._state.engine.status == "dead":
            return "The engine is not running."
        if config_of(self._state.model) is None:
            return "Nothing is known of the images that this network was trained with."
        if not self._message or self._asked != self._wanted():
            return ""
        return absent_text(self._state, self._state.model.dataset) or self._message

    def _wanted(self) -> tuple[object, ...]:
        model = self._state.model
        root = root_of(self._state, model)
        return (model.dataset, model.shape, model.mean, model.std, root)

    def ask(self) -> None:
        """Ask for the images of the model on show, unless they are here or on their way."""
        model, wanted = self._state.model, self._wanted()
        config = config_of(model)
        ready = self._state.engine.status == "ready"
        if not model.images or config is None or not ready or wanted == self._asked:
            return
        self._asked, self._images, self._message = wanted, None, ""
        self._job = self._link.next_job()
        self._link.send(
            Packet(
                protocol.BrowseImages(
                    job=self._job,
                    slot=SLOT,
                    config=config,
                    count=COUNT,
                    seed=SEED,
                    data_root=root_of(self._state, model),
                )
            )
        )

    def forget_failure(self) -> None:
        """Ask once more next time for what could not be had."""
        if self._message:
            self._asked = None

    def _on_packet(self, packet: Packet) -> None:
        message = packet.message
        if message.job != self._job or self._job is None:
            return
        if isinstance(message, protocol.Result):
            self._job = None
            pixels = packet.arrays.get("images")
            if message.cancelled or pixels is None:
                self._asked = None
                return
            model = self._state.model
            if pixels.shape[1:] != model.shape or not len(pixels):
                self._message = "The images are of another size than the network's."
            else:
                self._images = transform_of(model).apply(pixels.astype(np.float32) / 255)
        elif isinstance(message, protocol.Failure):
            self._job, self._message = None, message.message
        else:
            return
        self.changed.emit()

    def _on_engine(self) -> None:
        if self._state.engine.status != "ready":
            self._job = None
            if self._images is None:
                self._asked = None
