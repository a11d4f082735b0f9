"""A service as a loop in this thread, for tests to talk to."""

from __future__ import annotations

import queue
from collections.abc import Callable

import numpy as np
import torch

from engine.service import loop
from engine.service.loop import Service
from engine.shared import messages
from engine.shared.messages import Packet


class Conversation:
    """Runs a service on some requests; ``react`` sees every report as it is sent.

    Ends when every request that was made has its result or failure.
    """

    def __init__(self) -> None:
        self.inbox: loop.Inbox = queue.SimpleQueue()
        self.reports: list[Packet] = []
        self.react: Callable[[Packet], object] = lambda packet: None
        self._open: set[int] = set()

    def put(self, message, **arrays) -> None:
        if isinstance(message, messages.Request):
            self._open.add(message.job)
        self.inbox.put(Packet(message, arrays))

    def end(self) -> None:
        self.inbox.put(None)

    def _send(self, packet: Packet) -> None:
        self.reports.append(packet)
        self.react(packet)
        if isinstance(packet.message, (messages.Result, messages.Failure)):
            self._open.discard(packet.message.job)
            if not self._open:
                self.end()

    def run(self) -> None:
        Service(self.inbox, self._send, torch.device("cpu")).run()

    def of(self, job: int, kind: type | None = None) -> list[Packet]:
        return [
            packet
            for packet in self.reports
            if packet.message.job == job and isinstance(packet.message, kind or object)
        ]

    def last(self, job: int):
        return self.of(job)[-1].message

    def frames(self, job: int) -> np.ndarray:
        return np.stack([packet.arrays["x"] for packet in self.of(job, messages.Frame)])
