"""The one range of the plane that all lanes show."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from toydiff_gui.drawing.view import ViewRange

LEAST, MOST = 0.02, 200.0
"""Sides that the shown range may have, in standardised units."""


class SharedView(QObject):
    """Holds the range; lanes widen it to their own shape.

    Signals:
        changed: all lanes show another range now.
    """

    changed = Signal()

    def __init__(self, default: ViewRange, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._default = default
        self._range = default

    @property
    def range(self) -> ViewRange:
        """What every lane shows at least."""
        return self._range

    @property
    def is_default(self) -> bool:
        """Whether nobody has moved it."""
        return self._range == self._default

    def set_default(self, default: ViewRange) -> None:
        """Another range to return to; a view that nobody has moved goes there now."""
        untouched = self.is_default
        self._default = default
        if untouched:
            self._set(default)

    def reset(self) -> None:
        """Return to the default."""
        self._set(self._default)

    def follow(self, before: ViewRange, after: ViewRange) -> None:
        """Move as a lane has moved that showed ``before`` and shows ``after``.

        The range keeps its own shape, or it would grow with every lane of another shape.
        """
        factor = (after.x1 - after.x0) / (before.x1 - before.x0)
        half_x = factor * (self._range.x1 - self._range.x0) / 2
        half_y = factor * (self._range.y1 - self._range.y0) / 2
        x, y = (after.x0 + after.x1) / 2, (after.y0 + after.y1) / 2
        self._set(ViewRange(x - half_x, x + half_x, y - half_y, y + half_y))

    def zoom(self, factor: float) -> None:
        """Show ``factor`` times as much about the middle."""
        now = self._range
        side = max(now.x1 - now.x0, now.y1 - now.y0)
        factor = min(max(factor, LEAST / side), MOST / side)
        x, y = (now.x0 + now.x1) / 2, (now.y0 + now.y1) / 2
        half_x, half_y = factor * (now.x1 - now.x0) / 2, factor * (now.y1 - now.y0) / 2
        self._set(ViewRange(x - half_x, x + half_x, y - half_y, y + half_y))

    def pan(self, share_x: float, share_y: float) -> None:
        """Move by shares of what is shown."""
        now = self._range
        x, y = share_x * (now.x1 - now.x0), share_y * (now.y1 - now.y0)
        self._set(ViewRange(now.x0 + x, now.x1 + x, now.y0 + y, now.y1 + y))

    def _set(self, view: ViewRange) -> None:
        if view != self._range:
            self._range = view
            self.changed.emit()
