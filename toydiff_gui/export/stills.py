"""Single pictures: the moment shown, a sheet of several moments, and both for the clipboard."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QMimeData, QPointF, QRectF
from PySide6.QtGui import QColor, QImage, QPainter

from toydiff_gui.drawing import LaneStyle, paint_lane, picture_style, shown_view
from toydiff_gui.drawing.card import paint_card_frame
from toydiff_gui.drawing.images.page import STRIPS, filled_cards
from toydiff_gui.drawing.path_marks import paint_path_marks
from toydiff_gui.drawing.text import draw_text, elided, text_width
from toydiff_gui.drawing.tiling import tile
from toydiff_gui.export.errors import ExportError
from toydiff_gui.export.image_sheet import paint_image_cells
from toydiff_gui.export.parts import AnyScene, parts
from toydiff_gui.export.picture import (
    blank_image,
    painting,
    picture_theme,
    png_bytes,
    still_image,
    still_svg,
    svg_bytes,
)
from toydiff_gui.export.snapshot import check_complete
from toydiff_gui.export.spec import ThemeName, check_size, check_theme
from toydiff_gui.export.targets import replacing_file
from toydiff_gui.image_scene import ImageScene
from toydiff_gui.scene import LaneScene, Scene

STILLS = (".png", ".svg")
MARGIN, TITLE, CAPTION, GAP = 16, 30, 26, 8


def is_vector(path: Path) -> bool:
    """Whether ``path`` asks for an SVG; raises ``ExportError`` if it is neither SVG nor PNG."""
    suffix = path.suffix.lower()
    if suffix not in STILLS:
        raise ExportError(f"a picture's name must end in .png or .svg, got {path.name!r}")
    return suffix == ".svg"


def save_still(
    scene: AnyScene, t: int, path: Path, size: tuple[int, int], theme: ThemeName = "dark"
) -> None:
    """Write ``scene`` at ``t`` as a PNG or SVG, by the name's ending. Raises ``ExportError``."""
    check_size(size)
    check_theme(theme)
    if is_vector(path):
        data = still_svg(scene, t, size, theme)
    else:
        data = png_bytes(still_image(scene, t, size, theme))
    _write(path, data)


def save_contact_sheet(
    scene: AnyScene,
    path: Path,
    size: tuple[int, int],
    theme: ThemeName = "dark",
    times: Sequence[int] | None = None,
) -> None:
    """Write a sheet of stills, four from noise to data unless ``times`` says otherwise.

    A row is a lane, a column a time; of a single lane, the times share the sheet.
    Raises ``ExportError``.
    """
    check_size(size)
    check_theme(theme)
    check_complete(scene)
    moments = sheet_times(scene, times)
    if is_vector(path):
        paint = partial(
            paint_sheet, size=size, scene=scene, times=moments, theme=theme, vector=True
        )
        data = svg_bytes(size, scene.title or "Contact sheet", paint)
    else:
        data = png_bytes(sheet_image(scene, size, theme, moments))
    _write(path, data)


def sheet_image(
    scene: AnyScene, size: tuple[int, int], theme: ThemeName, times: Sequence[int] | None = None
) -> QImage:
    """The sheet as an image."""
    moments = sheet_times(scene, times)
    image = blank_image(size)
    with painting(image) as painter:
        paint_sheet(painter, size, scene, moments, theme)
    return image


def sheet_times(scene: AnyScene, times: Sequence[int] | None = None) -> list[int]:
    """The times asked for, checked; else T, two thirds, one third and 0."""
    total = scene.timesteps
    if times is None:
        return [total, round(2 * total / 3), round(total / 3), 0]
    for t in times:
        if not 0 <= t <= total:
            raise ExportError(f"t must be between 0 and {total}, got {t}")
    if not times:
        raise ExportError("a contact sheet needs at least one t")
    return list(times)


def clipboard_data(
    scene: AnyScene, t: int, size: tuple[int, int], theme: ThemeName = "dark"
) -> QMimeData:
    """The moment for the clipboard: as an image, and as an SVG for programs that take one."""
    data = QMimeData()
    data.setImageData(still_image(scene, t, size, theme))
    data.setData("image/svg+xml", still_svg(scene, t, size, theme))
    return data


def paint_sheet(
    painter: QPainter,
    size: tuple[int, int],
    scene: AnyScene,
    times: Sequence[int],
    theme: ThemeName,
    *,
    vector: bool = False,
) -> None:
    """Paint lanes as rows and ``times`` as columns; of images, everything once for each time."""
    style = picture_style(picture_theme(theme), size[1])
    palette = style.palette
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    page = QRectF(0, 0, *size)
    painter.fillRect(page, QColor(palette.window))
    margin, gap = round(style.px(MARGIN)), round(style.px(GAP))
    title, caption = round(style.px(TITLE)), round(style.px(CAPTION))
    area = page.adjusted(margin, title + margin // 2, -margin, -margin)
    _write_title(painter, page, scene, style, margin, title, vector)
    if isinstance(scene, ImageScene):
        shown = parts(scene)
        name = shown[0].title if len(shown) == 1 else ""
        if filled_cards(scene) == {STRIPS}:  # wide: below each other
            high = (area.height() - gap * (len(times) - 1)) / len(times)
            cells = [
                QRectF(area.left(), area.top() + row * (high + gap), area.width(), high)
                for row in range(len(times))
            ]
        else:
            cells = tile(len(times), area, gap, caption)
        _check_cells(cells, caption, 1, len(times), size)
        for t, place in zip(times, cells, strict=True):
            cell = _whole(place)
            paint_image_cells(painter, cell.adjusted(0, caption, 0, 0), scene, t, style, vector)
            head = QRectF(cell.left(), cell.top(), cell.width(), caption)
            painter.fillRect(head, QColor(palette.panel))
            _write_caption(painter, head, name, t, style, vector)
            paint_card_frame(painter, cell, _captioned(style), selected=False, hovered=False)
        return
    lanes = sheet_lanes(scene)
    if len(lanes) == 1:
        cells = tile(len(times), area, gap, caption)
    else:
        wide = (area.width() - gap * (len(times) - 1)) / len(times)
        high = (area.height() - gap * (len(lanes) - 1)) / len(lanes)
        cells = [
            QRectF(area.left() + column * (wide + gap), area.top() + row * (high + gap), wide, high)
            for row in range(len(lanes))
            for column in range(len(times))
        ]
    _check_cells(cells, caption, len(lanes), len(times), size)
    view = shown_view(scene)
    moments = [(lane, t) for lane in lanes for t in times]
    for (lane, t), place in zip(moments, cells, strict=True):
        cell = _whole(place)
        plot = cell.adjusted(0, caption, 0, 0)
        paint_lane(painter, plot, lane, t, view, style, vector=vector)
        paint_path_marks(painter, plot, lane, t, view, style, vector=vector)
        head = QRectF(cell.left(), cell.top(), cell.width(), caption)
        painter.fillRect(head, QColor(palette.panel))
        _write_caption(painter, head, lane.title, t, style, vector)
        paint_card_frame(painter, cell, _captioned(style), selected=False, hovered=False)


def _whole(place: QRectF) -> QRectF:
    left, top = round(place.left()), round(place.top())
    return QRectF(left, top, round(place.width()), round(place.height()))


def _check_cells(
    cells: list[QRectF], caption: float, lanes: int, times: int, size: tuple[int, int]
) -> None:
    if min(cells[0].height(), cells[0].width()) <= 2 * caption:
        raise ExportError(
            f"{lanes} lanes at {times} times do not fit on a sheet of {size[0]}x{size[1]} pixels"
        )


def sheet_lanes(scene: Scene) -> list[LaneScene]:
    """The lanes of a sheet: those that change with time, if there are any."""
    moving = [
        lane
        for lane in scene.lanes
        if lane.kind == "trajectory" and lane.trajectory is not None and lane.trajectory.x
    ]
    return moving or list(scene.lanes)


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
    scene: AnyScene,
    style: LaneStyle,
    margin: float,
    height: float,
    vector: bool,
) -> None:
    font = style.font(13, 600)
    base = QPointF(margin, margin / 2 + height / 2 + style.px(4.5))
    text = elided(scene.title, font, page.width() - 2 * margin)
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
