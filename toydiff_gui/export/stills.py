"""Single pictures: the moment shown, a sheet of several moments, and both for the clipboard."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QMimeData, QPointF, QRectF
from PySide6.QtGui import QColor, QImage, QPainter

from toydiff_gui.drawing.card import paint_card_frame
from toydiff_gui.drawing.style import LaneStyle, picture_style
from toydiff_gui.drawing.text import draw_text, elided, text_width
from toydiff_gui.export.errors import ExportError
from toydiff_gui.export.frames import (
    blank_image,
    painting,
    picture_theme,
    png_bytes,
    still_image,
    still_svg,
    svg_bytes,
)
from toydiff_gui.export.picture_contract import Picture, SheetCell, check_complete
from toydiff_gui.export.spec import ThemeName, check_size, check_theme
from toydiff_gui.export.targets import replacing_file

STILLS = (".png", ".svg")
MARGIN, TITLE, CAPTION, GAP = 16, 30, 26, 8


def is_vector(path: Path) -> bool:
    """Whether ``path`` asks for an SVG; raises ``ExportError`` if it is neither SVG nor PNG."""
    suffix = path.suffix.lower()
    if suffix not in STILLS:
        raise ExportError(f"a picture's name must end in .png or .svg, got {path.name!r}")
    return suffix == ".svg"


def save_still(
    picture: Picture, t: int, path: Path, size: tuple[int, int], theme: ThemeName = "dark"
) -> None:
    """Write ``picture`` at ``t`` as a PNG or SVG, by the name's ending. Raises ``ExportError``."""
    check_size(size)
    check_theme(theme)
    if is_vector(path):
        data = still_svg(picture, t, size, theme)
    else:
        data = png_bytes(still_image(picture, t, size, theme))
    _write(path, data)


def save_contact_sheet(
    picture: Picture,
    path: Path,
    size: tuple[int, int],
    theme: ThemeName = "dark",
    times: Sequence[int] | None = None,
) -> None:
    """Write a sheet of stills, four from noise to data unless ``times`` says otherwise.

    Raises ``ExportError``.
    """
    check_size(size)
    check_theme(theme)
    check_complete(picture)
    moments = sheet_times(picture, times)
    if is_vector(path):
        paint = partial(
            paint_sheet, size=size, picture=picture, times=moments, theme=theme, vector=True
        )
        data = svg_bytes(size, picture.title or "Contact sheet", paint)
    else:
        data = png_bytes(sheet_image(picture, size, theme, moments))
    _write(path, data)


def sheet_image(
    picture: Picture, size: tuple[int, int], theme: ThemeName, times: Sequence[int] | None = None
) -> QImage:
    """The sheet as an image."""
    moments = sheet_times(picture, times)
    image = blank_image(size)
    with painting(image) as painter:
        paint_sheet(painter, size, picture, moments, theme)
    return image


def sheet_times(picture: Picture, times: Sequence[int] | None = None) -> list[int]:
    """The times asked for, checked; else T, two thirds, one third and 0."""
    total = picture.timesteps
    if times is None:
        return [total, round(2 * total / 3), round(total / 3), 0]
    for t in times:
        if not 0 <= t <= total:
            raise ExportError(f"t must be between 0 and {total}, got {t}")
    if not times:
        raise ExportError("a contact sheet needs at least one t")
    return list(times)


def clipboard_data(
    picture: Picture, t: int, size: tuple[int, int], theme: ThemeName = "dark"
) -> QMimeData:
    """The moment for the clipboard: as an image, and as an SVG for programs that take one."""
    data = QMimeData()
    data.setImageData(still_image(picture, t, size, theme))
    data.setData("image/svg+xml", still_svg(picture, t, size, theme))
    return data


def paint_sheet(
    painter: QPainter,
    size: tuple[int, int],
    picture: Picture,
    times: Sequence[int],
    theme: ThemeName,
    *,
    vector: bool = False,
) -> None:
    """Paint the cells that ``picture`` has for ``times``, under its title."""
    style = picture_style(picture_theme(theme), size[1])
    palette = style.palette
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    page = QRectF(0, 0, *size)
    painter.fillRect(page, QColor(palette.window))
    margin, gap = round(style.px(MARGIN)), round(style.px(GAP))
    title, caption = round(style.px(TITLE)), round(style.px(CAPTION))
    area = page.adjusted(margin, title + margin // 2, -margin, -margin)
    _write_title(painter, page, picture, style, margin, title, vector)
    cells = picture.sheet(times, area, style, caption, gap)
    _check_cells(cells, caption, len(times), size)
    for each in cells:
        cell = _whole(each.place)
        each.paint(painter, cell.adjusted(0, caption, 0, 0), vector)
        head = QRectF(cell.left(), cell.top(), cell.width(), caption)
        painter.fillRect(head, QColor(palette.panel))
        _write_caption(painter, head, each.name, each.t, style, vector)
        paint_card_frame(painter, cell, _captioned(style), selected=False, hovered=False)


def _whole(place: QRectF) -> QRectF:
    left, top = round(place.left()), round(place.top())
    return QRectF(left, top, round(place.width()), round(place.height()))


def _check_cells(cells: list[SheetCell], caption: float, times: int, size: tuple[int, int]) -> None:
    first, lanes = cells[0].place, len(cells) // times
    if min(first.height(), first.width()) <= 2 * caption:
        raise ExportError(
            f"{lanes} lanes at {times} times do not fit on a sheet of {size[0]}x{size[1]} pixels"
        )


class _CaptionStyle(LaneStyle):
    """As the lane's style, with the low header of a sheet."""

    @property
    def header_height(self) -> float:
        """Height of a caption."""
        return float(round(self.px(CAPTION)))


def _captioned(style: LaneStyle) -> LaneStyle:
    return _CaptionStyle(style.palette, style.dark, style.scale, style.type_scale, style.line_scale)


def _write_title(
    painter: QPainter,
    page: QRectF,
    picture: Picture,
    style: LaneStyle,
    margin: float,
    height: float,
    vector: bool,
) -> None:
    font = style.font(13, 600)
    base = QPointF(margin, margin / 2 + height / 2 + style.px(4.5))
    text = elided(picture.title, font, page.width() - 2 * margin)
    draw_text(painter, base, text, font, style.palette.text, vector=vector)


def _write_caption(
    painter: QPainter, head: QRectF, name: str, t: int, style: LaneStyle, vector: bool
) -> None:
    palette = style.palette
    bold, plain = style.font(11, 600), style.font(11, 500)
    base = head.center().y() + style.px(4)
    left, right = head.left() + style.px(10), head.right() - style.px(10)
    time = f"t = {t}"
    width = text_width(time, plain)
    draw_text(painter, QPointF(right - width, base), time, plain, palette.label, vector=vector)
    title = elided(name, bold, right - width - style.px(8) - left)
    draw_text(painter, QPointF(left, base), title, bold, palette.text, vector=vector)


def _write(path: Path, data: bytes) -> None:
    with replacing_file(path) as temporary:
        temporary.write_bytes(data)
