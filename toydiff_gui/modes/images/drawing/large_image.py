"""One image large, with its way from noise to data as a film strip, and its norm on that way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter

from engine.shared.trajectory import Trajectory
from engine.shared.values import Memo
from toydiff_gui.drawing.card_words import Fact
from toydiff_gui.drawing.frames import paint_frame
from toydiff_gui.drawing.path_strips import band, measured_scales, paint_prior
from toydiff_gui.drawing.raster import Argb, drawn, fitted, side_by_side
from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.drawing.text import text_width
from toydiff_gui.modes.images.drawing.paper import Paper
from toydiff_gui.modes.images.scene import ImageScene, LookedAt, States

_kept = Memo()
PAD = 12.0
FACTS, LEAST_FACTS = 128.0, 104.0
CAPTION, CURVE = 16.0, 26.0
MOST_THUMBS, MOST_THUMB, LEAST_THUMB = 12, 46.0, 22.0
LEAST_FILMED, LEAST_CURVED = 150.0, 250.0
"""Heights of the card's body, in design pixels, that have room for the film and for its norms."""


@dataclass(frozen=True)
class LookLayout:
    """Where the parts of the picture's card lie; those that have no room are empty."""

    body: QRectF
    picture: QRectF
    facts: QRectF
    thumbs: tuple[QRectF, ...]
    thumb_size: tuple[int, int]
    curve: QRectF
    ratio: float

    def thumb_at(self, place: QPointF) -> int | None:
        """The thumbnail at ``place``."""
        return next((i for i, rect in enumerate(self.thumbs) if rect.contains(place)), None)

    def pixel_at(self, place: QPointF, shape: tuple[int, int, int]) -> tuple[int, int] | None:
        """Row and column of the image's pixel at ``place``."""
        return cell_at(self.picture, place, shape[1], shape[2])


def cell_at(rect: QRectF, place: QPointF, rows: int, columns: int) -> tuple[int, int] | None:
    """Which cell of a grid of ``rows`` by ``columns`` over ``rect`` is at ``place``."""
    if rect.isEmpty() or not rect.contains(place):
        return None
    row = int((place.y() - rect.top()) / rect.height() * rows)
    column = int((place.x() - rect.left()) / rect.width() * columns)
    return min(row, rows - 1), min(column, columns - 1)


def on_pixels(x: float, y: float, wide: int, high: int, ratio: float) -> QRectF:
    """A rectangle of whole device pixels at (x, y)."""
    return QRectF(round(x * ratio) / ratio, round(y * ratio) / ratio, wide / ratio, high / ratio)


def look_layout(
    body: QRectF, shape: tuple[int, int, int], style: LaneStyle, *, ratio: float = 1.0
) -> LookLayout:
    """The layout for images of ``shape`` (C, H, W) in ``body``."""
    _, high, wide = shape
    pad = style.px(PAD)
    inner = body.adjusted(pad, pad, -pad, -pad)
    thumbs: tuple[QRectF, ...] = ()
    thumb_size, curve, bottom = (1, 1), QRectF(), inner.bottom()
    if body.height() >= style.px(LEAST_FILMED) and inner.width() > style.px(3 * LEAST_THUMB):
        curve_high = style.px(CURVE) if body.height() >= style.px(LEAST_CURVED) else 0.0
        side = min(max(0.13 * inner.height(), style.px(LEAST_THUMB)), style.px(MOST_THUMB))
        gap = style.px(4)
        count = int(
            min(MOST_THUMBS, max(3, (inner.width() + gap) // (max(side, style.px(32)) + gap)))
        )
        pitch = (inner.width() + gap) / count
        thumb_size = fitted((pitch - gap) * ratio, side * ratio, (wide, high))
        thumb_wide, thumb_high = thumb_size[0] / ratio, thumb_size[1] / ratio
        foot = inner.bottom() + pad / 2 - curve_high
        top = foot - style.px(CAPTION) - thumb_high
        if curve_high:
            curve = QRectF(
                inner.left(), foot + style.px(2), inner.width(), curve_high - style.px(2)
            )
        thumbs = tuple(
            on_pixels(
                inner.left() + index * pitch + (pitch - gap - thumb_wide) / 2,
                top,
                *thumb_size,
                ratio,
            )
            for index in range(count)
        )
        bottom = top - style.px(10)
    room = QRectF(inner.left(), inner.top(), inner.width(), max(bottom - inner.top(), 1.0))
    facts_wide = style.px(FACTS)
    if room.width() - facts_wide - pad < 0.7 * room.height():
        facts_wide = style.px(LEAST_FACTS)
    if room.width() - facts_wide - pad < 0.55 * room.height() or room.height() < style.px(44):
        facts_wide = 0.0
    beside = facts_wide + pad if facts_wide else 0.0
    size = fitted((room.width() - beside) * ratio, room.height() * ratio, (wide, high))
    shown_wide, shown_high = size[0] / ratio, size[1] / ratio
    beside = facts_wide + 2 * pad if facts_wide else 0.0
    left = room.left() + max(0.0, (room.width() - beside - shown_wide) / 2)
    top = room.top() + max(0.0, (room.height() - shown_high) / 2)
    picture = on_pixels(left, top, *size, ratio)
    facts = QRectF()
    if facts_wide:
        start = min(picture.right() + 2 * pad, room.right() - facts_wide)
        facts = QRectF(start, picture.top(), facts_wide, picture.height())
    return LookLayout(body, picture, facts, thumbs, thumb_size, curve, ratio)


def film_frames(trajectory: Trajectory, count: int) -> list[int]:
    """The ``count`` frames that stand for the whole of a trajectory, the first and the last too."""
    last = len(trajectory.t) - 1
    return [round(last * index / max(count - 1, 1)) for index in range(min(count, last + 1))]


def thumb_of(trajectory: Trajectory, frames: list[int], t: float) -> int | None:
    """Which of ``frames`` is nearest to the one that is shown at ``t``."""
    k = trajectory.index_at(t)
    if k is None:
        return None
    return min(range(len(frames)), key=lambda index: abs(frames[index] - k))


def norms_of(looked: LookedAt) -> NDArray[np.float64]:
    """The norm of the image at every time that has arrived, whatever is shown of it."""
    states = looked.trajectory.x

    def measured() -> NDArray[np.float64]:
        images = [frame[looked.index].astype(np.float64) for frame in states]
        return np.array([np.linalg.norm(image) for image in images])

    return _kept.get(looked.trajectory, looked.index, measured)


def paint_look(paper: Paper, layout: LookLayout) -> None:
    """Paint what is looked at, or what to do to look at something."""
    looked = paper.scene.looked_at
    state = None if looked is None else looked.state_at(paper.t)
    if looked is None or state is None:
        paper.message(
            layout.body, "Point at an image to see it large, with its way from noise to data"
        )
        return
    paint_large(paper, layout.picture, state, layout.ratio)
    paper.facts(layout.facts, look_facts(paper.scene, looked, paper.t))
    if layout.thumbs:
        _paint_film(paper, layout, looked)
    if not layout.curve.isEmpty():
        _paint_curve(paper, layout.curve, looked)


def paint_large(paper: Paper, place: QRectF, state: States, ratio: float) -> None:
    """One image (C, H, W) over all of ``place``, with a hair line around it."""
    size = round(place.width() * ratio), round(place.height() * ratio)
    line = paper.style.scale
    around = place.adjusted(-line, -line, line, line)
    paper.painter.fillRect(around, QColor(paper.style.palette.divider))
    paper.image(place, drawn(paper.scene.pixels(state), *size))


def look_facts(scene: ImageScene, looked: LookedAt, t: float) -> list[Fact]:
    """What the picture's card says in numbers."""
    k = looked.trajectory.index_at(t) or 0
    made = looked.made or looked.trajectory
    state = made.x[k][looked.index].astype(np.float64)
    latents = made.x[0][looked.index].astype(np.float64)
    facts = [
        ("time", f"t = {looked.trajectory.t[k]}"),
        ("norm", f"{np.linalg.norm(state):.1f}"),
        ("latent norm", f"{np.linalg.norm(latents):.1f}"),
    ]
    low, _, high = scene.prior_norms
    if high > 0:
        facts.append(("prior", f"{low:.1f}\N{EN DASH}{high:.1f}"))
    _, rows, columns = state.shape
    facts.append(("pixels", f"{columns} \N{MULTIPLICATION SIGN} {rows}"))
    return facts


def _paint_film(paper: Paper, layout: LookLayout, looked: LookedAt) -> None:
    style, trajectory = paper.style, looked.trajectory
    frames = film_frames(trajectory, len(layout.thumbs))
    states = trajectory.x0 if looked.preview else trajectory.x
    there = [k for k in frames if k < len(states)]
    first = layout.thumbs[0]
    if there:
        lefts = [round((rect.left() - first.left()) * layout.ratio) for rect in layout.thumbs]

        def images() -> Argb:
            chosen = np.stack([states[k][looked.index] for k in there])
            tiles = drawn(paper.scene.pixels(chosen), *layout.thumb_size)
            return side_by_side(tiles, np.array(lefts[: len(there)]))

        key = (looked.index, looked.preview, tuple(there), layout.thumb_size, tuple(lefts))
        paper.kept_image(first.topLeft(), layout.ratio, "film", trajectory, key, images)
    now = thumb_of(trajectory, frames, paper.t)
    plain, strong = style.font(10, 500), style.font(10, 600)
    palette = style.palette
    pitch = layout.thumbs[1].left() - first.left() if len(layout.thumbs) > 1 else first.width()
    with_name = all(
        text_width(f"t = {trajectory.t[k]}", plain) <= pitch - style.px(3) for k in frames
    )
    for index, k in enumerate(frames):
        rect = layout.thumbs[index]
        if k >= len(states):
            paper.painter.fillRect(rect, QColor(palette.field))
        text = f"t = {trajectory.t[k]}" if with_name else str(trajectory.t[k])
        centre = QPointF(rect.center().x(), rect.bottom() + style.px(CAPTION / 2 + 1))
        font, ink = (strong, palette.accent) if index == now else (plain, palette.label)
        paper.write_centred(centre, text, font, ink)
    if now is not None and frames[now] < len(states):
        paint_frame(paper.painter, layout.thumbs[now], palette.accent, style, width=1.5)


def _paint_curve(paper: Paper, rect: QRectF, looked: LookedAt) -> None:
    """The norm from noise to data, over the prior's band, which is where it should begin."""
    painter, style, palette = paper.painter, paper.style, paper.style.palette
    norms = norms_of(looked)
    plain = style.font(10, 500)
    word = "norm"
    base = rect.center().y() + style.px(3.6)
    paper.write(QPointF(rect.left(), base), word, plain, palette.label)
    left = rect.left() + text_width(word, plain) + style.px(8)
    track = QRectF(left, rect.top() + style.px(3), rect.right() - left, rect.height() - style.px(6))
    low, _, high = paper.scene.prior_norms
    prior = np.array([low, high] if high > 0 else [])
    scales = measured_scales((), (norms, prior))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if high > 0:
        lower, upper = scales.norm_heights(track, prior)
        paint_prior(painter, track, lower, upper, style)
    steps = max(len(looked.trajectory.t) - 1, 1)
    x = track.left() + np.arange(len(norms)) / steps * track.width()
    y = scales.norm_heights(track, norms)
    if len(x) > 1:
        painter.fillPath(band(x, y, style.stroke(1.4)), QColor(palette.text_secondary))
    k = looked.trajectory.index_at(paper.t)
    if k is not None and k < len(x):
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(palette.accent))
        painter.drawEllipse(QPointF(x[k], y[k]), style.stroke(3), style.stroke(3))
