"""A chart as a file: PNG, SVG, PDF or the numbers as CSV. Drawn anew at the size of the file."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
from PySide6.QtCore import QBuffer, QIODevice, QMarginsF, QRectF, QSizeF
from PySide6.QtGui import QColor, QPageLayout, QPageSize, QPainter, QPdfWriter

from engine.shared.files import write_atomically
from toydiff_gui.diagnostics.chart import Chart, Table
from toydiff_gui.diagnostics.chart_layout import Window
from toydiff_gui.diagnostics.moment import paint_moment
from toydiff_gui.diagnostics.painting import paint_card
from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.export.frames import blank_image, painting, picture_theme, png_bytes, svg_bytes

ThemeName = Literal["dark", "light"]
Format = Literal["png", "svg", "pdf", "csv"]

DESIGN = (560.0, 400.0)
"""Size of a card in design pixels: type is as large beside the plot as on the screen."""
PNG_SCALE = 3.0
POINTS_PER_PIXEL = 0.75
PDF_RESOLUTION = 1200


def picture_size() -> tuple[int, int]:
    """Pixels of a PNG."""
    return round(DESIGN[0] * PNG_SCALE), round(DESIGN[1] * PNG_SCALE)


def save_chart(
    chart: Chart, t: float, path: Path, kind: Format, theme: ThemeName, window: Window | None = None
) -> None:
    """Write ``chart`` at ``t`` to ``path``, whole or not at all.

    Raises ``ValueError`` with one sentence when there is nothing to save or the file system
    refuses.
    """
    if chart.empty or chart.table is None:
        raise ValueError(f"there is nothing to save yet: {chart.title!r} is empty")
    data = {
        "png": lambda: chart_png(chart, t, theme, window),
        "svg": lambda: chart_svg(chart, t, theme, window),
        "pdf": lambda: chart_pdf(chart, t, theme, window),
        "csv": lambda: table_csv(chart.table),
    }[kind]()

    def write(stream: BinaryIO) -> None:
        stream.write(data)

    try:
        write_atomically(path, write)
    except OSError as error:
        raise ValueError(f"cannot write {path}: {error.strerror or error}") from error


def chart_png(chart: Chart, t: float, theme: ThemeName, window: Window | None = None) -> bytes:
    """The card as a PNG file."""
    size = picture_size()
    image = blank_image(size)
    with painting(image) as painter:
        _paint(chart, t, theme, window, PNG_SCALE, vector=False)(painter)
    return png_bytes(image)


def chart_svg(chart: Chart, t: float, theme: ThemeName, window: Window | None = None) -> bytes:
    """The card as an SVG of shapes only: words are outlines, dots are circles."""
    return svg_bytes(
        picture_size(), chart.title, _paint(chart, t, theme, window, PNG_SCALE, vector=True)
    )


def chart_pdf(chart: Chart, t: float, theme: ThemeName, window: Window | None = None) -> bytes:
    """The card as a page of a PDF of its size, of shapes only; no reader needs the typeface."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    writer = QPdfWriter(buffer)
    writer.setTitle(chart.title)
    writer.setCreator("ToyDiff")
    writer.setResolution(PDF_RESOLUTION)
    points = QSizeF(*DESIGN) * POINTS_PER_PIXEL
    writer.setPageLayout(
        QPageLayout(
            QPageSize(points, QPageSize.Unit.Point, "", QPageSize.SizeMatchPolicy.ExactMatch),
            QPageLayout.Orientation.Portrait,
            QMarginsF(),
        )
    )
    with painting(writer) as painter:
        # In the page's own fine units: outlines of letters of few units would be coarse.
        scale = PDF_RESOLUTION / 72 * POINTS_PER_PIXEL
        _paint(chart, t, theme, window, scale, vector=True)(painter)
    return bytes(buffer.data().data())


def _paint(
    chart: Chart, t: float, theme: ThemeName, window: Window | None, scale: float, *, vector: bool
) -> Callable[[QPainter], None]:
    style = LaneStyle.of(picture_theme(theme), scale)

    def paint(painter: QPainter) -> None:
        card = QRectF(0, 0, DESIGN[0] * scale, DESIGN[1] * scale)
        painter.fillRect(card, QColor(style.palette.window))
        frame = paint_card(painter, card, chart, style, window, vector=vector)
        paint_moment(painter, chart, frame, t, style, vector=vector)

    return paint


def table_csv(table: Table) -> bytes:
    """The numbers with a header, a row each; what is missing is left empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.names)
    for row in zip(*table.columns, strict=True):
        writer.writerow([_cell(value) for value in row])
    return text.getvalue().encode("utf-8")


def _cell(value: np.generic) -> str:
    if isinstance(value, np.floating):
        return "" if np.isnan(value) else f"{value:.9g}"
    return str(value)
