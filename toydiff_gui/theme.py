"""Palettes, type and the look of every standard widget; where the design's numbers are written.

Sizes are design pixels: ``Theme.px`` scales them, so that the presentation view is one factor.
Drawing code asks ``current()`` when it paints and repaints when ``notifier().changed`` says so.
"""

from __future__ import annotations

import importlib.resources
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from toydiff_gui import icons

FAMILY = "Inter"
PRESENTATION_TYPE, PRESENTATION_LINE = 1.35, 1.6


@dataclass(frozen=True)
class Palette:
    """The colours of a theme by their role, as '#RRGGBB'.

    ``field_border`` and ``control_edge`` are stronger than ``control_border``: the first goes
    around fields, the second around what is nothing but its border, such as an empty check box.
    """

    window: str
    panel: str
    canvas: str
    field: str
    selected: str
    hover: str
    divider: str
    control_border: str
    field_border: str
    control_edge: str
    text: str
    text_secondary: str
    label: str
    disabled: str
    accent: str
    accent_hover: str
    accent_tint: str
    on_accent: str
    endpoint_a: str
    endpoint_b: str
    error: str
    path_stops: tuple[str, ...]


DARK = Palette(
    window="#14161A",
    panel="#1A1D22",
    canvas="#101216",
    field="#14171B",
    selected="#272C33",
    hover="#2F353E",
    divider="#2A2F37",
    control_border="#3A414C",
    field_border="#515A68",
    control_edge="#6B7482",
    text="#E9ECF0",
    text_secondary="#B3BAC5",
    label="#8A93A0",
    disabled="#565E6A",
    accent="#4CC9B0",
    accent_hover="#63D6BF",
    accent_tint="#1D3B37",
    on_accent="#08211C",
    endpoint_a="#FFB73E",
    endpoint_b="#5790F0",
    error="#FF8C76",
    path_stops=("#FFB73E", "#FF8C76", "#F87BC0", "#B881F1", "#5790F0"),
)
LIGHT = Palette(
    window="#E4E7EB",
    panel="#F6F7F9",
    canvas="#FFFFFF",
    field="#FFFFFF",
    selected="#E9ECF0",
    hover="#DDE2E8",
    divider="#D9DDE3",
    control_border="#BEC5CE",
    field_border="#A2ABB6",
    control_edge="#868F9B",
    text="#15191F",
    text_secondary="#454D59",
    label="#616A77",
    disabled="#A3ABB6",
    accent="#096F5F",
    accent_hover="#0B5E51",
    accent_tint="#D6EFE9",
    on_accent="#FFFFFF",
    endpoint_a="#C07900",
    endpoint_b="#1C53AD",
    error="#B3331F",
    path_stops=("#C07900", "#CD4E3B", "#B33C82", "#7B44AF", "#1C53AD"),
)


@dataclass(frozen=True)
class Theme:
    """A palette with the scale of type (and all sizes) and of drawn lines."""

    palette: Palette = DARK
    dark: bool = True
    type_scale: float = 1.0
    line_scale: float = 1.0

    def px(self, size: float) -> int:
        """Design pixels in this theme's pixels."""
        return round(size * self.type_scale)


class ThemeSignals(QObject):
    """Holds the theme in use and tells when it is another one.

    Signals:
        changed: ``current()`` returns another theme than before.
    """

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.theme = Theme()


@cache
def notifier() -> ThemeSignals:
    """The one ``ThemeSignals``."""
    return ThemeSignals()


def current() -> Theme:
    """The theme in use."""
    return notifier().theme


def set_theme(theme: Theme) -> None:
    """Use ``theme`` for whatever is painted from now on; ``apply`` does this and the widgets."""
    if theme != current():
        notifier().theme = theme
        notifier().changed.emit()


def resolve(choice: Literal["system", "dark", "light"], presentation: bool) -> Theme:
    """The theme for a choice in the View menu; 'system' follows the desktop, dark if it is mute."""
    dark = choice == "dark"
    if choice == "system":
        dark = QGuiApplication.styleHints().colorScheme() != Qt.ColorScheme.Light
    palette = DARK if dark else LIGHT
    if presentation:
        return Theme(palette, dark, PRESENTATION_TYPE, PRESENTATION_LINE)
    return Theme(palette, dark)


def apply(app: QApplication, theme: Theme) -> None:
    """Give the application the theme: style, palette, font, style sheet; then tell the views."""
    from toydiff_gui.focus_ring import FocusRing  # which asks this module for its colour

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


# Type


@cache
def load_fonts() -> bool:
    """Make the bundled Inter known to Qt; False when it is absent and the system font serves."""
    if QGuiApplication.instance() is None:
        return False
    try:
        file = importlib.resources.files("resources").joinpath("fonts", "Inter.ttf")
        data = file.read_bytes()
    except (OSError, ModuleNotFoundError):
        return False
    number = QFontDatabase.addApplicationFontFromData(data)
    return number >= 0 and FAMILY in QFontDatabase.applicationFontFamilies(number)


def font(size_px: float, weight: int = 400, tabular: bool = False) -> QFont:
    """The theme's font at ``size_px`` design pixels; ``tabular`` gives all figures one width."""
    return scaled_font(size_px, weight, current().type_scale, tabular)


def scaled_font(size_px: float, weight: int, scale: float, tabular: bool = False) -> QFont:
    """As ``font``, with a scale of one's own; for pictures that do not belong to the window."""
    result = QFont()
    if load_fonts():
        result.setFamilies([FAMILY])
        # Qt would thicken the regular outline for a bold weight; the variable font has real ones.
        result.setVariableAxis(QFont.Tag("wght"), weight)
    else:
        result.setWeight(QFont.Weight(weight))
    result.setPixelSize(max(1, round(size_px * scale)))
    if tabular:
        result.setFeature(QFont.Tag("tnum"), 1)
    return result


# Colour


def contrast(first: str, second: str) -> float:
    """The contrast ratio of two colours as WCAG 2 defines it, 1 to 21."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def text_on(colour: str) -> str:
    """The better readable of near black and white on ``colour``."""
    return max(("#08111C", "#FFFFFF"), key=lambda text: contrast(text, colour))


def with_alpha(colour: str, alpha: float) -> QColor:
    """``colour`` at an opacity of 0 to 1."""
    result = QColor(colour)
    result.setAlphaF(alpha)
    return result


def path_colours(n: int, palette: Palette) -> NDArray[np.uint8]:
    """Colours along the path from A to B, (n, 3): even in OKLab through the palette's stops."""
    stops = _to_oklab(np.array([_rgb(stop) for stop in palette.path_stops]))
    # Even steps in perceived difference, not in the number of stops passed.
    lengths = np.linalg.norm(np.diff(stops, axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(lengths)]) / lengths.sum()
    where = np.linspace(0.0, 1.0, n)
    lab = np.stack([np.interp(where, along, stops[:, i]) for i in range(3)], axis=1)
    return np.asarray(np.round(_from_oklab(lab) * 255), np.uint8)


def mixed(colours: tuple[str, ...], shares: NDArray[np.floating]) -> NDArray[np.uint8]:
    """``colours`` (n of them) mixed in OKLab by ``shares`` (..., n) that sum to 1: (..., 3)."""
    lab = shares @ _to_oklab(np.array([_rgb(colour) for colour in colours]))
    return np.asarray(np.round(_from_oklab(lab) * 255), np.uint8)


def _rgb(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue


def _linear(rgb: NDArray[Any]) -> NDArray[Any]:
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def _luminance(colour: str) -> float:
    return float(_linear(np.array(_rgb(colour))) @ np.array([0.2126, 0.7152, 0.0722]))


# Ottosson 2020, 'A perceptual color space for image processing'.
_RGB_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LMS_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def _to_oklab(rgb: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(np.cbrt(_linear(rgb) @ _RGB_TO_LMS.T) @ _LMS_TO_LAB.T)


def _from_oklab(lab: NDArray[Any]) -> NDArray[Any]:
    linear = (lab @ np.linalg.inv(_LMS_TO_LAB).T) ** 3 @ np.linalg.inv(_RGB_TO_LMS).T
    linear = np.clip(linear, 0.0, 1.0)
    bent = 1.055 * linear ** (1 / 2.4) - 0.055
    return np.asarray(np.where(linear <= 0.0031308, linear * 12.92, bent))


# Standard widgets


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
