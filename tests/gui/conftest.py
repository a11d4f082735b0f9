"""Windows to test: with settings and runs of their own, and nothing left behind when they go."""

import pytest
from PySide6.QtGui import QCursor, QGuiApplication
from PySide6.QtWidgets import QAbstractButton, QLabel

from tests.hands.desk import Desk, ImageDesk
from tests.hands.fake_engine import FakeEngine
from tests.hands.window import settle
from tests.hands.workshop import Workshop
from toydiff_gui.app import window as main_window
from toydiff_gui.modes.points.panels.sample import SamplePanel
from toydiff_gui.state.store import Store
from toydiff_gui.style import sheet, theme
from toydiff_gui.style.theme import DARK, LIGHT, Theme


@pytest.fixture
def app(qapp):
    """The application in the default theme, which a test may change."""
    sheet.apply(qapp, Theme())
    yield qapp
    theme.set_theme(Theme())
    qapp.setStyleSheet("")


@pytest.fixture(
    params=[Theme(), Theme(LIGHT, False), Theme(DARK, True, 1.35, 1.6)],
    ids=["dark", "light", "presentation"],
)
def chosen(request):
    """Each of the looks there are."""
    return request.param


@pytest.fixture
def app_state(qapp):
    """A state without a window."""
    return Store()


@pytest.fixture
def sample_dock(qtbot, app, app_state):
    """The dock 'Sample' in a window of its own, as high as in the usual window."""
    dock = SamplePanel(app_state)
    qtbot.addWidget(dock)
    dock.resize(280, 704)
    dock.show()
    dock.activateWindow()
    qtbot.waitUntil(dock.isActiveWindow)
    return dock


@pytest.fixture
def said(app_state):
    """What the state has told the user, as (text, is_error)."""
    messages = []
    app_state.message_posted.connect(lambda *message: messages.append(message))
    return messages


@pytest.fixture
def cut_texts():
    """A function that gives the texts in a widget which have less room than they need."""

    def find(widget):
        texts = [*widget.findChildren(QLabel), *widget.findChildren(QAbstractButton)]
        return {
            text.text()
            for text in texts
            if text.isVisible() and text.text() and text.width() < text.minimumSizeHint().width()
        }

    return find


@pytest.fixture(scope="session", autouse=True)
def _empty_clipboard(qapp):
    """What Python put there must go before Python does: here it is a part of the process."""
    yield
    QGuiApplication.clipboard().clear()


@pytest.fixture(autouse=True)
def _pointer_away(qapp):
    """Where the mouse of one test was, nothing of the next one's window is pointed at."""
    yield
    QCursor.setPos(-1000, -1000)


@pytest.fixture
def workshop(qapp, tmp_path):
    workshop = Workshop(tmp_path / "mit Lücke")
    yield workshop
    workshop.lock_up()


@pytest.fixture(scope="module")
def lasting_workshop(qapp, tmp_path_factory):
    """As ``workshop``, for a window that the tests of a module share."""
    workshop = Workshop(tmp_path_factory.mktemp("fenster") / "mit Lücke")
    yield workshop
    workshop.lock_up()


@pytest.fixture
def fake_engine(monkeypatch):
    """Windows get a ``FakeEngine``, which ``window.link`` is."""
    monkeypatch.setattr(main_window, "EngineLink", FakeEngine)


@pytest.fixture
def desk(qapp, tmp_path, fake_engine):
    """All that speaks to an engine, which has not come up yet."""
    desk = Desk(main_window.EngineLink(), tmp_path)
    yield desk
    settle()
    desk.playback.pause()


@pytest.fixture
def image_desk(qapp, tmp_path, fake_engine):
    """All that speaks to an engine in mode Images; tiles and strips are complete."""
    desk = ImageDesk(main_window.EngineLink(), tmp_path)
    desk.reach_rest()
    yield desk
    settle()
    desk.playback.pause()


@pytest.fixture
def resting(desk):
    """The same with its model open and its lanes complete."""
    desk.reach_rest()
    return desk


@pytest.fixture
def window(workshop, fake_engine):
    """A window whose engine answers at once when it is told to, at rest, its lanes complete."""
    window = workshop.open()
    window.link.get_ready()
    window.link.answer_all()
    window.playback.pause()
    settle()
    return window
