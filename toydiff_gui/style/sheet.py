"""What Qt's own widgets look like in a theme: palette, font and style sheet.

Its sizes are written as design pixels, ``p12`` for 12, and scaled with the theme.
"""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from string import Template

from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

from toydiff_gui.style import icons
from toydiff_gui.style.focus_ring import FocusRing
from toydiff_gui.style.theme import Palette, Theme, current, font, load_fonts, notifier


def apply(app: QApplication, theme: Theme) -> None:
    """Give the application the theme: style, palette, font, style sheet; then tell the views."""
    load_fonts()
    changed = theme != current()
    notifier().theme = theme
    FocusRing.install(app)
    if app.style().name() != "fusion" and not app.styleSheet():
        app.setStyle("Fusion")
    app.setPalette(qt_palette(theme.palette))
    app.setFont(font(12, 500, tabular=True))
    app.setStyleSheet(stylesheet(theme))
    if changed:
        notifier().changed.emit()


def qt_palette(palette: Palette) -> QPalette:
    """The colours for what the style sheet does not reach, such as links and placeholders."""
    result = QPalette()
    roles = {
        QPalette.ColorRole.Window: palette.panel,
        QPalette.ColorRole.WindowText: palette.text,
        QPalette.ColorRole.Base: palette.field,
        QPalette.ColorRole.AlternateBase: palette.panel,
        QPalette.ColorRole.Text: palette.text,
        QPalette.ColorRole.Button: palette.panel,
        QPalette.ColorRole.ButtonText: palette.text,
        QPalette.ColorRole.BrightText: palette.text,
        QPalette.ColorRole.Highlight: palette.accent,
        QPalette.ColorRole.HighlightedText: palette.on_accent,
        QPalette.ColorRole.Link: palette.accent,
        QPalette.ColorRole.LinkVisited: palette.accent,
        QPalette.ColorRole.PlaceholderText: palette.label,
        QPalette.ColorRole.ToolTipBase: palette.hover,
        QPalette.ColorRole.ToolTipText: palette.text,
        QPalette.ColorRole.Mid: palette.control_border,
        QPalette.ColorRole.Accent: palette.accent,
    }
    for role, colour in roles.items():
        result.setColor(role, QColor(colour))
    for role in (
        QPalette.ColorRole.WindowText,
        QPalette.ColorRole.Text,
        QPalette.ColorRole.ButtonText,
    ):
        result.setColor(QPalette.ColorGroup.Disabled, role, QColor(palette.disabled))
    return result


@cache
def _glyph_folder() -> tempfile.TemporaryDirectory[str]:
    # A style sheet takes pictures from files only; the folder goes away with the process.
    return tempfile.TemporaryDirectory(prefix="toydiff-", ignore_cleanup_errors=True)


def _glyph(name: str, colour: str) -> str:
    """A file with the icon ``name`` in ``colour``, as a style sheet's url."""
    path = Path(_glyph_folder().name) / f"{name}-{colour.removeprefix('#')}.svg"
    if not path.exists():
        path.write_text(icons.svg(name, colour), encoding="utf-8")
    return path.as_posix()


def stylesheet(theme: Theme) -> str:
    """Qt's style sheet for ``theme``.

    A view picks a variant with a dynamic property: ``variant`` 'filled' or 'plain' on
    buttons, ``rank`` 'main' for high ones, ``surface`` 'panel', 'window', 'canvas' or 'card' on
    frames.
    """
    palette = theme.palette
    sizes = {f"p{n}": f"{theme.px(n)}px" for n in range(1, 49)}
    colours = {name: value for name, value in vars(palette).items() if isinstance(value, str)}
    glyphs = {
        "check": _glyph("check", palette.on_accent),
        "check_off": _glyph("check", palette.disabled),
        "up": _glyph("chevron-up", palette.label),
        "up_hover": _glyph("chevron-up", palette.text),
        "up_off": _glyph("chevron-up", palette.divider),
        "down": _glyph("chevron-down", palette.label),
        "down_hover": _glyph("chevron-down", palette.text),
        "down_off": _glyph("chevron-down", palette.disabled),
        "spin_down_off": _glyph("chevron-down", palette.divider),
        "right": _glyph("chevron-right", palette.label),
        "menu_check": _glyph("check", palette.accent),
    }
    return Template(_SHEET).substitute(sizes, **colours, **glyphs)


_SHEET = """
QWidget { color: $text; outline: none; }
QMainWindow, QDialog { background: $panel; }
QFrame[surface="panel"], QWidget[surface="panel"] { background: $panel; border: none; }
QFrame[surface="dock-left"] { background: $panel; border: none;
    border-right: 1px solid $divider; }
QFrame[surface="dock-right"] { background: $panel; border: none;
    border-left: 1px solid $divider; }
QFrame[surface="row"] { background: transparent; border: none; border-radius: ${p6}; }
QFrame[surface="row"]:hover { background: $field; }
QFrame[surface="row"][selected="true"] { background: $selected; }
QLabel[surface="badge"][lit="true"] { border: 1px solid $control_border; border-radius: ${p4};
    color: $text_secondary; }
QLabel[surface="badge"][selected="true"] { border-color: $control_edge; color: $text; }
QFrame[surface="bar"] { background: $panel; border: none; border-bottom: 1px solid $divider; }
QFrame[surface="window"], QWidget[surface="window"] { background: $window; border: none; }
QFrame[surface="canvas"], QWidget[surface="canvas"] { background: $canvas; border: none; }
QFrame[surface="card"] { background: $canvas; border: 1px solid $control_border;
    border-radius: ${p8}; }
QFrame[surface="message"] { background: $selected; border: 1px solid $control_edge;
    border-radius: ${p8}; }
QFrame[surface="message"][error="true"] { border-color: $error; }
QFrame[surface="popover"] { background: $panel; border: 1px solid $control_edge;
    border-radius: ${p8}; }
QFrame[surface="divider"] { background: $divider; border: none; }
QLabel { background: transparent; border: none; }
QLabel[ink="text_secondary"] { color: $text_secondary; }
QLabel[ink="label"] { color: $label; }
QLabel[ink="accent"] { color: $accent; }
QLabel[ink="error"] { color: $error; }
QLabel:disabled, QLabel[ink]:disabled { color: $disabled; }

QPushButton, QToolButton { background: transparent; color: $text;
    border: 1px solid $control_border; border-radius: ${p6};
    padding: 0 ${p12}; }
QPushButton { min-height: ${p26}; }
QPushButton:hover, QToolButton:hover { border-color: $control_edge; }
QPushButton:pressed, QToolButton:pressed { background: $hover; }
QPushButton:checked, QToolButton:checked { background: $accent_tint; border-color: $accent_tint; }
QPushButton:checked:hover, QToolButton:checked:hover { border-color: $accent; }
QPushButton:disabled, QToolButton:disabled { color: $disabled; border-color: $divider;
    background: transparent; }
QPushButton[variant="chooser"] { background: $selected; border-color: transparent;
    padding: 0 ${p28} 0 ${p10}; min-height: ${p30}; text-align: left; }
QPushButton[variant="chooser"][compact="true"] { min-height: ${p24}; padding-left: ${p4}; }
QPushButton[variant="chooser"]:hover { border-color: $control_edge; }
QPushButton[rank="main"] { min-height: ${p34}; }
QPushButton[variant="filled"] { background: $accent; color: $on_accent; border-color: $accent; }
QPushButton[variant="filled"]:hover { background: $accent_hover; border-color: $accent_hover; }
QPushButton[variant="filled"]:disabled { background: transparent; color: $disabled;
    border-color: $divider; }
QPushButton[variant="plain"], QToolButton[variant="plain"] { border-color: transparent;
    padding: 0 ${p6}; }
QPushButton[variant="plain"]:hover, QToolButton[variant="plain"]:hover { background: $hover; }
QPushButton[variant="plain"]:disabled, QToolButton[variant="plain"]:disabled {
    border-color: transparent; }
QFrame[surface="segments"] { background: $field; border: 1px solid $control_border;
    border-radius: ${p7}; }
QPushButton[variant="segment"] { border: 1px solid transparent; border-radius: ${p5};
    color: $text_secondary; padding: 0 ${p10}; min-height: ${p24}; }
QPushButton[variant="segment"][compact="true"] { padding: 0 ${p7}; min-height: ${p18}; }
QPushButton[variant="segment"]:hover { color: $text; border-color: $control_border; }
QPushButton[variant="segment"]:checked { background: $selected; color: $text;
    border-color: $control_border; }
QPushButton[variant="segment"]:disabled { color: $disabled; border-color: transparent; }
QPushButton[variant="toggle"] { text-align: left; color: $text_secondary; padding: 0 ${p6};
    min-height: ${p24}; }
QPushButton[variant="toggle"]:checked { color: $text; }
QPushButton[variant="toggle"]:disabled { color: $disabled; }
QToolButton[variant="icon"] { border-color: transparent; padding: 0; }
QFileDialog QToolButton { padding: ${p3}; }
QToolButton[variant="icon"]:hover { background: $hover; }
QToolButton[variant="icon"]:disabled { background: transparent; }
QToolButton::menu-indicator, QPushButton::menu-indicator { image: none; width: 0; }
QPushButton[variant="chooser"]::menu-indicator { image: url("$down"); width: ${p12};
    height: ${p12}; subcontrol-origin: padding; subcontrol-position: right center;
    right: ${p8}; }

QLineEdit, QAbstractSpinBox, QComboBox, QPlainTextEdit, QTextEdit {
    background: $field; color: $text; border: 1px solid $field_border; border-radius: ${p5};
    selection-background-color: $accent; selection-color: $on_accent; }
QLineEdit, QComboBox { padding: 0 ${p8}; min-height: ${p26}; }
QLineEdit:hover, QAbstractSpinBox:hover, QComboBox:hover {
    border-color: $control_edge; }
QLineEdit:disabled, QAbstractSpinBox:disabled, QComboBox:disabled,
QPlainTextEdit:disabled, QTextEdit:disabled { color: $disabled; background: transparent;
    border-color: $divider; }
QAbstractSpinBox { padding: 0 ${p18} 0 0; }
QSpinBox, QDoubleSpinBox { min-height: ${p24}; }
QAbstractSpinBox[dice="true"] { padding-right: ${p24}; }
QAbstractSpinBox[dice="true"]::up-button, QAbstractSpinBox[dice="true"]::down-button {
    width: 0; border: none; }
QAbstractSpinBox[dice="true"]::up-arrow, QAbstractSpinBox[dice="true"]::down-arrow {
    image: none; width: 0; height: 0; }
QAbstractSpinBox QLineEdit { min-height: 0; }
QSpinBox QLineEdit, QDoubleSpinBox QLineEdit { padding-left: ${p6}; }
QAbstractSpinBox::up-button { subcontrol-origin: border;
    subcontrol-position: top right; width: ${p18}; height: ${p13}; border: none;
    margin: 1px 1px 0 0; background: transparent; }
QAbstractSpinBox::down-button { subcontrol-origin: border;
    subcontrol-position: bottom right; width: ${p18}; height: ${p13}; border: none;
    margin: 0 1px 1px 0; background: transparent; }
QAbstractSpinBox::up-arrow { image: url("$up"); width: ${p10};
    height: ${p10}; }
QAbstractSpinBox::down-arrow { image: url("$down"); width: ${p10};
    height: ${p10}; }
QAbstractSpinBox::up-arrow:hover { image: url("$up_hover"); }
QAbstractSpinBox::down-arrow:hover { image: url("$down_hover"); }
QAbstractSpinBox::up-arrow:disabled, QAbstractSpinBox::up-arrow:off { image: url("$up_off"); }
QAbstractSpinBox::down-arrow:disabled, QAbstractSpinBox::down-arrow:off {
    image: url("$spin_down_off"); }
QComboBox::drop-down { border: none; width: ${p20}; background: transparent; }
QComboBox::down-arrow { image: url("$down"); width: ${p12}; height: ${p12}; }
QComboBox::down-arrow:disabled { image: url("$down_off"); }
QComboBox QAbstractItemView { background: $panel; border: 1px solid $control_border;
    selection-background-color: $hover; selection-color: $text; padding: ${p4}; }
QComboBox QAbstractItemView::item { min-height: ${p26}; padding: 0 ${p6}; }

QCheckBox, QRadioButton { background: transparent; spacing: ${p8}; min-height: ${p22}; }
QCheckBox:disabled, QRadioButton:disabled { color: $disabled; }
QCheckBox::indicator, QRadioButton::indicator { width: ${p14}; height: ${p14};
    border: 1px solid $control_edge; border-radius: ${p4}; background: $field; }
QRadioButton::indicator { border-radius: ${p8}; }
QCheckBox::indicator:hover, QRadioButton::indicator:hover { border-color: $text_secondary; }
QCheckBox::indicator:checked, QCheckBox::indicator:indeterminate { background: $accent;
    border-color: $accent; image: url("$check"); }
QRadioButton::indicator:checked { background: qradialgradient(cx: 0.5, cy: 0.5, radius: 0.5,
    fx: 0.5, fy: 0.5, stop: 0 $accent, stop: 0.5 $accent, stop: 0.6 $field, stop: 1 $field);
    border-color: $accent; }
QCheckBox::indicator:disabled, QRadioButton::indicator:disabled { border-color: $control_border;
    background: transparent; }
QCheckBox::indicator:checked:disabled { image: url("$check_off"); }

QSlider { background: transparent; min-height: ${p20}; }
QSlider::groove:horizontal { height: ${p4}; border-radius: ${p2}; background: $control_border; }
QSlider::sub-page:horizontal { height: ${p4}; border-radius: ${p2}; background: $accent; }
QSlider::sub-page:horizontal:disabled { background: $divider; }
QSlider::groove:horizontal:disabled { background: $divider; }
QSlider::handle:horizontal { width: ${p14}; height: ${p14}; margin: -${p5} 0;
    border-radius: ${p7}; background: $text; }
QSlider::handle:horizontal:disabled { background: $disabled; }

QProgressBar { background: $divider; border: none; border-radius: ${p3}; min-height: ${p6};
    max-height: ${p6}; color: transparent; }
QProgressBar::chunk { background: $accent; border-radius: ${p3}; }

QScrollArea { background: transparent; border: none; }
QAbstractScrollArea::corner { background: transparent; border: none; }
QScrollBar:vertical { background: transparent; width: ${p10}; margin: 0; border: none; }
QScrollBar:horizontal { background: transparent; height: ${p10}; margin: 0; border: none; }
QScrollBar::handle:vertical { background: $control_border; border-radius: ${p3};
    min-height: ${p28}; margin: ${p2}; }
QScrollBar::handle:horizontal { background: $control_border; border-radius: ${p3};
    min-width: ${p28}; margin: ${p2}; }
QScrollBar::handle:hover { background: $control_edge; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; border: none; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }

QMenu { background: $panel; border: 1px solid $control_border; border-radius: ${p6};
    padding: ${p4}; }
QMenu::item { padding: ${p6} ${p24} ${p6} ${p12}; border-radius: ${p5}; background: transparent;
    color: $text; }
QMenu::item:selected { background: $hover; }
QMenu::item:disabled { color: $disabled; background: transparent; }
QMenu::separator { height: 1px; background: $divider; margin: ${p4} ${p8}; }
QMenu::indicator { width: ${p14}; height: ${p14}; left: ${p6}; }
QMenu::indicator:checked { image: url("$menu_check"); }
QMenu[checkable="true"]::item { padding-left: ${p28}; }
QMenu::icon { padding-left: ${p8}; }
QMenu::right-arrow { image: url("$right"); width: ${p12}; height: ${p12}; }
QMenuBar { background: $panel; }
QMenuBar::item { padding: ${p4} ${p8}; background: transparent; }
QMenuBar::item:selected { background: $hover; }
QToolTip { background: $hover; color: $text; border: 1px solid $control_border;
    padding: ${p4} ${p6}; }

QMessageBox QLabel { min-width: ${p40}; }
QDialogButtonBox QPushButton { min-width: ${p48}; }
QDialogButtonBox QPushButton:default { background: $accent; color: $on_accent;
    border-color: $accent; }
QAbstractItemView { background: $field; color: $text; border: 1px solid $control_border;
    border-radius: ${p5}; selection-background-color: $accent_tint; selection-color: $text; }
QHeaderView::section { background: $panel; color: $text_secondary; border: none;
    border-bottom: 1px solid $divider; padding: ${p4} ${p8}; }
QTabBar::tab { background: transparent; color: $text_secondary; padding: ${p6} ${p12};
    border-bottom: ${p2} solid transparent; }
QTabBar::tab:selected { color: $text; border-bottom-color: $accent; }
QSplitter::handle { background: $divider; }
QGroupBox { border: 1px solid $divider; border-radius: ${p8}; margin-top: ${p12};
    padding: ${p8}; }
QGroupBox::title { subcontrol-origin: margin; left: ${p8}; color: $text_secondary; }
"""
