"""Palettes, type and colours; where the numbers of the design are written.

Sizes are design pixels: ``Theme.px`` scales them, so that the presentation view is one factor.
Drawing code asks ``current()`` when it paints and repaints when ``notifier().changed`` says so.
"""

from __future__ import annotations

import importlib.resources
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication

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
