"""The icons: 16 px drawings with a 1.4 px round stroke, in whatever colour is asked for.

Kept as text, so that one drawing serves every colour, size and screen density.
"""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QByteArray, QObject, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QAbstractButton

from toydiff_gui.style import theme

SIZE = 16

# Each a body in a box of 16 by 16; `F` marks what is filled instead of stroked.
_F = 'fill="currentColor" stroke="none"'
_SHAPES = {
    "play": f'<path {_F} d="M4.6 2.9v10.2c0 .6.7 1 1.2.7l8-5.1c.5-.3.5-1 0-1.3l-8-5.2'
    'c-.5-.3-1.2 0-1.2.700z"/>',
    "pause": f'<rect {_F} x="3.6" y="2.6" width="3.2" height="10.8" rx=".8"/>'
    f'<rect {_F} x="9.2" y="2.6" width="3.2" height="10.8" rx=".8"/>',
    "step-back": '<path d="M10 3.5 5.5 8l4.5 4.5"/>',
    "step-forward": '<path d="M6 3.5 10.5 8 6 12.5"/>',
    "to-start": '<path d="M3.5 3.5v9M12 3.5 7.5 8l4.5 4.5"/>',
    "to-end": '<path d="M12.5 3.5v9M4 3.5 8.5 8 4 12.5"/>',
    "loop": '<path d="M11 1.8 13.5 4.3 11 6.8M2.5 7.5V6.3a2 2 0 0 1 2-2h9'
    'M5 14.2 2.5 11.7 5 9.2M13.5 8.5v1.2a2 2 0 0 1-2 2h-9"/>',
    "reverse": '<path d="M13.5 8h-11M6.5 4 2.5 8l4 4"/>',
    "train": f'<path {_F} d="M4.6 2.9v10.2c0 .6.7 1 1.2.7l8-5.1c.5-.3.5-1 0-1.3l-8-5.2'
    'c-.5-.3-1.2 0-1.2.7z"/>',
    "stop": f'<rect {_F} x="3.4" y="3.4" width="9.2" height="9.2" rx="1.4"/>',
    "open": '<path d="M2 12.5V4a1 1 0 0 1 1-1h3l1.5 1.8H12a1 1 0 0 1 1 1V7M2 12.6 4 7.6'
    'a1 1 0 0 1 .9-.6h9.3l-2 5a1 1 0 0 1-.9.6z"/>',
    "save": '<path d="M3.5 2.5h7.6l2.4 2.4v7.6a1 1 0 0 1-1 1h-9a1 1 0 0 1-1-1v-9'
    'a1 1 0 0 1 1-1zM5 2.7v3.3h5V2.7M4.8 13.3V9h6.4v4.3"/>',
    "export": '<path d="M8 10V2M5 4.7 8 1.8l3 2.9M2.5 9.5v3a1.3 1.3 0 0 0 1.3 1.3h8.4'
    'a1.3 1.3 0 0 0 1.3-1.3v-3"/>',
    "import": '<path d="M8 2v8M5 7.3 8 10.2l3-2.9M2.5 9.5v3a1.3 1.3 0 0 0 1.3 1.3h8.4'
    'a1.3 1.3 0 0 0 1.3-1.3v-3"/>',
    "undo": '<path d="M5.5 2.8 2.5 5.8l3 3M2.7 5.8H9.5a4 4 0 0 1 0 7.7H6"/>',
    "redo": '<path d="m10.5 2.8 3 3-3 3M13.3 5.8H6.5a4 4 0 0 0 0 7.7H10"/>',
    "chevron-down": '<path d="M3.5 5.8 8 10.3l4.5-4.5"/>',
    "chevron-up": '<path d="M3.5 10.2 8 5.7l4.5 4.5"/>',
    "chevron-right": '<path d="M5.8 3.5 10.3 8l-4.5 4.5"/>',
    "dice": '<rect x="2" y="2" width="12" height="12" rx="2.6"/>'
    f'<g {_F}><circle cx="5.4" cy="5.4" r="1.1"/><circle cx="10.6" cy="5.4" r="1.1"/>'
    '<circle cx="8" cy="8" r="1.1"/><circle cx="5.4" cy="10.6" r="1.1"/>'
    '<circle cx="10.6" cy="10.6" r="1.1"/></g>',
    "swap": '<path d="M2.5 5.2h11M10.7 2.4l2.8 2.8-2.8 2.8M13.5 10.8h-11M5.3 8l-2.8 2.8 2.8 2.8"/>',
    "reset": '<path d="M2.7 2.5v3.6h3.6M2.9 6a5.5 5.5 0 1 1-.3 3.6"/>',
    "plus": '<path d="M8 2.8v10.4M2.8 8h10.4"/>',
    "minus": '<path d="M2.8 8h10.4"/>',
    "expand": '<path d="M9.7 2.5h3.8v3.8M13.3 2.7 9.2 6.8M6.3 13.5H2.5V9.7M2.7 13.3l4.1-4.1"/>',
    "shrink": '<path d="M13 6.7H9.3V3M9.5 6.5l4-4M3 9.3h3.7V13M6.5 9.5l-4 4"/>',
    "target": f'<circle cx="8" cy="8" r="5.6"/><circle {_F} cx="8" cy="8" r="1.7"/>',
    "more": f'<g {_F}><circle cx="3.2" cy="8" r="1.3"/><circle cx="8" cy="8" r="1.3"/>'
    '<circle cx="12.8" cy="8" r="1.3"/></g>',
    "dock-left": '<rect x="2" y="2.7" width="12" height="10.6" rx="2"/><path d="M6.2 2.9v10.2"/>',
    "dock-right": '<rect x="2" y="2.7" width="12" height="10.6" rx="2"/><path d="M9.8 2.9v10.2"/>',
    "lock": '<rect x="3" y="7" width="10" height="7" rx="1.6"/><path d="M5 7V5a3 3 0 0 1 6 0v2"/>',
    "film": '<rect x="2" y="2.7" width="12" height="10.6" rx="1.6"/>'
    '<path d="M5 2.9v10.2M11 2.9v10.2M2.2 6.2H5M2.2 9.8H5M11 6.2h2.8M11 9.8h2.8"/>',
    "image": '<rect x="2" y="2.7" width="12" height="10.6" rx="1.6"/>'
    '<circle cx="5.6" cy="6.2" r="1.2"/><path d="m2.6 12 3.4-3 2.3 2 2.7-3.2 2.9 3"/>',
    "copy": '<rect x="5.5" y="5.5" width="8" height="8" rx="1.6"/>'
    '<path d="M10.5 5.3V4a1.5 1.5 0 0 0-1.5-1.5H4A1.5 1.5 0 0 0 2.5 4v5'
    'A1.5 1.5 0 0 0 4 10.5h1.3"/>',
    "help": '<circle cx="8" cy="8" r="6"/><path d="M6.2 6.3a1.9 1.9 0 1 1 2.7 1.8'
    'c-.6.3-.9.7-.9 1.3"/>' + f'<circle {_F} cx="8" cy="11.4" r=".9"/>',
    "camera": '<path d="M2.5 5h2.3l1.2-1.8h4L11.2 5h2.3a1 1 0 0 1 1 1v6.2a1 1 0 0 1-1 1h-11'
    'a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1z"/><circle cx="8" cy="8.8" r="2.3"/>',
    "check": '<path stroke-width="1.9" d="m3.4 8.4 3.1 3.1 6.1-6.7"/>',
    "close": '<path d="m3.8 3.8 8.4 8.4M12.2 3.8l-8.4 8.4"/>',
    "warning": '<path d="M8 2.3 14.3 13.2H1.7zM8 6.4v3.1"/>'
    f'<circle {_F} cx="8" cy="11.3" r=".85"/>',
    "info": '<circle cx="8" cy="8" r="6"/><path d="M8 7.4v3.9"/>'
    f'<circle {_F} cx="8" cy="5" r=".9"/>',
    "eye": '<path d="M1.5 8S3.9 3.7 8 3.7 14.5 8 14.5 8 12.1 12.3 8 12.3 1.5 8 1.5 8z"/>'
    '<circle cx="8" cy="8" r="2"/>',
    "tasks": '<path d="m2 4 1.3 1.3L5.5 2.9M2 10.5l1.3 1.3L5.5 9.4M8 4.3h6M8 10.8h6"/>',
    "explore": '<rect x="2.2" y="2.7" width="4.8" height="10.6" rx="1"/>'
    '<rect x="9" y="2.7" width="4.8" height="10.6" rx="1"/>',
    "chart": '<path d="M2.3 2.3v11.4h11.4M4.6 10.3l2.7-3.4 2.3 1.9 3.7-4.8"/>',
    "trajectories": '<path d="M2.5 13c0-5 2.5-5 5.5-5s5.5 0 5.5-5"/>'
    f'<g {_F}><circle cx="2.8" cy="12.6" r="1.4"/><circle cx="13.2" cy="3.4" r="1.4"/></g>',
    "field": '<path d="M2.5 6.5 6 3M3.6 3H6v2.4M10 6.5 13.5 3M11.1 3h2.4v2.4M2.5 13.5 6 10'
    'M3.6 10H6v2.4M10 13.5l3.5-3.5M11.1 10h2.4v2.4"/>',
    "density": f'<circle cx="8" cy="8" r="6"/><circle cx="8" cy="8" r="3.3"/>'
    f'<circle {_F} cx="8" cy="8" r="1"/>',
    "preview": '<path d="m5 5 3-2.5L11 5M5 7.5l6 6M11 7.5l-6 6"/>',
    "warp": '<path d="M2.5 3c4-1 7 1 11 0M2.5 8c4-1 7 1 11 0M2.5 13c4-1 7 1 11 0M3 2.7'
    'c-1 4 1 7 0 10.4M8 3c-1 4 1 7 0 10M13 3c-1 4 1 7 0 10"/>',
    "basin": '<path d="M2.5 2.5h11v11h-11zM8 2.7c-2 3.5 2.5 6.5 .3 10.6M2.7 8.6'
    'c2.3-1.8 3.7-.7 5.2-.3"/>',
    "forward": '<path d="M2.5 8h7.5M7.3 5.2 10 8l-2.7 2.8"/>'
    f'<g {_F}><circle cx="12.3" cy="4" r="1"/><circle cx="13.8" cy="8" r="1"/>'
    '<circle cx="12.3" cy="12" r="1"/></g>',
    "difference": '<path d="M4.5 5.5h7M8 2.5v6M4.5 13h7"/>',
    "edit": '<path d="M2.5 4.5h5.3M11.2 4.5h2.3M2.5 11.5h2.3M8.2 11.5h5.3"/>'
    '<circle cx="9.5" cy="4.5" r="1.7"/><circle cx="6.5" cy="11.5" r="1.7"/>',
    "trash": '<path d="M2.8 4.3h10.4M6 4.1V2.8h4v1.3M4.2 4.5l.6 8.7h6.4l.6-8.7'
    'M6.9 7v3.6M9.1 7v3.6"/>',
    "path-linear": f'<path d="M3 8h10"/><g {_F}><circle cx="2.5" cy="8" r="1.3"/>'
    '<circle cx="13.5" cy="8" r="1.3"/></g>',
    "path-spherical": f'<path d="M2.5 5a5.5 5.5 0 0 0 11 0"/><g {_F}>'
    '<circle cx="2.5" cy="5" r="1.3"/><circle cx="13.5" cy="5" r="1.3"/></g>',
    "path-prior-preserving": f'<path d="M2.5 6.5c3.5 3.7 7.5 3.7 11 0"/><g {_F}>'
    '<circle cx="2.5" cy="6.5" r="1.3"/><circle cx="13.5" cy="6.5" r="1.3"/></g>',
    "path-norm-guided": f'<path d="M2.5 6c3 0 2.5 4.5 5.5 4.5S10.5 6 13.5 6"/><g {_F}>'
    '<circle cx="2.5" cy="6" r="1.3"/><circle cx="13.5" cy="6" r="1.3"/></g>',
    "path-geodesic": f'<path d="M2.5 8.5c1.8 0 2.7-2.5 4.3-1.5s1 4.5 2.7 3.5 1.7-2.5 4-2.5"/>'
    f'<g {_F}><circle cx="2.5" cy="8.5" r="1.3"/><circle cx="13.5" cy="8" r="1.3"/></g>',
    "path-drawn": f'<path d="M2.5 10.5C4 4 6.5 4 8 8s4 4 5.5-2.5"/><g {_F}>'
    '<circle cx="2.5" cy="10.5" r="1.3"/><circle cx="13.5" cy="5.5" r="1.3"/>'
    '<circle cx="8" cy="8" r="1"/></g>',
}
NAMES = tuple(_SHAPES)


def svg(name: str, colour: str) -> str:
    """The drawing ``name`` in ``colour``, as an SVG document."""
    body = _SHAPES[name].replace("currentColor", colour)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIZE} {SIZE}" '
        f'width="{SIZE}" height="{SIZE}" fill="none" stroke="{colour}" stroke-width="1.4" '
        f'stroke-linecap="round" stroke-linejoin="round">{body}</svg>'
    )


@lru_cache(maxsize=512)
def _pixels(name: str, size: int, colour: str, dpr: float, gap: int = 0) -> QPixmap:
    result = QPixmap(QSize(round((size + gap) * dpr), round(size * dpr)))
    result.fill(Qt.GlobalColor.transparent)
    painter = QPainter(result)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    paint(painter, name, QRectF(0, 0, size * dpr, size * dpr), colour)
    painter.end()
    result.setDevicePixelRatio(dpr)
    return result


def pixmap(name: str, size: int, colour: str, dpr: float = 1.0) -> QPixmap:
    """The icon as ``size`` device-independent pixels for a screen of density ``dpr``."""
    return _pixels(name, size, colour, dpr)


def paint(painter: QPainter, name: str, rect: QRectF, colour: str) -> None:
    """Draw the icon into ``rect``, on any paint device."""
    QSvgRenderer(QByteArray(svg(name, colour).encode())).render(painter, rect)


def icon(name: str, colour: str | None = None, size: int | None = None, gap: int = 0) -> QIcon:
    """An icon in ``colour`` (the theme's secondary text if not given), greyed when disabled.

    ``gap`` keeps so many pixels free on the right, for a text that follows.
    """
    now = theme.current()
    side = size or now.px(SIZE)
    result = QIcon()
    for dpr in (1.0, 1.5, 2.0, 3.0):
        result.addPixmap(_pixels(name, side, colour or now.palette.text_secondary, dpr, gap))
        result.addPixmap(_pixels(name, side, now.palette.disabled, dpr, gap), QIcon.Mode.Disabled)
    return result


class ButtonIcon(QObject):
    """Keeps a button's icon in the colour and size of the theme; lives as long as the button."""

    def __init__(self, button: QAbstractButton, name: str, role: str = "text_secondary") -> None:
        super().__init__(button)
        self._button = button
        self._name = name
        self._role = role
        theme.notifier().changed.connect(self.refresh)
        self.refresh()

    def show(self, name: str, role: str | None = None) -> None:
        """Show another drawing, or the same in the colour of another role of the palette."""
        self._name = name
        self._role = role or self._role
        self.refresh()

    def refresh(self) -> None:
        """Draw it again for the current theme."""
        now = theme.current()
        colour = QColor(getattr(now.palette, self._role)).name()
        gap = now.px(3) if self._button.text() else 0
        self._button.setIcon(icon(self._name, colour, gap=gap))
        self._button.setIconSize(QSize(now.px(SIZE) + gap, now.px(SIZE)))
