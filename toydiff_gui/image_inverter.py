"""Finds the latents of images of the data or of files, and makes endpoints of them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QImage, QImageReader

from engine import protocol
from engine.datasets import Standardisation
from engine.datasets.images import Pixels
from engine.protocol import Arrays, Packet
from toydiff_gui.engine_link import EngineLink
from toydiff_gui.image_ends import end_of, place_end
from toydiff_gui.image_scene import Mark
from toydiff_gui.state import AppState, ImageEnd, Inversion, ModelInfo

MAX_FILE_BYTES = 64 * 2**20
MAX_SIDE = 16_384
"""Pixels of the longer side of an image file."""
LEAST_STEPS = 100
"""Of DDIM, up and down: with fewer an image does not come back as it was."""


@dataclass
class _Errand:
    """An image that is to become the endpoint ``mark`` in the place of ``instead_of``."""

    mark: Mark
    pixels: Pixels
    label: str
    model: ModelInfo
    instead_of: ImageEnd | None = None
    end: ImageEnd | None = None


class ImageInverter(QObject):
    """Inverts one image after the other by DDIM.

    After another model for images of the same shape was opened, images that are endpoints are
    inverted by that one. An image is given up when the user chooses another end in its place.
    """

    def __init__(self, state: AppState, link: EngineLink, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state, self._link = state, link
        self._waiting: deque[_Errand] = deque()
        self._job: int | None = None
        self._placed: dict[Mark, _Errand] = {}
        link.received.connect(self._on_packet)
        link.died.connect(self._on_died)
        state.model_changed.connect(self._on_model)
        state.images_changed.connect(self._on_images)

    @property
    def busy(self) -> bool:
        """Whether an image is being inverted."""
        return self._job is not None

    def invert_file(self, mark: Mark, name: str) -> None:
        """Make the image of a file an endpoint, cut and scaled to the model's size."""
        try:
            pixels = read_image(Path(name), self._state.model.shape)
        except ValueError as error:
            self._state.post(str(error), error=True)
            return
        self.invert_image(mark, pixels, Path(name).name)

    def invert_image(self, mark: Mark, pixels: Pixels, label: str) -> None:
        """Make ``pixels`` uint8 (C, H, W) the endpoint ``mark``."""
        model = self._state.model
        if self._state.engine.status != "ready":
            self._state.post("Inverting needs the engine, which is not ready.", error=True)
            return
        if pixels.shape != model.shape:
            self._state.post(
                f"an image of shape {pixels.shape} does not suit a model of {model.shape}",
                error=True,
            )
            return
        for errand in list(self._waiting)[1:]:
            if errand.mark == mark:
                self._waiting.remove(errand)  # this one is wanted instead
        if self._waiting and self._waiting[0].mark == mark:
            self._end_first()
        instead_of = end_of(self._state, mark)
        self._waiting.append(_Errand(mark, pixels, label, model, instead_of))
        self._next()

    def cancel(self) -> None:
        """Stop, and forget what waits."""
        if self._job is not None:
            self._link.send(Packet(protocol.Cancel(job=self._job)))
        self._job = None
        self._waiting.clear()
        if self._state.inversion.status == "running":
            self._state.set_inversion(Inversion())

    def _end_first(self) -> None:
        if self._job is not None:
            self._link.send(Packet(protocol.Cancel(job=self._job)))
        self._job = None
        self._waiting.popleft()

    def _next(self) -> None:
        if self._job is not None or not self._waiting:
            return
        errand = self._waiting[0]
        model = errand.model
        data = transform_of(model).apply(errand.pixels.astype(np.float32) / 255)[None]
        self._job = self._link.next_job()
        self._state.set_inversion(Inversion(status="running", source=errand.label, data=data))
        timesteps = model.schedule.timesteps
        request = protocol.Invert(
            job=self._job,
            slot="image inversion",
            checkpoint=model.ref,
            steps=min(max(self._state.images.steps or timesteps, LEAST_STEPS), timesteps),
            replay=True,
        )
        self._link.send(Packet(request, {"data": data}))

    def _on_model(self) -> None:
        model = self._state.model
        waiting = list(self._waiting)
        if waiting and _same(waiting[0].model, model):
            return
        if waiting:
            self.cancel()
        if not model.images:
            return
        again = [
            errand
            for mark, errand in self._placed.items()
            if _is_of(errand, end_of(self._state, mark)) and not _same(errand.model, model)
        ]
        for errand in [*again, *waiting]:
            if errand.pixels.shape == model.shape:
                end = end_of(self._state, errand.mark)
                self._waiting.append(replace(errand, model=model, instead_of=end))
        self._next()

    def _on_images(self) -> None:
        """Give up what was to replace an end that the user has replaced meanwhile."""
        for errand in list(self._waiting):
            end = end_of(self._state, errand.mark)
            if errand.instead_of is None and errand.mark != "C":
                errand.instead_of = end  # a tile that came by default: nobody has chosen it
            elif not _same_latents(errand.instead_of, end):
                self._give_up(errand)

    def _give_up(self, errand: _Errand) -> None:
        if errand is not self._waiting[0]:
            self._waiting.remove(errand)
            return
        under_way = self.busy
        self._end_first()
        if under_way:  # and not waiting for the next engine
            self._state.set_inversion(Inversion())
            self._next()

    # Answers

    def _on_packet(self, packet: Packet) -> None:
        if self._job is None or packet.message.job != self._job:
            return
        match packet.message:
            case protocol.Result(cancelled=False):
                self._found(packet.arrays)
            case protocol.Result():
                self._job = None
            case protocol.Failure() as message:
                self._job = None
                self._waiting.popleft()
                failed = replace(self._state.inversion, status="failed", message=message.message)
                self._state.set_inversion(failed)
                self._state.post(message.message, error=True)
                self._next()

    def _found(self, arrays: Arrays) -> None:
        self._job = None
        errand = self._waiting.popleft()
        before = self._state.inversion
        latents, errors = arrays["latents"], arrays["errors"]
        end = ImageEnd(latents[0], errand.label, image=before.data[0])
        self._placed[errand.mark] = replace(errand, end=end)
        self._state.set_inversion(replace(before, status="done", latents=latents, errors=errors))
        place_end(self._state, errand.mark, end)
        self._next()

    def _on_died(self, why: str) -> None:
        if self._job is not None:  # asked again when the next engine has opened the model
            self._job = None
            self._state.set_inversion(replace(self._state.inversion, status="failed", message=why))


def _is_of(errand: _Errand, end: ImageEnd | None) -> bool:
    """Whether ``end`` is what came of ``errand``, perhaps asked for another class since."""
    return end is not None and errand.end is not None and end.image is errand.end.image


def _same_latents(before: ImageEnd | None, after: ImageEnd | None) -> bool:
    """Whether it is the same end, perhaps asked for another class since."""
    if before is None or after is None:
        return before is after
    return before.latents is after.latents


def _same(before: ModelInfo, after: ModelInfo) -> bool:
    return (before.ref, before.revision) == (after.ref, after.revision)


def transform_of(model: ModelInfo) -> Standardisation:
    """From pixels / 255 to the units of a model of images."""
    return Standardisation.by_channel(model.mean, model.std, model.shape)


def read_image(path: Path, shape: tuple[int, ...]) -> Pixels:
    """An image file as uint8 of ``shape`` (C, H, W): the middle of it, scaled.

    What is transparent shows white, as paper does. Raises ``ValueError`` naming the file and its
    fault.
    """
    channels, height, width = shape
    try:
        size = path.stat().st_size
    except OSError as error:
        raise ValueError(f"image file {path} cannot be read: {error.strerror}") from error
    if size > MAX_FILE_BYTES:
        raise ValueError(f"image file {path.name} has {size} bytes, more than {MAX_FILE_BYTES}")
    reader = QImageReader(str(path))
    reader.setAutoTransform(True)
    reader.setDecideFormatFromContent(True)
    told = reader.size()
    if told.isValid() and max(told.width(), told.height()) > MAX_SIDE:
        raise ValueError(
            f"image file {path.name} has {told.width()} x {told.height()} pixels, "
            f"more than {MAX_SIDE} on a side"
        )
    image = reader.read()
    if image.isNull():
        raise ValueError(f"image file {path.name} is not an image: {reader.errorString()}")
    image = image.convertToFormat(QImage.Format.Format_ARGB32)
    side = min(image.width() / width, image.height() / height)
    wide, high = max(1, round(width * side)), max(1, round(height * side))
    left, top = (image.width() - wide) // 2, (image.height() - high) // 2
    image = image.copy(left, top, wide, high).scaled(
        width,
        height,
        Qt.AspectRatioMode.IgnoreAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )
    image = image.convertToFormat(QImage.Format.Format_RGBA8888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(height, image.bytesPerLine())
    rgba = rows[:, : 4 * width].reshape(height, width, 4).astype(np.float32)
    opacity = rgba[..., 3:] / 255
    rgb = rgba[..., :3] * opacity + 255 * (1 - opacity)
    if channels == 1:  # as the eye weighs colours (Rec. 601)
        rgb = rgb @ np.array([[0.299], [0.587], [0.114]], np.float32)
    return np.ascontiguousarray(np.round(rgb).clip(0, 255).astype(np.uint8).transpose(2, 0, 1))
