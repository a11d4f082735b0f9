"""A plot to paint on: where it is, what it shows, how, and whether pixels are allowed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter

from toydiff_gui.drawing.cloud import paint_segments
from toydiff_gui.drawing.device import device_rect, pixel_ratio
from toydiff_gui.drawing.geometry import Segments
from toydiff_gui.drawing.scene_parts import Box
from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.drawing.view import PlotTransform, ViewRange


@dataclass(frozen=True)
class Paper:
    """What every overlay is given."""

    painter: QPainter
    rect: QRectF
    view: ViewRange
    style: LaneStyle
    vector: bool = False

    @cached_property
    def transform(self) -> PlotTransform:
        """Where the plane lies, in the painter's units."""
        return PlotTransform(self.rect, self.view)

    @cached_property
    def _area(self) -> QRectF:
        return self.rect if self.vector else device_rect(self.painter, self.rect)

    @cached_property
    def _ratio(self) -> float:
        return 1.0 if self.vector else pixel_ratio(self.painter)

    def lines(
        self,
        first: NDArray[np.floating],
        second: NDArray[np.floating],
        *,
        colours: tuple[str, ...],
        steps: NDArray[np.intp] | None = None,
        width: float,
        opacity: float,
    ) -> None:
        """Lines from ``first`` (N, 2) to ``second``, points of the plane."""
        place = PlotTransform(self._area, self.view).to_pixels
        segments = np.concatenate([place(first), place(second)], axis=1)
        self._segments(segments, colours, steps, width, opacity)

    def paper_lines(
        self,
        segments: Segments,
        *,
        colours: tuple[str, ...],
        steps: NDArray[np.intp] | None = None,
        width: float,
        opacity: float,
    ) -> None:
        """Lines (N, 4) in the painter's units from the upper left corner of the plot."""
        corner = np.array([self._area.left(), self._area.top()] * 2)
        self._segments(segments * self._ratio + corner, colours, steps, width, opacity)

    def _segments(
        self,
        segments: Segments,
        colours: tuple[str, ...],
        steps: NDArray[np.intp] | None,
        width: float,
        opacity: float,
    ) -> None:
        if len(segments) == 0:
            return
        chosen = np.zeros(len(segments), np.intp) if steps is None else steps
        paint_segments(
            self.painter,
            self._area,
            segments,
            chosen,
            colours,
            self.style.stroke(width) * self._ratio,
            opacity,
            0.0,
            self.vector,
        )

    def box_rect(self, box: Box) -> QRectF:
        """Where a part of the plane lies."""
        x0, x1, y0, y1 = box
        return QRectF(self.transform.point(x0, y1), self.transform.point(x1, y0))

    def image(self, box: Box, rgba: NDArray[np.uint8], *, smooth: bool = True) -> None:
        """Premultiplied colours (H, W, 4) over ``box``, the first row at the top; rectangles in a
        vector picture."""
        target = self.box_rect(box)
        if self.vector:
            self._rectangles(target, rgba)
            return
        image = image_of(rgba)
        self.painter.save()
        self.painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        self.painter.drawImage(target, image)
        self.painter.restore()

    def _rectangles(self, target: QRectF, rgba: NDArray[np.uint8]) -> None:
        painter, (high, wide) = self.painter, rgba.shape[:2]
        painter.save()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        across, along = target.width() / wide, target.height() / high
        for row in range(high):
            changes = np.flatnonzero((np.diff(rgba[row].astype(int), axis=0) != 0).any(axis=1)) + 1
            starts, ends = [0, *changes.tolist()], [*changes.tolist(), wide]
            for start, end in zip(starts, ends, strict=True):
                red, green, blue, alpha = (int(value) for value in rgba[row, start])
                if alpha == 0:
                    continue
                place = QRectF(
                    target.left() + start * across,
                    target.top() + row * along,
                    (end - start) * across,
                    along,
                ).intersected(self.rect)
                if not place.isEmpty():
                    full = [min(255, 255 * value // alpha) for value in (red, green, blue)]
                    painter.fillRect(place, QColor(full[0], full[1], full[2], alpha))
        painter.restore()


def image_of(rgba: NDArray[np.uint8]) -> QImage:
    """An image with its own memory, of premultiplied colours (H, W, 4)."""
    pixels = np.ascontiguousarray(rgba)
    high, wide = pixels.shape[:2]
    form = QImage.Format.Format_RGBA8888_Premultiplied
    borrowed = QImage(pixels.data, wide, high, 4 * wide, form)
    # The format that Qt scales and blends fastest; the conversion makes the copy.
    return borrowed.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)


def tinted(colour: str, alpha: NDArray[np.floating]) -> NDArray[np.uint8]:
    """``colour`` at the opacities ``alpha`` (H, W) in 0..1, premultiplied, (H, W, 4)."""
    red, green, blue = (int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5))
    layers = alpha[..., None] * np.array([red, green, blue, 1.0])
    return np.asarray(np.round(255 * layers), np.uint8)
