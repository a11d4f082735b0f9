"""Finds the latents of images of the data or of files, and makes endpoints of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject

from engine.datasets.images import Pixels
from engine.shared import messages
from engine.shared.messages import Arrays
from toydiff_gui.drawing.scene_parts import Mark
from toydiff_gui.engine_client.client import Client
from toydiff_gui.engine_client.wanted import digest
from toydiff_gui.modes.images.endpoints import end_of, place_end
from toydiff_gui.modes.images.kind import makes_images, transform_of
from toydiff_gui.modes.images.read_image import read_image
from toydiff_gui.modes.images.settings import IMAGE_INVERSION, IMAGE_SAMPLING, ImageEnd
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.model import MODEL, ModelInfo
from toydiff_gui.state.results import Inversion
from toydiff_gui.state.store import Store

LEAST_STEPS = 100
"""Of DDIM, up and down: with fewer an image does not come back as it was."""


@dataclass
class _Queued:
    """An image that is to become the endpoint ``mark`` in the place of ``instead_of``."""

    mark: Mark
    pixels: Pixels
    label: str
    model: ModelInfo
    instead_of: ImageEnd | None = None


class ImageInversion(QObject):
    """Inverts one image after the other by DDIM.

    After another model for images of the same shape was opened, images that are endpoints are
    inverted by that one. An image is given up when the user chooses another end in its place.
    """

    def __init__(self, state: Store, client: Client, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state, self._client = state, client
        self._waiting: deque[_Queued] = deque()
        self._job: int | None = None
        self._revisions: dict[Hashable, int] = {}
        """Of the weights that have inverted an image, by what is known of it in ``ImageEnd``."""
        client.died.connect(self._on_died)
        state.changed(MODEL).connect(self._on_model)
        state.changed(IMAGE_SAMPLING).connect(self._on_images)
        self._learn_revisions()

    @property
    def busy(self) -> bool:
        """Whether an image is being inverted."""
        return self._job is not None

    def invert_file(self, mark: Mark, name: str) -> None:
        """Make the image of a file an endpoint, cut and scaled to the model's size."""
        try:
            pixels = read_image(Path(name), self._state.get(MODEL).shape)
        except ValueError as error:
            self._state.post(str(error), error=True)
            return
        self.invert_image(mark, pixels, Path(name).name)

    def invert_image(self, mark: Mark, pixels: Pixels, label: str) -> None:
        """Make ``pixels`` uint8 (C, H, W) the endpoint ``mark``."""
        model = self._state.get(MODEL)
        if self._state.get(ENGINE).status != "ready":
            self._state.post("Inverting needs the engine, which is not ready.", error=True)
            return
        if pixels.shape != model.shape:
            self._state.post(
                f"an image of shape {pixels.shape} does not suit a model of {model.shape}",
                error=True,
            )
            return
        for queued in list(self._waiting)[1:]:
            if queued.mark == mark:
                self._waiting.remove(queued)  # this one is wanted instead
        if self._waiting and self._waiting[0].mark == mark:
            self._end_first()
        instead_of = end_of(self._state, mark)
        self._waiting.append(_Queued(mark, pixels, label, model, instead_of))
        self._next()

    def cancel(self) -> None:
        """Stop, and forget what waits."""
        if self._job is not None:
            self._client.cancel(self._job)
        self._job = None
        self._waiting.clear()
        if self._state.get(IMAGE_INVERSION).status == "running":
            self._state.set(IMAGE_INVERSION, Inversion())

    def _end_first(self) -> None:
        if self._job is not None:
            self._client.cancel(self._job)
        self._job = None
        self._waiting.popleft()

    def _next(self) -> None:
        if self._job is not None or not self._waiting:
            return
        queued = self._waiting[0]
        model = queued.model
        data = transform_of(model).apply(queued.pixels.astype(np.float32) / 255)[None]
        self._state.set(
            IMAGE_INVERSION, Inversion(status="running", source=queued.label, data=data)
        )
        timesteps = model.schedule.timesteps
        request = messages.Invert(
            slot="image inversion",
            checkpoint=model.ref,
            steps=min(
                max(self._state.get(IMAGE_SAMPLING).steps or timesteps, LEAST_STEPS), timesteps
            ),
            replay=True,
        )
        self._job = self._client.ask(
            request, {"data": data}, done=self._on_done, failed=self._on_failed
        )

    def _on_model(self) -> None:
        model = self._state.get(MODEL)
        waiting = list(self._waiting)
        if waiting and _same(waiting[0].model, model):
            return
        if waiting:
            self.cancel()
        if not makes_images(model):
            return
        again = [
            _Queued(mark, end.pixels, end.label, model)
            for mark, end in self._inverted()
            if end.pixels is not None and not self._is_by(end, model)
        ]
        for queued in [*again, *waiting]:
            if queued.pixels.shape == model.shape:
                end = end_of(self._state, queued.mark)
                self._waiting.append(replace(queued, model=model, instead_of=end))
        self._next()

    def _inverted(self) -> list[tuple[Mark, ImageEnd]]:
        """Those of A, B and C that are images."""
        marks: tuple[Mark, ...] = ("A", "B", "C")
        ends = [(mark, end_of(self._state, mark)) for mark in marks]
        return [(mark, end) for mark, end in ends if end is not None and end.pixels is not None]

    def _is_by(self, end: ImageEnd, model: ModelInfo) -> bool:
        """Whether these weights have inverted it, as far as it is known."""
        known = self._revisions.get(_name(end), model.revision)
        return (end.model, known) == (model.ref, model.revision)

    def _learn_revisions(self) -> None:
        """Ends that have come with other settings are of the weights of now."""
        model = self._state.get(MODEL)
        for _, end in self._inverted():
            if end.model == model.ref:
                self._revisions.setdefault(_name(end), model.revision)

    def _on_images(self) -> None:
        """Give up what was to replace an end that the user has replaced meanwhile."""
        self._learn_revisions()
        for queued in list(self._waiting):
            end = end_of(self._state, queued.mark)
            if queued.instead_of is None and queued.mark != "C":
                queued.instead_of = end  # a tile that came by default: nobody has chosen it
            elif not _same_latents(queued.instead_of, end):
                self._give_up(queued)

    def _give_up(self, queued: _Queued) -> None:
        if queued is not self._waiting[0]:
            self._waiting.remove(queued)
            return
        under_way = self.busy
        self._end_first()
        if under_way:  # and not waiting for the next engine
            self._state.set(IMAGE_INVERSION, Inversion())
            self._next()

    # Answers

    def _on_done(self, message: messages.Result, arrays: Arrays) -> None:
        self._job = None
        if not message.cancelled:
            self._found(arrays)

    def _on_failed(self, failure: messages.Failure) -> None:
        self._job = None
        self._waiting.popleft()
        before = self._state.get(IMAGE_INVERSION)
        failed = replace(before, status="failed", message=failure.message)
        self._state.set(IMAGE_INVERSION, failed)
        self._state.post(failure.message, error=True)
        self._next()

    def _found(self, arrays: Arrays) -> None:
        queued = self._waiting.popleft()
        before = self._state.get(IMAGE_INVERSION)
        latents, errors = arrays["latents"], arrays["errors"]
        end = ImageEnd(
            latents[0],
            queued.label,
            image=before.data[0],
            pixels=queued.pixels,
            model=queued.model.ref,
        )
        self._revisions[_name(end)] = queued.model.revision
        self._state.set(
            IMAGE_INVERSION, replace(before, status="done", latents=latents, errors=errors)
        )
        place_end(self._state, queued.mark, end)
        self._next()

    def _on_died(self, why: str) -> None:
        if self._job is not None:  # asked again when the next engine has opened the model
            self._job = None
            self._state.set(
                IMAGE_INVERSION,
                replace(self._state.get(IMAGE_INVERSION), status="failed", message=why),
            )


def _name(end: ImageEnd) -> Hashable:
    return (end.model, digest(end.latents))


def _same_latents(before: ImageEnd | None, after: ImageEnd | None) -> bool:
    """Whether it is the same end, perhaps asked for another class since."""
    if before is None or after is None:
        return before is after
    return np.array_equal(before.latents, after.latents)


def _same(before: ModelInfo, after: ModelInfo) -> bool:
    return (before.ref, before.revision) == (after.ref, after.revision)
