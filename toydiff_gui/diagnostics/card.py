"""A chart on the screen: pans, zooms, sets t, tells values, and can be saved."""

from __future__ import annotations

import html
from functools import partial

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QActionGroup,
    QEnterEvent,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QMenu, QSizePolicy, QToolTip, QWidget

from toydiff_gui.diagnostics.chart import Chart
from toydiff_gui.diagnostics.chart_layout import Frame, Window, lay_out, moved, zoomed
from toydiff_gui.diagnostics.moment import hover_lines, paint_hover, paint_moment
from toydiff_gui.diagnostics.painting import paint_card
from toydiff_gui.diagnostics.windows import Windows
from toydiff_gui.drawing.style import LaneStyle
from toydiff_gui.style import theme
from toydiff_gui.widgets import IconButton
from toydiff_gui.widgets.keys import PANS, ZOOM_STEP, RingedByKeyboard

FORMATS = (
    ("png", "PNG picture…", "Pixels, for slides and web pages"),
    ("svg", "SVG drawing…", "Shapes, for drawing programs and web pages"),
    ("pdf", "PDF page…", "Shapes, for papers"),
    ("csv", "CSV numbers…", "The numbers of the plot, a row for each point"),
)
THEMES = (
    ("", "In the window's colours"),
    ("light", "In light colours"),
    ("dark", "In dark colours"),
)


class ChartCard(RingedByKeyboard):
    """Shows a ``Chart`` at a time t.

    The plot is kept as a picture; while t moves only the line in it is drawn anew.

    Signals:
        time_asked: the user points at this t of the chart.
        save_asked: save the chart as this format ('png', 'svg', 'pdf', 'csv') in these colours
            ('dark', 'light', '' for those of the window).
    """

    time_asked = Signal(int)
    save_asked = Signal(str, str)

    def __init__(self, key: str, windows: Windows, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.key = key
        self._windows = windows
        self._chart = Chart(key, "")
        self._t = 0.0
        self._style = LaneStyle.of(theme.current())
        self._picture: QPixmap | None = None
        self._frame: Frame | None = None
        self._hovered = False
        self._pointer: QPointF | None = None
        self._drag: tuple[str, QPointF, Window] | None = None
        self._controls: list[QWidget] = []
        self.wheel_zooms = True
        """Otherwise the wheel scrolls the page, and zooms with Ctrl."""
        self.pictures_painted = 0
        self.setObjectName(f"card-{key}")
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.save_button = IconButton(
            "export", "Export", "Save this plot as a picture or as numbers", parent=self
        )
        self.menu = self._build_menu()
        self.save_button.setMenu(self.menu)
        self.save_button.setPopupMode(IconButton.ToolButtonPopupMode.InstantPopup)
        windows.changed.connect(self._renew)
        theme.notifier().changed.connect(self._restyle)

    def _build_menu(self) -> QMenu:
        menu = QMenu(self)
        menu.setAccessibleName("Export the plot")
        menu.setToolTipsVisible(True)
        for kind, label, tooltip in FORMATS:
            action = menu.addAction(label)
            action.setData(kind)
            action.setToolTip(tooltip)
            action.triggered.connect(partial(self._ask_to_save, kind))
        menu.addSeparator()
        self._themes = QActionGroup(menu)
        for name, label in THEMES:
            action = menu.addAction(label)
            action.setCheckable(True)
            action.setChecked(not name)
            action.setData(name)
            self._themes.addAction(action)
        return menu

    def add_control(self, widget: QWidget) -> None:
        """Put ``widget`` into the header, left of the button."""
        widget.setParent(self)
        self._controls.append(widget)
        QWidget.setTabOrder(self, widget)
        QWidget.setTabOrder(widget, self.save_button)
        self._place_controls()
        self._renew()

    @property
    def chart(self) -> Chart:
        """What is shown."""
        return self._chart

    @property
    def frame(self) -> Frame:
        """Where the plot lies now."""
        if self._frame is None:
            self._frame = lay_out(
                self._chart,
                QRectF(self.rect()).adjusted(0, self._style.header_height, 0, 0),
                self._style,
                self.window_shown,
            )
        return self._frame

    @property
    def window_shown(self) -> Window:
        """The part of the chart that is shown."""
        return self._windows.window(self._chart)

    def show_chart(self, chart: Chart) -> None:
        """Show ``chart``; nothing is painted again if it is the one of before."""
        if chart is self._chart:
            return
        self._chart = chart
        self.setAccessibleName(chart.title)
        figures = ", ".join(f"{name} {value}" for name, value in chart.figures)
        texts = (chart.subtitle, figures, chart.message, chart.help)
        self.setAccessibleDescription("; ".join(filter(None, texts)))
        self.save_button.setAccessibleName(f"Export {chart.title}")
        self.save_button.setEnabled(not chart.empty)
        self.save_button.setToolTip(
            "There is nothing to save yet"
            if chart.empty
            else "Save this plot as a picture or as numbers"
        )
        self._renew()

    def show_time(self, t: float) -> None:
        """Show the chart at ``t``, in its own steps."""
        if t != self._t:
            self._t = t
            if self._chart.over_time or self._chart.timed or self._chart.maps:
                self.update()

    @property
    def t(self) -> float:
        """The time that is shown."""
        return self._t

    def _ask_to_save(self, kind: str) -> None:
        self.save_asked.emit(kind, self._themes.checkedAction().data())

    def _renew(self) -> None:
        self._picture = self._frame = None
        self.update()

    def _restyle(self) -> None:
        self._style = LaneStyle.of(theme.current())
        self._place_controls()
        self.updateGeometry()
        self._renew()

    def _place_controls(self) -> None:
        right = self.width() - round(self._style.px(8))
        middle = self._style.header_height / 2
        for widget in (self.save_button, *reversed(self._controls)):
            if widget is not self.save_button:
                widget.resize(widget.sizeHint())
            right -= widget.width()
            widget.move(right, round(middle - widget.height() / 2))
            right -= round(self._style.px(4))
        self._inset = self.width() - right - round(self._style.px(4))

    def _paint_picture(self) -> QPixmap:
        ratio = self.devicePixelRatioF()
        picture = QPixmap(self.size() * ratio)
        picture.setDevicePixelRatio(ratio)
        painter = QPainter(picture)
        self._frame = paint_card(
            painter,
            QRectF(self.rect()),
            self._chart,
            self._style,
            self.window_shown,
            hovered=self._hovered,
            right_inset=self._inset,
        )
        painter.end()
        self.pictures_painted += 1
        return picture

    # Moving about

    def _zoom(self, factor: float, about: tuple[float, float] = (0.5, 0.5)) -> None:
        window = self.window_shown
        across = window.x0 + about[0] * (window.x1 - window.x0)
        up = window.y0 + about[1] * (window.y1 - window.y0)
        if self._chart.still:
            return
        self._windows.show(
            self._chart,
            zoomed(window.x0, window.x1, across, factor),
            zoomed(window.y0, window.y1, up, factor),
        )

    def _pan(self, window: Window, across: float, up: float) -> None:
        """Move ``window`` by shares of what it shows."""
        if self._chart.still:
            return
        self._windows.show(
            self._chart,
            moved(window.x0, window.x1, across * (window.x1 - window.x0)),
            moved(window.y0, window.y1, up * (window.y1 - window.y0)),
        )

    def _ask_time(self, position: QPointF) -> None:
        t = self.frame.time_of(self._chart, position)
        if t is not None:
            self.time_asked.emit(t)

    def _begins(self, position: QPointF, event: QMouseEvent) -> str:
        """What dragging from ``position`` does: set the time, pan, or nothing."""
        frame, chart = self.frame, self._chart
        if chart.empty or chart.bars:
            return ""
        if chart.maps:
            return "time" if any(spot.contains(position) for spot in frame.spots) else ""
        in_plot = frame.plot.adjusted(-4, 0, 4, 0).contains(position)
        pans = event.button() == Qt.MouseButton.MiddleButton or bool(
            event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        )
        if in_plot and chart.over_time and not pans:
            return "time"
        over_bar = frame.bar.adjusted(-6, -4, 40, 4)
        if chart.timed and frame.bar.height() > 0 and over_bar.contains(position):
            return "time"
        return "pan" if in_plot and not chart.still else ""

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to set the time, or to pan (Shift or the middle button, where both are)."""
        if event.button() not in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            event.ignore()
            return
        action = self._begins(event.position(), event)
        if action:
            self._drag = action, event.position(), self.window_shown
            if action == "time":
                self._ask_time(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag, or tell what the pointer is on."""
        position = event.position()
        if self._drag is None:
            self._point_at(position)
            return
        action, start, window = self._drag
        if action == "time":
            self._ask_time(position)
        else:
            plot = self.frame.plot
            apart = position - start
            self._pan(window, -apart.x() / plot.width(), apart.y() / plot.height())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End dragging."""
        self._drag = None

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Show all of the chart again."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._windows.reset(self._chart)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the pointer."""
        turned = event.angleDelta().y()
        plot = self.frame.plot
        control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        zooms = self.wheel_zooms or control
        if not turned or not zooms or not plot.contains(event.position()) or self._chart.still:
            event.ignore()
            return
        about = (
            (event.position().x() - plot.left()) / plot.width(),
            (plot.bottom() - event.position().y()) / plot.height(),
        )
        self._zoom(ZOOM_STEP ** (-turned / 120), about)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """+ and - zoom, Ctrl with an arrow pans, 0 shows all again."""
        key = Qt.Key(event.key())
        control = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal) and not control:
            self._zoom(1 / ZOOM_STEP)
        elif key == Qt.Key.Key_Minus and not control:
            self._zoom(ZOOM_STEP)
        elif key == Qt.Key.Key_0 and not control:
            self._windows.reset(self._chart)
        elif key in PANS and control:
            self._pan(self.window_shown, *PANS[key])
        else:
            event.ignore()

    def _point_at(self, position: QPointF | None) -> None:
        before = self._lines()
        self._pointer = position
        if before or self._lines():
            self.update()
        if position is not None:
            sets = self._chart.over_time and self.frame.plot.contains(position)
            shape = Qt.CursorShape.SplitHCursor if sets else Qt.CursorShape.ArrowCursor
            if self.cursor().shape() != shape:
                self.setCursor(shape)

    def _lines(self) -> list[str]:
        if self._pointer is None:
            return []
        return hover_lines(self._chart, self.frame, self._pointer, self._style.px(10))

    def enterEvent(self, event: QEnterEvent) -> None:
        """Lighten the border."""
        self._hovered = True
        self._renew()

    def leaveEvent(self, event: QEvent) -> None:
        """Take that back."""
        self._hovered = False
        self._point_at(None)
        self._renew()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Lay out anew."""
        super().resizeEvent(event)
        self._place_controls()
        self._renew()

    def changeEvent(self, event: QEvent) -> None:
        """Buttons may have another size after a change of type."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.FontChange):
            self._place_controls()
            self._renew()

    def event(self, event: QEvent) -> bool:
        """Explain the plot when the pointer rests on its header, where that hides nothing."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            if event.pos().y() < self._style.header_height and self._chart.help:
                QToolTip.showText(event.globalPos(), _wrapped(self._chart.help), self)
            else:
                QToolTip.hideText()
            return True
        return super().event(event)

    def minimumSizeHint(self) -> QSize:
        """Small enough for a narrow window, large enough to read."""
        return QSize(round(self._style.px(300)), round(self._style.px(236)))

    def sizeHint(self) -> QSize:
        """As in the design."""
        return QSize(round(self._style.px(420)), round(self._style.px(340)))

    def paintEvent(self, event: QPaintEvent) -> None:
        """The picture, and what moves."""
        if self._picture is None:
            self._picture = self._paint_picture()
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._picture)
        paint_moment(painter, self._chart, self.frame, self._t, self._style)
        if self._pointer is not None and self._drag is None:
            paint_hover(painter, self._chart, self.frame, self._pointer, self._style)
        painter.end()


def _wrapped(text: str) -> str:
    # Rich text is broken into lines, plain text is not.
    return f"<p>{html.escape(text)}</p>"
