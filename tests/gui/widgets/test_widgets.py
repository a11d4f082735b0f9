"""The small widgets, used as a user does."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QColor, QGuiApplication, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QButtonGroup, QHBoxLayout, QPushButton, QWidget

from toydiff_gui.style.theme import DARK
from toydiff_gui.widgets import (
    DiceButton,
    DockRail,
    MessageBar,
    NumberField,
    PanelScroll,
    QualityBar,
    SectionHeader,
    Segment,
    SegmentedControl,
    ThumbnailCard,
)
from toydiff_gui.widgets.number_field import doubling, ladder

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def show(qtbot):
    """Show widgets in an active window of their own."""
    kept = []  # qtbot does not keep them

    def shown(*widgets, width=300):
        window = QWidget()
        row = QHBoxLayout(window)
        for widget in widgets:
            row.addWidget(widget)
        window.resize(width, 80)
        kept.append(window)
        qtbot.addWidget(window)
        window.show()
        window.activateWindow()
        qtbot.waitUntil(window.isActiveWindow)
        return window

    return shown


def count_colour(widget, colour, rect=None):
    image = widget.grab(rect or QRect(QPoint(0, 0), widget.size())).toImage()
    wanted = QColor(colour)
    return sum(
        image.pixelColor(x, y) == wanted
        for x in range(image.width())
        for y in range(image.height())
    )


def type_in(qtbot, field, text):
    field.box.setFocus()
    field.box.selectAll()
    if text.isascii():
        qtbot.keyClicks(field.box.lineEdit(), text)
    else:
        QGuiApplication.clipboard().setText(text)  # no key has the minus sign
        qtbot.keyClick(field.box.lineEdit(), Qt.Key.Key_V, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(field.box, Qt.Key.Key_Return)


class TestNumberField:
    def test_takes_what_is_typed(self, qtbot, show):
        field = NumberField("Steps", minimum=1, maximum=10**6)
        field.set_value(6000)
        show(field)
        assert field.box.lineEdit().text() == "6\u2009000"
        with qtbot.waitSignal(field.value_changed) as said:
            type_in(qtbot, field, "12345")
        assert said.args == [12345]
        assert field.box.lineEdit().text() == "12\u2009345"

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("abc", "Steps must be a number, got 'abc'."),
            ("0", "Steps must be between 1 and 1\u2009000, got 0."),
            ("1e9", "Steps must be between 1 and 1\u2009000, got 1e9."),
            ("nan", "Steps must be between 1 and 1\u2009000, got nan."),
            ("2.5", "Steps must be a whole number, got 2.5."),
        ],
    )
    def test_says_what_is_wrong_and_keeps_the_value(self, qtbot, show, text, sentence):
        field = NumberField("Steps", minimum=1, maximum=1000)
        field.set_value(20)
        show(field)
        heard = []
        field.value_changed.connect(heard.append)
        with qtbot.waitSignal(field.rejected) as said:
            type_in(qtbot, field, text)
        assert said.args == [sentence]
        assert field.value == 20
        assert field.box.lineEdit().text() == "20"
        assert heard == []

    def test_empty_is_a_value_only_where_it_means_something(self, qtbot, show):
        field, optional = (
            NumberField("Steps", minimum=1, maximum=250, blank=blank) for blank in (None, "250")
        )
        for each in (field, optional):
            each.set_value(20)
        show(field, optional)
        for each in (field, optional):
            each.box.setFocus()
            each.box.selectAll()
            with qtbot.waitSignals([each.rejected, each.value_changed], raising=False, timeout=50):
                qtbot.keyClick(each.box.lineEdit(), Qt.Key.Key_Delete)
                qtbot.keyClick(each.box, Qt.Key.Key_Return)
        assert field.value == 20
        assert optional.value is None
        assert optional.box.lineEdit().placeholderText() == "250"

    def test_untouched_text_does_not_round_the_value(self, qtbot, show):
        field = NumberField("x", minimum=-1e3, maximum=1e3, decimals=2)
        other = NumberField("y", minimum=0, maximum=9)
        field.set_value(1.23456)
        show(field, other)
        heard = []
        field.value_changed.connect(heard.append)
        field.box.setFocus()
        other.box.setFocus()
        assert field.box.lineEdit().text() == "1.23"
        assert field.value == 1.23456
        assert heard == []

    @pytest.mark.parametrize(
        ("text", "value"), [("-1,5", -1.5), ("\u22122", -2.0), (" 1e-1 ", 0.1), ("+.5", 0.5)]
    )
    def test_reads_numbers_as_people_write_them(self, qtbot, show, text, value):
        field = NumberField("x", minimum=-1e3, maximum=1e3, decimals=2)
        field.set_value(0.0)
        show(field)
        type_in(qtbot, field, text)
        assert field.value == value

    def test_large_seed_keeps_its_digits(self, qtbot, show):
        field = NumberField("Seed", minimum=0, maximum=2**63 - 1)
        show(field)
        type_in(qtbot, field, "9007199254740993")
        assert field.value == 9007199254740993

    def test_arrows_step_and_stop_at_the_ends(self, qtbot, show):
        field = NumberField("Depth", minimum=1, maximum=3)
        field.set_value(2)
        show(field)
        field.box.setFocus()
        for _ in range(3):
            qtbot.keyClick(field.box, Qt.Key.Key_Up)
        assert field.value == 3
        for _ in range(5):
            qtbot.keyClick(field.box, Qt.Key.Key_Down)
        assert field.value == 1

    def test_escape_gives_the_old_value_back(self, qtbot, show):
        field = NumberField("Depth", minimum=1, maximum=30)
        field.set_value(2)
        show(field)
        field.box.setFocus()
        qtbot.keyClicks(field.box.lineEdit(), "7")
        qtbot.keyClick(field.box, Qt.Key.Key_Escape)
        assert field.box.lineEdit().text() == "2"

    def test_wheel_turns_only_the_field_in_focus(self, qtbot, show, qapp):
        field, other = (NumberField(n, minimum=0, maximum=30) for n in ("a", "b"))
        show(field, other)
        other.box.setFocus()

        def turn():
            middle = QPointF(field.box.rect().center())
            event = QWheelEvent(
                middle,
                field.box.mapToGlobal(middle),
                QPoint(),
                QPoint(0, 120),
                Qt.MouseButton.NoButton,
                Qt.KeyboardModifier.NoModifier,
                Qt.ScrollPhase.NoScrollPhase,
                False,
            )
            qapp.sendEvent(field.box, event)

        turn()
        assert field.value == 0
        field.box.setFocus()
        turn()
        assert field.value == 1

    def test_dice_throws_a_seed(self, qtbot, show):
        field = NumberField("Seed", minimum=0, maximum=2**63 - 1, dice="Throw another seed")
        field.set_value(-1)
        show(field)
        with qtbot.waitSignal(field.value_changed) as said:
            qtbot.mouseClick(field.dice_button, Qt.MouseButton.LeftButton)
        assert 0 <= said.args[0] < 10_000
        assert field.box.lineEdit().text().replace("\u2009", "") == str(said.args[0])

    def test_a_long_number_does_not_run_under_the_dice(self, show):
        field = NumberField("Seed", minimum=0, maximum=2**63 - 1, dice="Throw another seed")
        field.set_value(2**63 - 1)
        show(field)
        line = field.box.lineEdit()
        text_end = line.x() + line.width() - line.textMargins().right()
        assert text_end <= field.dice_button.x()

    def test_steppers(self):
        assert [doubling(v, d) for v, d in ((128, 1), (128, -1), (100, 1), (100, -1))] == [
            256,
            64,
            128,
            64,
        ]
        assert ladder(0.003, 1) == 0.005
        assert ladder(0.003, -1) == 0.002
        assert ladder(1, -1) == 0.5

    def test_can_be_found_by_name(self):
        field = NumberField("Steps", minimum=1, maximum=9, tooltip="How many")
        assert field.box.accessibleName() == "Steps"
        assert field.box.toolTip() == "How many"
        assert field.box.property("value") == 1.0


class TestSegmentedControl:
    @pytest.fixture
    def control(self, show):
        control = SegmentedControl(
            "Mode",
            [
                Segment("a", "Points"),
                Segment("b", "Curves"),
                Segment("c", "Images", "Comes with a later version", enabled=False),
            ],
        )
        control.set_current("a")
        show(control)
        return control

    def test_click_chooses(self, qtbot, control):
        with qtbot.waitSignal(control.chosen) as said:
            qtbot.mouseClick(control.button("b"), Qt.MouseButton.LeftButton)
        assert said.args == ["b"]
        assert control.current == "b"
        assert not control.button("a").isChecked()

    def test_arrow_key_chooses(self, qtbot, control):
        control.button("a").setFocus()
        with qtbot.waitSignal(control.chosen) as said:
            qtbot.keyClick(control.button("a"), Qt.Key.Key_Right)
        assert said.args == ["b"]

    def test_greyed_segment_cannot_be_chosen_and_says_why(self, qtbot, control):
        qtbot.mouseClick(control.button("c"), Qt.MouseButton.LeftButton)
        assert control.current == "a"
        assert control.button("c").toolTip() == "Comes with a later version"

    def test_set_current_is_silent(self, control):
        heard = []
        control.chosen.connect(heard.append)
        control.set_current("b")
        assert heard == []
        assert control.current == "b"


def test_reset_arrow_is_there_only_when_there_is_something_to_reset(qtbot, show):
    header = SectionHeader("Model", "8 points")
    show(header)
    place = header.caption.pos()
    assert not header.reset.isVisible()
    header.set_default(False)
    assert header.reset.isVisible()
    assert header.caption.pos() == place
    with qtbot.waitSignal(header.reset_requested):
        qtbot.mouseClick(header.reset, Qt.MouseButton.LeftButton)
    header.set_default(True)
    assert not header.reset.isVisible()


def test_cards_are_walked_through_with_the_arrow_keys(qtbot, show):
    cards = [ThumbnailCard(name) for name in ("V", "Moons", "Rings")]
    group = QButtonGroup()
    for card in cards:
        group.addButton(card)
    show(*cards)
    cards[0].setChecked(True)
    cards[0].setFocus()
    qtbot.keyClick(cards[0], Qt.Key.Key_Right)
    assert cards[1].isChecked()
    assert not cards[0].isChecked()
    assert count_colour(cards[1], DARK.accent) > 50 > count_colour(cards[0], DARK.accent)


def test_card_draws_what_it_was_given(show):
    card = ThumbnailCard("V")
    show(card)

    def draw(painter, rect, colour):
        painter.fillRect(rect, QColor("#ff0000"))

    assert count_colour(card, "#ff0000") == 0
    card.set_drawing(draw)
    assert count_colour(card, "#ff0000") > 200


def test_quality_bar_fills_with_the_distance_and_ticks_the_floor(show):
    bar = QualityBar("Distance")
    show(bar)

    def filled():
        image = bar.grab().toImage()
        y = bar.height() // 2
        return [image.pixelColor(x, y) for x in range(bar.width())]

    bar.set_values(None, None)
    assert QColor(DARK.accent) not in filled()
    bar.set_values(0.05, 0.02)
    colours = filled()
    last = max(i for i, c in enumerate(colours) if c == QColor(DARK.accent))
    assert last / bar.width() == pytest.approx(0.05 / 0.11, abs=0.02)
    tick = np.mean([i for i, c in enumerate(colours) if c == QColor(DARK.text)])
    assert tick / bar.width() == pytest.approx(0.02 / 0.11, abs=0.02)
    assert bar.accessibleDescription() == "0.050, floor 0.020"
    bar.set_values(9.0, 0.02)
    assert bar.fraction == 1.0


def test_dice_is_worked_by_keyboard(qtbot, show):
    dice = DiceButton("Throw")
    show(dice)
    dice.setFocus()
    with qtbot.waitSignal(dice.thrown):
        qtbot.keyClick(dice, Qt.Key.Key_Space)


def test_rail_opens_the_dock(qtbot, show):
    rail = DockRail("Train", "left")
    show(rail)
    with qtbot.waitSignal(rail.open_requested):
        qtbot.mouseClick(rail.button, Qt.MouseButton.LeftButton)


class TestMessageBar:
    @pytest.fixture
    def bar(self, show):
        bar = MessageBar()
        show(bar, width=500)
        return bar

    def test_takes_no_room_without_messages(self, bar):
        assert not bar.isVisible()

    def test_notice_goes_by_itself(self, qtbot, bar):
        bar.notice_ms = 0
        bar.show_message("Saved.")
        assert bar.isVisible()
        qtbot.waitUntil(lambda: not bar.messages)
        assert not bar.isVisible()

    def test_error_stays_until_it_is_closed(self, qtbot, bar):
        bar.notice_ms = 0
        bar.show_message("It failed.", error=True)
        bar.show_message("Saved.")
        qtbot.waitUntil(lambda: len(bar.messages) == 1)
        (left,) = bar.messages
        assert left.text == "It failed."
        assert left.accessibleName() == "Error: It failed."
        qtbot.mouseClick(left.close_button, Qt.MouseButton.LeftButton)
        assert bar.messages == ()

    def test_action_is_done_and_closes(self, qtbot, bar):
        done = []
        bar.show_message("It ended.", True, "Restart engine", lambda: done.append(1))
        button = bar.messages[0].action
        assert button.text() == "Restart engine"
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        assert done == [1]
        assert bar.messages == ()

    def test_the_same_again_is_counted_not_stacked(self, bar):
        for _ in range(3):
            bar.show_message("It failed.", error=True)
        assert len(bar.messages) == 1
        assert bar.messages[0].times == 3

    def test_a_new_message_drops_a_notice_before_an_error(self, bar):
        bar.show_message("error 1", error=True)
        bar.show_message("notice")
        bar.show_message("error 2", error=True)
        bar.show_message("error 3", error=True)
        assert [message.text for message in bar.messages] == ["error 1", "error 2", "error 3"]

    def test_text_is_never_taken_for_markup(self, bar):
        bar.show_message("no such file: <b>x</b>", error=True)
        assert bar.messages[0]._label.textFormat() == Qt.TextFormat.PlainText


class TestPanelScroll:
    @pytest.fixture
    def scroll(self):
        scroll = PanelScroll()
        for number in range(20):
            scroll.column.addWidget(QPushButton(f"row {number}"))
        scroll.setFixedHeight(100)
        return scroll

    def test_tab_from_outside_scrolls_to_where_it_leads(self, qtbot, show, scroll):
        outside = QPushButton("outside")
        show(outside, scroll)
        bar = scroll.verticalScrollBar()
        bar.setValue(bar.maximum())
        outside.setFocus(Qt.FocusReason.TabFocusReason)
        qtbot.keyClick(outside, Qt.Key.Key_Tab)
        assert QApplication.focusWidget().text() == "row 0"
        assert bar.value() == 0
        outside.setFocus(Qt.FocusReason.TabFocusReason)
        qtbot.keyClick(outside, Qt.Key.Key_Backtab)
        assert QApplication.focusWidget().text() == "row 19"
        assert bar.value() == bar.maximum()

    def test_a_click_moves_nothing_away_from_under_the_pointer(self, qtbot, show, scroll):
        outside = QPushButton("outside")
        show(outside, scroll)
        outside.setFocus()
        place = QPoint(20, 1)
        scroll.verticalScrollBar().setValue(45)
        row = scroll.widget().childAt(scroll.widget().mapFrom(scroll.viewport(), place))
        with qtbot.waitSignal(row.pressed):
            # At the edge of what is seen, and held, as a hand does.
            spot = row.mapFrom(scroll.viewport(), place)
            QTest.mousePress(
                row.window().windowHandle(),
                Qt.MouseButton.LeftButton,
                pos=row.mapTo(row.window(), spot),
            )
        assert row.hasFocus()
        assert scroll.verticalScrollBar().value() == 45
        QTest.mouseRelease(
            row.window().windowHandle(),
            Qt.MouseButton.LeftButton,
            pos=row.mapTo(row.window(), spot),
        )
