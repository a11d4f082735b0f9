"""An engine without networks that answers whatever a canvas shows."""

from dataclasses import replace
from hashlib import blake2b

import numpy as np

from engine.datasets.images import INFOS, image_training
from engine.shared import messages
from engine.shared.config import TrainingConfig, sampler_times
from tests.hands.fake_engine import FakeEngine
from toydiff_gui.engine_client.wanted import content_of

SIDE, LAYERS = 4, ("middle", "up")
"""Of attention: the side of its grid, and the layers that have it."""


class AnsweringEngine(FakeEngine):
    """Nothing but the content of a request decides the answer: other settings, other pictures.

    The same request gets the same answer from each of these engines.
    """

    def random(self, packet):
        """A generator of this content alone."""
        asked = repr(content_of(packet.message, packet.arrays, 0)).encode()
        return np.random.default_rng(list(blake2b(asked, digest_size=16).digest()))

    def frames(self, packet, first=0, last=None, timesteps=250):
        request = packet.message
        start = np.asarray(self.latents(request, packet.arrays), np.float32)
        end = self.random(packet).normal(scale=0.5, size=start.shape).astype(np.float32)
        times = sampler_times(timesteps, request.sampler.steps or timesteps)
        if getattr(request, "last", False):
            times = times[-1:]
        for index, t in enumerate(times):
            frame = messages.Frame(job=request.job, index=index, times=[] if index else times)
            noise = np.float32(t / timesteps)
            self.report(frame, {"x": noise * start + (1 - noise) * end, "x0": end})

    def answer_one(self, packet):
        request, arrays = packet.message, packet.arrays
        if isinstance(request, messages.Cancel):
            return
        random = self.random(packet)

        def done(info=None, **found):
            found = {name: array.astype(np.float32) for name, array in found.items()}
            self.report(messages.Result(job=request.job, info=info or {}), found)

        match request:
            case messages.Open():
                self._open(request)
            case messages.FindPath():
                path = np.linspace(arrays["start"], arrays["end"], request.points)
                path[1:-1] += random.normal(scale=0.3, size=path[1:-1].shape)
                done({"energies": [2.0, 1.0], "off_data": 0.0, "coefficients": 6}, latents=path)
            case messages.Invert():
                data = arrays["data"]
                latents = data + random.normal(scale=0.2, size=data.shape)
                done(latents=latents, errors=np.zeros(len(data)))
            case messages.Field():
                for t in request.times:
                    eps = random.normal(size=arrays["points"].shape).astype(np.float32)
                    self.report(messages.FieldAt(job=request.job, t=t), {"eps": eps, "x0": eps})
                done()
            case messages.Attend():
                layer = request.layer or "middle"
                for index, t in enumerate(request.times):
                    weights = random.uniform(size=(2, SIDE**2, SIDE**2)).astype(np.float32)
                    told = messages.AttentionAt(
                        job=request.job, index=index, t=t, layer=layer, side=SIDE
                    )
                    self.report(told, {"weights": weights})
                done({"layers": [{"name": name, "side": SIDE, "heads": 2} for name in LAYERS]})
            case messages.MeasureCost():
                done({"parameters": 1000, "seconds_per_step": 0.1, "bytes": 4000})
            case _:
                super().answer_one(packet)

    def _open(self, request):
        name = request.checkpoint
        if name in INFOS:
            images = image_training(name)
            config = replace(images, unet=replace(images.unet, classes=10))
        else:
            config = TrainingConfig(dataset=name)
        self.describe(request.job, config)
        self.shapes[name] = self.shape
