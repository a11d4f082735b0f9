"""The table of paths between the present endpoints."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QHBoxLayout, QWidget

from engine.shared import catalogue
from toydiff_gui.modes.points.panels.verdict import best_cells, cells, torn, verdict
from toydiff_gui.modes.points.settings import COMPARISON, SAMPLING, Comparison, PathFigures
from toydiff_gui.panels.dock import Section
from toydiff_gui.state import wording
from toydiff_gui.state.store import Store
from toydiff_gui.style import icons, theme
from toydiff_gui.style.numbers import grouped
from toydiff_gui.widgets import SectionHeader, Text

COLUMNS = (
    ("off-data %", 36, "The share of the path's points that end off the data, in per cent."),
    ("gap", 44, "The largest distance between neighbours where they end: a tear stands out."),
    ("length", 42, "The summed distance between neighbours where they end."),
)
"""Title, width in design pixels, explanation."""
NOT_YET = "not computed yet"
PADDING = 8
ROW = 26


def column_rects(width: int) -> list[QRectF]:
    """Where the columns of a row of this width lie."""
    now = theme.current()
    right = float(width - now.px(PADDING))
    rects = []
    for _, wide, _ in reversed(COLUMNS):
        rects.append(QRectF(right - now.px(wide), 0, now.px(wide), now.px(ROW)))
        right -= now.px(wide)
    return rects[::-1]


class ColumnTitles(QWidget):
    """What the columns show."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setToolTip("\n".join(f"{title}: {tip}" for title, _, tip in COLUMNS))
        theme.notifier().changed.connect(self._resize)
        self._resize()

    def _resize(self) -> None:
        self.setFixedHeight(theme.current().px(17))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the titles over their columns, and a line below."""
        palette = theme.current().palette
        painter = QPainter(self)
        painter.setFont(theme.font(11, 500))
        painter.setPen(QColor(palette.label))
        for (title, _, _), rect in zip(COLUMNS, column_rects(self.width()), strict=True):
            room = QRectF(rect.left() - 40, 0, rect.width() + 40, self.height() - 2)
            right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(room, right, title)
        edge = theme.current().px(PADDING)
        painter.fillRect(
            QRectF(edge, self.height() - 1, self.width() - 2 * edge, 1), QColor(palette.divider)
        )


class PathRow(QAbstractButton):
    """A kind of path with its figures; checked if it is the present one."""

    def __init__(self, kind: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.kind = kind
        self.setText(wording.PATHS[kind])
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self._cells: tuple[str, ...] = cells(None)
        self._best: frozenset[int] = frozenset()
        theme.notifier().changed.connect(self._resize)
        self._resize()

    @property
    def cells(self) -> tuple[str, ...]:
        """The figures as they are written."""
        return self._cells

    @property
    def best(self) -> frozenset[int]:
        """The columns in which no path without a tear is better."""
        return self._best

    def show_figures(
        self, path: PathFigures | None, best: frozenset[int], missing: str = NOT_YET
    ) -> None:
        """Show figures, or dashes and why they are ``missing``; ``best`` columns stand out."""
        self._cells, self._best = cells(path), best
        if path is None:
            told = missing
        else:
            share, gap, length = self._cells
            tear = ", torn" if torn(path) else ""
            told = f"{share} % off the data, largest gap {gap}, length {length}{tear}"
        self.setAccessibleName(f"{self.text()}: {told}")
        ratio = "" if path is None else f"largest gap {path.gap_ratio:.1f} times the median gap"
        more = ratio or missing
        sentence = f"{more[:1].upper()}{more[1:]}."
        self.setToolTip(f"{catalogue.path(self.kind).tip}\n{sentence}\nClick to follow this path.")
        self.update()

    def _resize(self) -> None:
        self.setFixedHeight(theme.current().px(ROW))

    def sizeHint(self) -> QSize:
        """The width is up to the dock."""
        return self.minimumSizeHint()

    def minimumSizeHint(self) -> QSize:
        """Room for the name and the figures."""
        now = theme.current()
        name = QFontMetrics(theme.font(12, 600)).horizontalAdvance(self.text())
        wide = sum(width for _, width, _ in COLUMNS)
        return QSize(name + now.px(wide + 2 * PADDING + 22), now.px(ROW))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter chooses, as Space does."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the ground, the path's shape, its name and figures."""
        now = theme.current()
        palette = now.palette
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        enabled, chosen = self.isEnabled(), self.isChecked()
        ground = palette.selected if chosen else palette.field
        if chosen or (enabled and self.underMouse()):
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(ground))
            painter.drawRoundedRect(QRectF(self.rect()), now.px(6), now.px(6))
        ink = palette.text if chosen else palette.text_secondary
        shape = palette.accent if chosen else palette.label
        if not enabled:
            ink = shape = palette.disabled
        side = now.px(16)
        edge, dpr = now.px(PADDING), self.devicePixelRatioF()
        glyph = icons.pixmap(f"path-{self.kind}", side, shape, dpr)
        painter.drawPixmap(edge, (self.height() - side) // 2, glyph)
        painter.setFont(theme.font(12, 600 if chosen else 500))
        painter.setPen(QColor(ink))
        left = edge + side + now.px(6)
        middle = Qt.AlignmentFlag.AlignVCenter
        room = QRectF(left, 0, self.width() - left, self.height())
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | middle, self.text())
        rects = column_rects(self.width())
        for column, (text, rect) in enumerate(zip(self._cells, rects, strict=True)):
            best = column in self._best and enabled
            painter.setFont(theme.font(12, 600 if best else 500, tabular=True))
            painter.setPen(QColor(palette.accent if best else ink))
            painter.drawText(rect, Qt.AlignmentFlag.AlignRight | middle, text)


class ComparisonSection(Section):
    """What each kind of path does to the present endpoints, and which is the best."""

    def __init__(self, state: Store, parent: QWidget | None = None) -> None:
        super().__init__(state, parent)
        self.header = SectionHeader("Compare paths", caption_ink="label")
        self.column.addWidget(self.header)
        self.wide.addWidget(ColumnTitles())
        self._group = QButtonGroup(self)
        self.rows: dict[str, PathRow] = {}
        self.wide.setSpacing(0)
        for kind in wording.PATHS:
            row = PathRow(kind)
            row.clicked.connect(self._choose)
            self._group.addButton(row)
            self.wide.addWidget(row)
            self.rows[kind] = row
        self._group.buttonToggled.connect(self._toggled)
        line = QHBoxLayout()
        line.setSpacing(6)
        self.dot = Text("●", size=11, ink="accent")
        self.verdict = Text("", size=11, ink="text_secondary")
        self.verdict.setWordWrap(True)
        line.addWidget(self.dot)
        line.addWidget(self.verdict, 1)
        self.column = self.padded()
        self.column.setContentsMargins(PADDING, 4, PADDING, 0)
        self.column.addLayout(line)
        state.changed(COMPARISON).connect(self._show)
        state.changed(SAMPLING).connect(self._show)
        self._show()

    def _show(self) -> None:
        comparison, sampling = self._state.get(COMPARISON), self._state.get(SAMPLING)
        best = best_cells(comparison.figures)
        for kind, row in self.rows.items():
            columns = frozenset(column for path, column in best if path == kind)
            undrawn = kind == "drawn" and not sampling.through
            missing = "no way-points yet" if undrawn else NOT_YET
            row.show_figures(comparison.figures.get(kind), columns, missing)
        along = sampling.mode == "interpolation"
        chosen = self.rows[sampling.path]
        self._group.blockSignals(True)
        chosen.setChecked(True)
        self._group.blockSignals(False)
        self.setEnabled(along)
        reason = "" if along else "Choose 'Interpolation' in 'Sample' to compare paths"
        self.setToolTip(reason)
        steps = [f"{grouped(comparison.steps)} steps"] if comparison.steps else []
        self.header.set_caption(wording.DOT.join(["DDIM", *steps, "t = 0"]))
        self._show_verdict(comparison)

    def _show_verdict(self, comparison: Comparison) -> None:
        complete = comparison.status == "done"
        text, good = verdict(comparison.figures, complete)
        self.dot.setVisible(good)
        self.verdict.set_ink("error" if comparison.status == "failed" else "text_secondary")
        self.verdict.setToolTip(
            "Figures in the accent colour are the best among the paths without a tear."
            if good
            else "Where the data lie in separate parts, a path from one to another must jump or "
            "leave them."
        )
        if comparison.status == "failed":
            text = comparison.message or "The paths could not be compared."
        elif not complete and not text:
            text = "comparing…" if comparison.status == "running" else "nothing compared yet"
        self.verdict.setText(text)

    def _choose(self) -> None:
        row = self.sender()
        if isinstance(row, PathRow):
            self._state.update(SAMPLING, path=row.kind)

    def _toggled(self, row: QAbstractButton, checked: bool) -> None:
        # The arrow keys check the next row without a click.
        if checked and isinstance(row, PathRow):
            self._state.update(SAMPLING, path=row.kind)
