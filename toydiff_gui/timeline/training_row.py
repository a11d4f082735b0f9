"""How far the training has come, as a line of dots."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from toydiff_gui.state.model import MODEL
from toydiff_gui.state.store import Store
from toydiff_gui.state.training import TRAINING
from toydiff_gui.style import theme
from toydiff_gui.timeline.scale import round_step
from toydiff_gui.timeline.track import LEFT, RIGHT

HEIGHT = 34
DOTS = 30
LABELS = 4


def grouped(value: int) -> str:
    """``value`` in groups of three digits, set off by thin spaces."""
    return f"{value:,}".replace(",", "\N{THIN SPACE}")


class TrainingRow(QWidget):
    """Display only: the steps of the training that runs, or those behind the model shown."""

    def __init__(self, state: Store, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self.setAccessibleName("Progress of the training")
        self.setToolTip(
            "How many steps the model was trained for.\n"
            "Rewinding a training comes with a later version."
        )
        state.changed(TRAINING).connect(self._refresh)
        state.changed(MODEL).connect(self._refresh)
        theme.notifier().changed.connect(self._restyle)
        self._restyle()
        self._refresh()

    def progress(self) -> tuple[int, int, str]:
        """Step, total and the word for where the training is; total 0 when there was none."""
        run = self._state.get(TRAINING)
        shown = run.active or run.status == "failed" or run.folder == self._state.get(MODEL).ref
        if run.total > 0 and shown:
            words = {"paused": "paused", "failed": "failed"}
            return min(run.step, run.total), run.total, words.get(run.status, "current")
        steps = self._state.get(MODEL).trained_steps
        return steps, steps, "current"

    def _refresh(self) -> None:
        step, total, word = self.progress()
        text = f"step {step} of {total}, {word}" if total else "not trained yet"
        self.setAccessibleDescription(text)
        self.update()

    def _restyle(self) -> None:
        self.setFixedHeight(theme.current().px(HEIGHT))
        self.update()

    def _paint_line(self, painter: QPainter, step: int, total: int, word: str) -> None:
        now = theme.current()
        palette = now.palette
        inset = now.px(5)
        left, right = now.px(LEFT) + inset, self.width() - now.px(RIGHT) - inset
        y = self.height() / 2
        painter.setFont(theme.font(10, 500, tabular=True))
        strong = theme.font(10, 600, tabular=True)
        here = left + (right - left) * step / total

        # Labels first: the line leaves room for them.
        current = f"{grouped(step)} · {word}"
        width = QFontMetricsF(strong).horizontalAdvance(current)
        gap = now.px(14)
        start = here - gap - width if here - gap - width > left + now.px(4) else here + gap
        current_at = QRectF(start, y - now.px(8), width, now.px(16))
        labels = [(current_at, current)]
        step_between = round_step(total, LABELS)
        for value in range(0, total, step_between):
            text = grouped(value) if value else "step 0"
            wide = QFontMetricsF(painter.font()).horizontalAdvance(text)
            x = left + (right - left) * value / total
            place = QRectF(x - wide / 2, y - now.px(8), wide, now.px(16))
            if value == 0:
                place.moveLeft(left + now.px(9))
            room = place.adjusted(-now.px(14), 0, now.px(14), 0)
            marker = QRectF(here - now.px(8), y - 1, now.px(16), 2)
            if not any(room.intersects(other) for other, _ in labels) and not room.intersects(
                marker
            ):
                labels.append((place, text))

        gaps = sorted((p.left() - now.px(5), p.right() + now.px(5)) for p, _ in labels)
        done, todo = QColor(palette.label), QColor(palette.control_border)
        for begin, end in _between(left - inset, right + inset, gaps):
            painter.setPen(QPen(QColor(palette.control_border), 1.5 * now.line_scale))
            painter.drawLine(QPointF(begin, y), QPointF(end, y))
        painter.setPen(Qt.PenStyle.NoPen)
        dot_step = round_step(total, DOTS)
        radius = now.px(3)
        for value in range(0, total + 1, dot_step):
            x = left + (right - left) * value / total
            if any(begin - radius < x < end + radius for begin, end in gaps):
                continue
            if abs(x - here) > now.px(9):
                painter.setBrush(done if value <= step else todo)
                painter.drawEllipse(QPointF(x, y), radius, radius)

        painter.setPen(QPen(QColor(palette.accent), 1.8 * now.line_scale))
        painter.setBrush(QColor(palette.panel))
        painter.drawEllipse(QPointF(here, y), now.px(6), now.px(6))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(palette.accent))
        painter.drawEllipse(QPointF(here, y), now.px(3), now.px(3))
        for place, text in labels:
            is_current = text is current
            painter.setFont(strong if is_current else theme.font(10, 500, tabular=True))
            painter.setPen(QColor(palette.accent if is_current else palette.label))
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, text)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the line, or say that there was no training."""
        now = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QColor(now.palette.text_secondary))
        painter.setFont(theme.font(12, 600))
        rect = QRectF(self.rect())
        align = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(rect.adjusted(now.px(16), 0, 0, 0), align, "Training")
        step, total, word = self.progress()
        if total:
            self._paint_line(painter, step, total, word)
        else:
            painter.setPen(QColor(now.palette.label))
            painter.setFont(theme.font(11, 400))
            painter.drawText(rect.adjusted(now.px(LEFT), 0, 0, 0), align, "not trained yet")
        painter.end()


def _between(
    left: float, right: float, gaps: list[tuple[float, float]]
) -> list[tuple[float, float]]:
    """What remains of [left, right] without the sorted ``gaps``."""
    pieces = []
    for begin, end in gaps:
        if begin > left:
            pieces.append((left, min(begin, right)))
        left = max(left, end)
    if left < right:
        pieces.append((left, right))
    return pieces
