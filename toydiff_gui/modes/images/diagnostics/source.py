"""Some images of the model's data, for plots that need them; asked for while somebody looks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from engine.shared import messages
from engine.shared.messages import Arrays
from toydiff_gui.engine_client.client import Client
from toydiff_gui.modes.images.image_sets import absent_text, config_of, root_of
from toydiff_gui.modes.images.kind import makes_images, transform_of
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.store import Store

COUNT, SEED = 256, 0
SLOT = "images of the diagnostics"


class ImageSource(QObject):
    """Keeps up to ``COUNT`` images of the data of the model on show, standardised.

    Signals:
        changed: the images have arrived, or will not.
    """

    changed = Signal()

    def __init__(self, state: Store, client: Client, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state, self._client = state, client
        self._job: int | None = None
        self._asked: tuple[object, ...] | None = None
        self._images: NDArray[np.float32] | None = None
        self._message = ""
        state.changed(ENGINE).connect(self._on_engine)

    @property
    def images(self) -> NDArray[np.float32] | None:
        """(n, C, H, W) of the model on show; None while they are not here."""
        return self._images if self._asked == self._wanted() else None

    @property
    def message(self) -> str:
        """Why there are none; empty while they are on their way."""
        if self._state.get(ENGINE).status == "dead":
            return "The engine is not running."
        if config_of(self._state.get(MODEL)) is None:
            return "Nothing is known of the images that this network was trained with."
        if not self._message or self._asked != self._wanted():
            return ""
        return absent_text(self._state, self._state.get(MODEL).dataset) or self._message

    def _wanted(self) -> tuple[object, ...]:
        model = self._state.get(MODEL)
        root = root_of(self._state, model)
        return (model.dataset, model.shape, model.mean, model.std, root)

    def ask(self) -> None:
        """Ask for the images of the model on show, unless they are here or on their way."""
        model, wanted = self._state.get(MODEL), self._wanted()
        config = config_of(model)
        ready = self._state.get(ENGINE).status == "ready"
        if not makes_images(model) or config is None or not ready or wanted == self._asked:
            return
        self._asked, self._images, self._message = wanted, None, ""
        request = messages.BrowseImages(
            slot=SLOT,
            config=config,
            count=COUNT,
            seed=SEED,
            data_root=root_of(self._state, model),
        )
        if self._job is not None:
            self._client.cancel(self._job)
        self._job = self._client.ask(request, done=self._on_done, failed=self._on_failed)

    def forget_failure(self) -> None:
        """Ask once more next time for what could not be had."""
        if self._message:
            self._asked = None

    def _on_done(self, message: messages.Result, arrays: Arrays) -> None:
        self._job = None
        pixels = arrays.get("images")
        if message.cancelled or pixels is None:
            self._asked = None
            return
        model = self._state.get(MODEL)
        if pixels.shape[1:] != model.shape or not len(pixels):
            self._message = "The images are of another size than the network's."
        else:
            self._images = transform_of(model).apply(pixels.astype(np.float32) / 255)
        self.changed.emit()

    def _on_failed(self, failure: messages.Failure) -> None:
        self._job, self._message = None, failure.message
        self.changed.emit()

    def _on_engine(self) -> None:
        if self._state.get(ENGINE).status != "ready":
            self._job = None
            if self._images is None:
                self._asked = None
