"""The design's colours can be read, and a change of theme reaches what is on the screen."""

import itertools

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QLabel, QLineEdit, QPushButton, QSpinBox, QVBoxLayout, QWidget

from toydiff_gui.style import icons, sheet, theme
from toydiff_gui.style.theme import DARK, LIGHT, Theme
from toydiff_gui.widgets.scroll import PanelScroll

PALETTES = pytest.mark.parametrize("palette", [DARK, LIGHT], ids=["dark", "light"])


@pytest.fixture
def app(qapp):
    """The application, without a trace of the theme afterwards."""
    yield qapp
    theme.set_theme(Theme())
    qapp.setStyleSheet("")


@PALETTES
@pytest.mark.parametrize(
    ("ink", "surfaces"),
    [
        ("text", ("window", "panel", "canvas", "field", "selected", "hover", "accent_tint")),
        ("text_secondary", ("window", "panel", "canvas", "field", "selected", "hover")),
        ("label", ("panel", "canvas", "field")),
        ("accent", ("window", "panel", "canvas", "field", "selected")),
        ("error", ("panel", "canvas", "selected")),
        ("on_accent", ("accent", "accent_hover")),
    ],
)
def test_enabled_text_has_contrast(palette, ink, surfaces):
    ratios = {s: theme.contrast(getattr(palette, ink), getattr(palette, s)) for s in surfaces}
    assert min(ratios.values()) >= 4.5, ratios


@PALETTES
def test_marks_and_edges_have_contrast(palette):
    for mark in (palette.endpoint_a, palette.endpoint_b):
        assert theme.contrast(mark, palette.canvas) >= 3
        assert theme.contrast(mark, theme.text_on(mark)) >= 4.5
    assert theme.contrast(palette.control_edge, palette.panel) >= 3
    assert theme.contrast(palette.field_border, palette.panel) >= 2


def test_contrast_agrees_with_its_definition():
    assert theme.contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert theme.contrast("#FFFFFF", "#FFFFFF") == 1
    assert theme.contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.005)  # as WCAG says


@PALETTES
def test_path_colours_go_evenly_through_the_stops(palette):
    colours = theme.path_colours(401, palette)
    assert colours.shape == (401, 3)
    assert colours.dtype == np.uint8
    for end, stop in ((0, palette.path_stops[0]), (-1, palette.path_stops[-1])):
        assert "#" + bytes(colours[end].tolist()).hex().upper() == stop
    for stop in palette.path_stops:
        wanted = np.array([int(stop[i : i + 2], 16) for i in (1, 3, 5)])
        assert np.abs(colours.astype(int) - wanted).max(axis=1).min() <= 2, stop
    lab = theme._to_oklab(theme.path_colours(20001, palette) / 255)
    luminance = lab[::1000, 0]
    assert (np.diff(luminance) < 0).all()  # lightness falls all the way
    steps = np.linalg.norm(np.diff(lab[::1000], axis=0), axis=1)
    assert steps.max() / steps.min() < 1.2  # a chord across a stop is a little shorter


def test_oklab_is_its_own_inverse():
    rgb = np.array(list(itertools.product([0.0, 0.3, 1.0], repeat=3)))
    np.testing.assert_allclose(theme._from_oklab(theme._to_oklab(rgb)), rgb, atol=1e-6)


def test_theme_follows_the_choice(qapp):
    assert theme.resolve("dark", False) == Theme(DARK, True)
    assert theme.resolve("light", False) == Theme(LIGHT, False)
    presented = theme.resolve("light", True)
    assert presented.type_scale == pytest.approx(1.35)
    assert presented.line_scale == pytest.approx(1.6)
    assert theme.resolve("system", False) in (Theme(DARK, True), Theme(LIGHT, False))


def test_bundled_font_has_its_weights(app):
    sheet.apply(app, Theme())
    assert theme.load_fonts()

    def ink(weight):
        image = QImage(200, 30, QImage.Format.Format_Grayscale8)
        image.fill(0)
        painter = QPainter(image)
        painter.setPen(Qt.GlobalColor.white)
        painter.setFont(theme.font(16, weight))
        painter.drawText(image.rect(), Qt.AlignmentFlag.AlignLeft, "Distance")
        painter.end()
        return int(np.asarray(image.constBits(), np.uint8).sum(dtype=np.int64))

    weights = [ink(weight) for weight in (400, 500, 600, 700)]
    assert weights == sorted(weights)
    assert weights[-1] > 1.2 * weights[0]


def test_tabular_figures_have_one_width(app):
    from PySide6.QtGui import QFontMetricsF

    metrics = QFontMetricsF(theme.font(13, 500, tabular=True))
    assert metrics.horizontalAdvance("1111") == metrics.horizontalAdvance("8888")


def test_applied_theme_is_seen_and_told(app, qtbot):
    window = QWidget()
    window.setProperty("surface", "panel")
    button = QPushButton("Train")
    button.setProperty("variant", "filled")
    column = QVBoxLayout(window)
    column.addWidget(button)
    qtbot.addWidget(window)
    for palette in (DARK, LIGHT):
        with qtbot.waitSignal(theme.notifier().changed, raising=palette is LIGHT, timeout=100):
            sheet.apply(app, Theme(palette, palette is DARK))
        window.show()
        image = window.grab().toImage()
        assert image.pixelColor(2, 2) == QColor(palette.panel)
        inside = button.geometry().topLeft()
        assert image.pixelColor(inside.x() + 8, inside.y() + 8) == QColor(palette.accent)


def test_presentation_makes_type_and_controls_larger(app, qtbot):
    label, box = QLabel("text"), QSpinBox()
    qtbot.addWidget(label)
    qtbot.addWidget(box)
    sheet.apply(app, Theme())
    before = label.sizeHint().height(), box.sizeHint().height()
    sheet.apply(app, theme.resolve("dark", True))
    after = label.sizeHint().height(), box.sizeHint().height()
    assert all(new > 1.2 * old for new, old in zip(after, before, strict=True))
    sheet.apply(app, Theme())
    assert (label.sizeHint().height(), box.sizeHint().height()) == before


@pytest.mark.parametrize("name", icons.NAMES)
def test_icon_is_drawn_in_its_colour_inside_its_box(qapp, name):
    image = icons.pixmap(name, 16, "#4CC9B0", 2.0).toImage()
    assert image.width() == 32
    alpha = np.array(
        [[image.pixelColor(x, y).alpha() for x in range(32)] for y in range(32)], np.uint8
    )
    assert alpha.max() > 200
    edge = np.concatenate([alpha[0], alpha[-1], alpha[:, 0], alpha[:, -1]])
    assert edge.max() == 0  # nothing is cut off
    y, x = np.unravel_index(alpha.argmax(), alpha.shape)
    colour = image.pixelColor(int(x), int(y))
    wanted = QColor("#4CC9B0")
    assert abs(colour.red() - wanted.red()) < 12
    assert abs(colour.green() - wanted.green()) < 12


def test_names_promised_to_the_others_exist():
    promised = (
        "play pause step-back step-forward to-start to-end loop reverse train stop open save "
        "export undo redo chevron-down dice swap reset plus expand shrink target more dock-left "
        "dock-right lock film image copy help camera"
    )
    assert set(promised.split()) <= set(icons.NAMES)


def test_focus_ring_lies_around_and_moves_nothing(app, qtbot):
    sheet.apply(app, Theme())
    window = QWidget()
    window.setProperty("surface", "panel")
    first, second = QPushButton("first"), QPushButton("second")
    column = QVBoxLayout(window)
    column.setContentsMargins(20, 20, 20, 20)
    column.addWidget(first)
    column.addWidget(second)
    qtbot.addWidget(window)
    window.show()
    qtbot.waitExposed(window)
    window.activateWindow()
    second.setFocus()
    qtbot.waitUntil(second.hasFocus)
    places = first.geometry(), second.geometry()
    first.setFocus(Qt.FocusReason.TabFocusReason)
    assert (first.geometry(), second.geometry()) == places

    def ring_above(button):
        image = window.grab().toImage()
        middle = button.geometry().center().x()
        colours = [image.pixelColor(middle, button.y() - d) for d in (2, 3)]
        return QColor(DARK.accent) in colours

    assert ring_above(first)
    assert not ring_above(second)
    qtbot.mouseClick(second, Qt.MouseButton.LeftButton)
    assert second.hasFocus()
    assert not ring_above(first)
    assert not ring_above(second)  # whoever clicks knows where


def ringed_sides(window, widget):
    """On which sides of ``widget`` its ring is seen in ``window``."""
    image = window.grab().toImage()
    place = QRect(widget.mapTo(window, QPoint(0, 0)), widget.size())
    middle = place.center()
    sides = {
        "left": [(place.left() - d, middle.y()) for d in (1, 2)],
        "right": [(place.right() + d, middle.y()) for d in (1, 2)],
        "top": [(middle.x(), place.top() - d) for d in (1, 2)],
        "bottom": [(middle.x(), place.bottom() + d) for d in (1, 2)],
    }
    accent = QColor(DARK.accent)
    return {
        side for side, spots in sides.items() if accent in [image.pixelColor(*s) for s in spots]
    }


def test_focus_ring_is_whole_around_a_field_that_fills_its_parent(app, qtbot):
    sheet.apply(app, Theme())
    window = QWidget()
    window.setProperty("surface", "panel")
    scroll = PanelScroll()
    section = scroll.section()
    fields = [QLineEdit() for _ in range(30)]
    for field in fields:
        tight = QWidget()
        around = QVBoxLayout(tight)
        around.setContentsMargins(0, 0, 0, 0)
        around.addWidget(field)
        section.addWidget(tight)
    QVBoxLayout(window).addWidget(scroll)
    qtbot.addWidget(window)
    window.resize(300, 300)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    fields[2].setFocus(Qt.FocusReason.TabFocusReason)
    assert ringed_sides(window, fields[2]) == {"left", "right", "top", "bottom"}
    scroll.verticalScrollBar().setValue(20)
    assert ringed_sides(window, fields[2]) == {"left", "right", "top", "bottom"}
    scroll.verticalScrollBar().setValue(500)  # scrolled away, the ring as well
    image = window.grab().toImage()
    seen = {image.pixel(x, y) for x in range(image.width()) for y in range(image.height())}
    assert QColor(DARK.accent).rgb() not in seen
