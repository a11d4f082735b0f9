"""Words on the canvas; in a vector picture as outlines, so that no reader needs the typeface."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QPainter,
    QPainterPath,
    QTextLayout,
    QTextOption,
)


@lru_cache(maxsize=2048)
def text_width(text: str, font: QFont) -> float:
    """The advance of ``text``; remembered, since most words of a frame are in the next as well."""
    return QFontMetricsF(font).horizontalAdvance(text)


def draw_text(
    painter: QPainter,
    baseline: QPointF,
    text: str,
    font: QFont,
    colour: QColor | str,
    *,
    vector: bool = False,
) -> float:
    """Write ``text`` from ``baseline`` to the right; returns its advance."""
    if not text:
        return 0.0
    if vector:
        path = QPainterPath()
        path.setFillRule(Qt.FillRule.WindingFill)  # the letters' own parts overlap
        path.addText(baseline, font, text)
        painter.fillPath(path, QColor(colour))
    else:
        painter.setFont(font)
        painter.setPen(QColor(colour))
        painter.drawText(baseline, text)
    return text_width(text, font)


def draw_centred(
    painter: QPainter,
    centre: QPointF,
    text: str,
    font: QFont,
    colour: QColor | str,
    *,
    vector: bool = False,
) -> None:
    """Write ``text`` about ``centre``, by the height of its capitals."""
    metrics = QFontMetricsF(font)
    left = centre.x() - metrics.horizontalAdvance(text) / 2
    baseline = centre.y() + metrics.capHeight() / 2
    draw_text(painter, QPointF(left, baseline), text, font, colour, vector=vector)


def draw_wrapped(
    painter: QPainter,
    rect: QRectF,
    text: str,
    font: QFont,
    colour: QColor | str,
    *,
    vector: bool = False,
) -> QRectF:
    """Write ``text`` in the middle of ``rect``, broken into lines; returns where it went."""
    lines, bounds = wrap(text, font, rect)
    metrics = QFontMetricsF(font)
    for index, line in enumerate(lines):
        place = QPointF(
            rect.center().x() - metrics.horizontalAdvance(line) / 2,
            bounds.top() + index * metrics.lineSpacing() + metrics.ascent(),
        )
        draw_text(painter, place, line, font, colour, vector=vector)
    return bounds


def wrap(text: str, font: QFont, rect: QRectF) -> tuple[list[str], QRectF]:
    """The lines of ``text`` in the width of ``rect``, and the room they take in its middle."""
    metrics = QFontMetricsF(font)
    lines: list[str] = []
    for paragraph in text.splitlines() or [""]:
        layout = QTextLayout(paragraph, font)
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        layout.setTextOption(option)
        layout.beginLayout()
        while (line := layout.createLine()).isValid():
            line.setLineWidth(max(rect.width(), 1.0))
            start = line.textStart()
            lines.append(paragraph[start : start + line.textLength()].strip())
        layout.endLayout()
    most = max(1, int(rect.height() / metrics.lineSpacing()))
    if len(lines) > most:
        lines = lines[:most]
        lines[-1] = elided(lines[-1] + "\N{HORIZONTAL ELLIPSIS}", font, rect.width())
    width = max(metrics.horizontalAdvance(line) for line in lines)
    height = len(lines) * metrics.lineSpacing()
    middle = rect.center()
    return lines, QRectF(middle.x() - width / 2, middle.y() - height / 2, width, height)


def elided(text: str, font: QFont, width: float) -> str:
    """``text``, or its beginning with an ellipsis where it is wider than ``width``."""
    return QFontMetricsF(font).elidedText(text, Qt.TextElideMode.ElideRight, max(width, 0.0))
