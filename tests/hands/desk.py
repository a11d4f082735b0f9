"""Those who speak to an engine, at work without a window."""

from engine.datasets.images import image_training
from engine.shared import messages
from engine.shared.config import TrainingConfig
from tests.hands.window import settle, wait_until
from toydiff_gui.app.mode_switch import ModeSwitch
from toydiff_gui.controllers.assembly import Controllers
from toydiff_gui.controllers.runs import Runs
from toydiff_gui.modes.images.attention import AttentionRequests
from toydiff_gui.modes.images.costs import NetworkCosts
from toydiff_gui.modes.images.image_sets import ImageSets
from toydiff_gui.modes.images.inversion import ImageInversion
from toydiff_gui.modes.images.kind import makes_images
from toydiff_gui.modes.images.lane_requests import ImageLanes
from toydiff_gui.modes.images.slice import SliceRequests
from toydiff_gui.modes.points.comparison import PathComparison
from toydiff_gui.modes.points.inversion import PointInversion
from toydiff_gui.modes.points.lane_requests import PointLanes
from toydiff_gui.modes.points.overlay_requests import OverlayRequests
from toydiff_gui.state.lanes import LANE_RUNS
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.playback import Playback
from toydiff_gui.state.settings_file import SettingsFile
from toydiff_gui.state.store import Store


class Desk:
    """A conductor with all it speaks to; nothing is answered unless the test says so."""

    def __init__(self, link, folder):
        self.link = link
        self.state = Store()
        self.playback = Playback(250)
        settings = SettingsFile(folder / "settings.json")
        self.runs = Runs(settings, folder / "Läufe 1")
        self.modes = ModeSwitch(self.state, settings)
        self.controllers = Controllers(self.state, link, self.playback, self.runs, self.modes)
        self.models, self.training = self.controllers.models, self.controllers.training
        self.geodesic, self.exchange = self.controllers.geodesic, self.controllers.exchange
        self.point_lanes = PointLanes(
            self.state, self.exchange, self.playback, self.models, self.geodesic
        )
        self.layers = OverlayRequests(self.state, self.exchange, self.playback)
        self.comparison = PathComparison(self.state, self.geodesic)
        self.inverter = PointInversion(self.state, self.exchange)
        self.choose_parts()
        self.messages, self.opened = [], []
        self.state.message_posted.connect(lambda text, error: self.messages.append((text, error)))
        self.models.opened.connect(self.opened.append)

    def choose_parts(self):
        """As the window does."""
        own = (self.inverter, self.point_lanes, self.layers, self.comparison)
        self.geodesic.watch(self.point_lanes.between, self.point_lanes.looks_at_geodesic)
        self.exchange.set_parts((self.models, self.geodesic, *own))

    def asked(self, kind=messages.Interpolate):
        """What has been asked since the last time."""
        settle()
        new, self.link.sent[:] = list(self.link.sent), []
        self.link._answered = 0
        assert all(isinstance(packet.message, (kind, messages.Cancel)) for packet in new)
        return [packet for packet in new if isinstance(packet.message, kind)]

    def heard(self, *kinds):
        """What of these kinds has been sent since the last time, whatever else there was."""
        settle()
        new, self.link.sent[:] = list(self.link.sent), []
        self.link._answered = 0
        return [packet for packet in new if isinstance(packet.message, kinds)]

    def until_sent(self, kind):
        """The one request of this kind that is about to be sent, after a pause maybe."""
        wait_until(lambda: self.link.asked(kind), kind.__name__)
        (packet,) = self.heard(kind)
        return packet

    def open(self, ref, **config):
        """Open another model, and answer for it unless it is known."""
        for opening in self.openings(ref):
            self.link.describe(opening.job, TrainingConfig(**config))

    def openings(self, ref):
        """Ask for a model; what that sends to the engine."""
        before = len(self.link.asked(messages.Open))
        self.models.open(ref)
        return self.link.asked(messages.Open)[before:]

    def restart(self):
        """A new engine after the old one has died, with the model open again."""
        self.controllers.engine.start_again()
        self.link.get_ready()
        self.link.describe(self.link.asked(messages.Open)[-1].job)

    def at_rest(self):
        """Whether nobody waits for anything or is about to ask for something."""
        settle()
        waiting = (self.controllers, self.layers)
        return not any(one.busy for one in waiting)

    def run(self, key="ddim"):
        return self.state.at(LANE_RUNS, key)

    def reach_rest(self):
        self.link.get_ready()
        self.link.answer_all()
        self.link.sent.clear()
        self.link._answered = 0


class ImageDesk(Desk):
    """The same with those who speak to an engine in mode Images; its model is of 8x8 digits."""

    def __init__(self, link, folder):
        super().__init__(link, folder)
        self.settings = SettingsFile(folder / "images.json")
        self.images = ImageLanes(self.state, self.exchange, self.models, self.geodesic)
        self.state.changed(MODEL).connect(self.choose_parts)
        self.slice = SliceRequests(self.state, self.exchange)
        self.attention = AttentionRequests(self.state, self.exchange, self.playback)
        self.image_inverter = ImageInversion(self.state, self.controllers.client)
        self.costs = NetworkCosts(self.state, self.exchange)
        self.image_sets = ImageSets(self.state, self.controllers.client, self.settings)

    def choose_parts(self):
        if not makes_images(self.state.get(MODEL)):
            super().choose_parts()
            return
        own = (self.images, self.slice, self.attention, self.costs)
        self.geodesic.watch(self.images.between, self.images.looks_at_geodesic)
        self.exchange.set_parts((self.models, self.geodesic, *own))

    def open_images(self, ref="digits", dataset="digits"):
        """Open a model of images, and answer for it unless it is known."""
        openings = self.openings(ref)
        self.link._answered = len(self.link.sent)
        for opening in openings:
            self.link.describe(opening.job, image_training(dataset))

    def reach_rest(self, ref="digits", dataset="digits"):
        """With tiles and strips complete."""
        self.link.get_ready()
        self.link.answer_all()
        self.open_images(ref, dataset)
        self.link.answer_all()
        self.heard()

    def tiles(self):
        return self.state.at(LANE_RUNS, "samples")
