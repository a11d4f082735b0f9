"""The bar at the top: which model, which mode, and what applies to the whole window."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PySide6.QtCore import QPointF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QFontMetrics,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QPushButton,
    QStyle,
    QStyleOptionButton,
    QWidget,
)

from toydiff_gui.app.menus import ActionMenu
from toydiff_gui.state import wording
from toydiff_gui.state.actions import Row, actions
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.store import Store
from toydiff_gui.state.view import VIEW
from toydiff_gui.style import theme
from toydiff_gui.style.icons import ButtonIcon
from toydiff_gui.widgets import LATER, IconButton, Segment, SegmentedControl, Text

HEIGHT = 48
MENUS = ("Models", "Tasks", "View", "Export")
# The V of the name, from A's amber to B's blue: (x, y) in a box of 24, and where on the path.
LOGO = (
    (2.5, 3.5, 0.0),
    (5.0, 9.5, 0.18),
    (8.2, 15.0, 0.34),
    (12.0, 20.0, 0.5),
    (15.8, 15.0, 0.66),
    (19.0, 9.5, 0.82),
    (21.5, 3.5, 1.0),
)


class Logo(QWidget):
    """A V of dots, coloured along the path."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("ToyDiff")
        theme.notifier().changed.connect(self._resize)
        self._resize()

    def _resize(self) -> None:
        self.setFixedSize(theme.current().px(24), theme.current().px(24))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the dots."""
        colours = theme.path_colours(101, theme.current().palette)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.scale(self.width() / 24, self.height() / 24)
        for x, y, along in LOGO:
            red, green, blue = colours[round(100 * along)].tolist()
            painter.setBrush(theme.with_alpha(f"#{red:02x}{green:02x}{blue:02x}", 1.0))
            painter.drawEllipse(QPointF(x, y), 2.1, 2.1)


class ModelButton(QPushButton):
    """The chooser: its text begins at the left and leaves room for the arrow.

    A style sheet moves a button's text to the left, but ignores the padding there.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("variant", "chooser")

    def set_line(self, line: str) -> None:
        """Show ``line`` and be as wide as it needs."""
        self.setText(line)
        wide = QFontMetrics(self.font()).horizontalAdvance(line)
        self.setFixedWidth(wide + theme.current().px(44))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Let the style draw all but the text."""
        now = theme.current()
        option = QStyleOptionButton()
        self.initStyleOption(option)
        option.text = ""
        painter = QPainter(self)
        self.style().drawControl(QStyle.ControlElement.CE_PushButton, option, painter, self)
        painter.setFont(self.font())
        painter.setPen(theme.with_alpha(now.palette.text, 1.0))
        rect = self.rect().adjusted(now.px(10), 0, -now.px(26), 0)
        left = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.drawText(rect, left, self.text())


class Toolbar(QFrame):
    """What it offers are actions of the table; only the choice of a mode is a signal.

    Signals:
        mode_chosen: (key) show models of this mode.
    """

    mode_chosen = Signal(str)

    def __init__(
        self,
        state: Store,
        rows: Iterable[Row],
        modes: Sequence[Segment] = (),
        parent: QWidget | None = None,
    ) -> None:
        """``modes``: the segments of the switch between modes, by their keys."""
        super().__init__(parent)
        self._state, self._modes = state, tuple(modes)
        self._mode = self._modes[0].key if self._modes else ""
        rows = tuple(rows)
        self._actions = {action.id: action for action in actions(rows)}
        self._menus = {name: ActionMenu(name, rows, self) for name in MENUS}
        self.setProperty("surface", "bar")
        self._texts: dict[QPushButton, str] = {}
        self._glyphs: dict[QPushButton, ButtonIcon] = {}
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(12, 0, 12, 0)
        self._row.setSpacing(6)
        # The texts of now must not keep the window from becoming narrower.
        self._row.setSizeConstraint(QHBoxLayout.SizeConstraint.SetNoConstraint)
        self._build_left()
        self._row.addStretch(1)
        self._build_modes()
        self._row.addStretch(1)
        self._build_right()
        state.changed(MODEL).connect(self._show)
        state.changed(VIEW).connect(self._show)
        state.changed(ENGINE).connect(self._show_engine)
        state.message_posted.connect(self._show)  # a mode that was chosen may not have come about
        theme.notifier().changed.connect(self._resize)
        self._resize()
        self._show()
        self._show_engine()

    def set_models(self, rows: Iterable[Row]) -> None:
        """Offer models."""
        self._menus["Models"].offer(rows)
        self._show()

    def set_tasks(self, rows: Iterable[Row]) -> None:
        """Offer tasks."""
        self._menus["Tasks"].offer(rows)
        self._show_engine()

    def entry(self, id_: str) -> QAction | None:
        """The entry of a menu that stands for the action with this id."""
        found = (menu.entry(id_) for menu in self._menus.values())
        return next((entry for entry in found if entry is not None), None)

    # Building

    def _build_left(self) -> None:
        self._row.addWidget(Logo())
        self._name = Text("ToyDiff", size=14, weight=700)
        self._row.addWidget(self._name)
        self._row.addSpacing(6)
        self.model_button = ModelButton()
        self.model_button.setToolTip("Choose the model that the lanes sample from")
        self.model_button.setMenu(self._menus["Models"])
        self._row.addWidget(self.model_button)

    def _build_modes(self) -> None:
        self.mode = SegmentedControl(
            "Mode",
            (
                *self._modes,
                Segment("subspace", "Subspace", LATER, enabled=False),
            ),
        )
        if self._mode:
            self.mode.set_current(self._mode)  # at once: a weight set after polishing is lost
        self.mode.chosen.connect(self.mode_chosen)
        pages = {"explore": "explore", "diagnostics": "chart"}
        shown = {page: self._actions[f"page.{page}"] for page in pages}
        self.page = SegmentedControl(
            "Page",
            [Segment(page, a.title, a.tip, icon=pages[page]) for page, a in shown.items()],
        )
        self.page.set_current(self._state.get(VIEW).page)
        self.page.chosen.connect(lambda page: shown[page].ask())
        self._row.addWidget(self.mode)
        self._row.addSpacing(4)
        self._row.addWidget(self.page)

    def _build_right(self) -> None:
        self.undo_button = IconButton("undo", "Undo", LATER, side=30)
        self.redo_button = IconButton("redo", "Redo", LATER, side=30)
        for button in (self.undo_button, self.redo_button):
            button.setEnabled(False)
            self._row.addWidget(button)
        self.tasks_button = self._button("Tasks", "tasks", "")
        self.tasks_button.setMenu(self._menus["Tasks"])
        opening, helping = self._actions["model.open"], self._actions["help.show"]
        self.open_button = self._button(opening.title, "open", opening.tip)
        self.open_button.clicked.connect(opening.ask)
        self.save_button = self._button("Save session", "save", LATER)
        self.save_button.setEnabled(False)
        self.view_button = self._button("View", "eye", "Theme, presentation view and panels")
        self.view_button.setMenu(self._menus["View"])
        self.help_button = IconButton("help", helping.title, helping.tip, side=30)
        self.help_button.clicked.connect(helping.ask)
        self._row.addWidget(self.help_button)
        self._row.addSpacing(2)
        self.export_button = self._button(
            "Export", "export", "Save or copy what the plots show", plain=False
        )
        self.export_button.setMenu(self._menus["Export"])

    def _button(self, text: str, icon: str, tooltip: str, plain: bool = True) -> QPushButton:
        button = QPushButton(text)
        button.setAccessibleName(text)
        button.setToolTip(tooltip)
        if plain:
            button.setProperty("variant", "plain")
        self._texts[button] = text
        self._glyphs[button] = ButtonIcon(button, icon)
        self._row.addWidget(button)
        return button

    # Showing

    def set_mode(self, key: str) -> None:
        """Say which mode is on show; until then a click on another shows nothing."""
        self._mode = key
        self.mode.set_current(key)

    def _show(self) -> None:
        self.page.set_current(self._state.get(VIEW).page)
        self.mode.set_current(self._mode)
        line = wording.model_line(self._state.get(MODEL))
        self.model_button.setAccessibleName(f"Model: {line}")
        self._show_engine()
        self._fit()

    def _show_engine(self) -> None:
        """Grey what the engine has to answer until it can."""
        engine = self._state.get(ENGINE)
        reason = {
            "ready": "",
            "starting": wording.starting(engine),
            "dead": "The engine has ended; the View menu can restart it",
        }[engine.status]
        line = wording.model_line(self._state.get(MODEL))
        tasks = "Set up one of the exercise's tasks"
        if self._menus["Tasks"].isEmpty():
            tasks = "There are no tasks here"
        for button, tip in (
            (self.model_button, f"{line}\nChoose the model that the lanes sample from"),
            (self.tasks_button, tasks),
            (self.open_button, self._actions["model.open"].tip),
        ):
            button.setEnabled(not reason)
            button.setToolTip(reason or tip)
        for segment in self._modes:
            self.mode.set_segment(segment.key, not reason, reason or segment.tooltip)
        if self._menus["Tasks"].isEmpty():
            self.tasks_button.setEnabled(False)
        for menu in self._menus.values():
            menu.refresh()

    def _resize(self) -> None:
        now = theme.current()
        self.setFixedHeight(now.px(HEIGHT))
        self.model_button.setFont(theme.font(12, 600, tabular=True))
        self._fit()

    def _fit(self) -> None:
        """Show as much text as there is room for; never a part of a word.

        What goes first is what the icon says anyway, and last what cannot be used yet; the model
        keeps its name to the end.
        """
        parts = wording.model_parts(self._state.get(MODEL))
        words = {self.save_button, self.tasks_button, self.open_button, self.view_button}
        none: set[QPushButton] = set()
        plans = (
            (len(parts), words, True, True, True),
            (len(parts), words - {self.save_button}, True, True, True),
            (len(parts), {self.tasks_button}, True, True, True),
            (len(parts), none, True, True, True),
            (3, none, True, True, True),
            (3, none, False, True, True),
            (2, none, False, True, True),
            (2, none, False, False, True),
            (1, none, False, False, True),
            (1, none, False, False, False),
        )
        for shown, with_text, page_labels, name, later in plans:
            self._apply(wording.DOT.join(parts[:shown]), with_text, page_labels, name, later)
            if self._row.minimumSize().width() <= self.width():
                return

    def _apply(
        self, model: str, with_text: set[QPushButton], page_labels: bool, name: bool, later: bool
    ) -> None:
        self.model_button.set_line(model)
        for button, text in self._texts.items():
            shown = text if button in with_text or button is self.export_button else ""
            if button.text() != shown:
                button.setText(shown)
                self._glyphs[button].refresh()
        self.page.set_labels_shown(page_labels)
        self._name.setVisible(name)
        for unusable in (self.undo_button, self.redo_button, self.save_button):
            unusable.setVisible(later)
        self._row.invalidate()

    def minimumSizeHint(self) -> QSize:
        """Any width: what does not fit goes without its text."""
        return QSize(theme.current().px(600), theme.current().px(HEIGHT))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fit the texts to the width."""
        super().resizeEvent(event)
        self._fit()

    def showEvent(self, event: QShowEvent) -> None:
        """Only now do the buttons know the style sheet's sizes."""
        super().showEvent(event)
        self._fit()
