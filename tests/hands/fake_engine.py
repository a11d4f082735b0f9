"""An engine that answers what a test wants, when it wants it."""

import msgspec
import numpy as np
from PySide6.QtCore import QObject, Signal

from engine import datasets
from engine.datasets.images import INFOS, image_training, info_of
from engine.shared import catalogue, messages
from engine.shared.config import TrainingConfig, sampler_times
from engine.shared.messages import Packet
from tests.hands.window import settle


class FakeEngine(QObject):
    """Stands in for ``EngineLink``: answers when and what the test wants.

    Signals:
        received: as the real one.
        died: as the real one.
        reconnecting: as the real one.
    """

    received = Signal(object)
    died = Signal(str)
    reconnecting = Signal(str)
    address = None

    def __init__(self, kind="process", device="auto", parent=None):
        super().__init__(parent)
        self.kind, self.device = kind, device
        self.sent = []
        self.starts = 0
        self.stopped = False
        self.thread_in_charge = None
        self._job = 0
        self._answered = 0
        self.shape = (2,)  # of a state of the model that was described last
        self.shapes = {}  # by the model that was opened; none is described twice

    def start(self):
        self.starts += 1

    def stop(self):
        self.stopped = True

    def next_job(self):
        self._job += 1
        return self._job

    def send(self, packet):
        self.sent.append(packet)

    # What the test says in its place

    def report(self, message, arrays=None):
        self.received.emit(Packet(message, arrays or {}))

    def get_ready(self):
        self.report(messages.Ready(version="0", device="cpu", devices=["cpu"]))

    def die(self, why):
        self.died.emit(why)

    def asked(self, kind):
        """What has been sent of one kind, in order."""
        return [packet.message for packet in self.sent if isinstance(packet.message, kind)]

    def describe(self, job, config=None, step=6000):
        """Answer an ``Open``."""
        config = config or TrainingConfig()
        info = {"config": msgspec.to_builtins(config), "step": step}
        if config.resolved_kind == catalogue.IMAGES:
            self.shape = info_of(config).shape
            channels = self.shape[0]
            info |= {"mean": [0.3] * channels, "std": [0.4] * channels, "shape": list(self.shape)}
        else:
            transform = datasets.load(config.dataset).transform
            self.shape = transform.mean.shape
            info |= {"mean": transform.mean.tolist(), "std": transform.std.tolist()}
        self.report(messages.Result(job=job, info=info))

    def latents(self, request, arrays):
        if "latents" in arrays:
            return arrays["latents"]
        if isinstance(request, messages.Interpolate):
            return np.linspace(arrays["start"], arrays["end"], request.points, dtype=np.float32)
        # Each row by itself, as the engine: more of them leave the first ones as they are.
        shape = self.shapes.get(request.checkpoint, self.shape)
        rows = np.random.default_rng(request.seed).normal(size=(request.count, *shape))
        return rows.astype(np.float32)

    def frames(self, packet, first=0, last=None, timesteps=250):
        """Send the frames of a request from ``first`` up to, not with, ``last``: x shrinks."""
        request = packet.message
        times = sampler_times(timesteps, request.sampler.steps or timesteps)
        if getattr(request, "last", False):
            times = times[-1:]
        start = self.latents(request, packet.arrays)
        for index in range(first, len(times) if last is None else last):
            x = start * np.float32(0.5 + 0.5 * times[index] / timesteps)
            frame = messages.Frame(job=request.job, index=index, times=times if index == 0 else [])
            self.report(frame, {"x": x, "x0": x})

    def finish(self, packet):
        self.report(messages.Result(job=packet.message.job, seconds=0.25))

    def answer(self):
        """Answer all that has been asked since the last time; says how much that was."""
        new = self.sent[self._answered :]
        self._answered = len(self.sent)
        for packet in new:
            self.answer_one(packet)
        return len(new)

    def answer_one(self, packet):
        """Answer this, if it is one of the requests without which there is no canvas."""
        request = packet.message
        if isinstance(request, messages.Open):
            name = request.checkpoint
            images = name in INFOS
            self.describe(request.job, image_training(name) if images else None)
            self.shapes[name] = self.shape
        elif isinstance(request, messages.FindData):
            places = {"mnist": "", "fashion": "", "cifar10": "", "download_root": "/data"}
            self.report(messages.Result(job=request.job, info=places))
        elif isinstance(request, messages.Sample | messages.Interpolate):
            self.frames(packet)
            self.finish(packet)

    def answer_all(self):
        """Answer until nothing more is asked."""
        settle()
        while self.answer():
            settle()
