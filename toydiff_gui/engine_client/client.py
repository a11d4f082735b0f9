"""Requests to the engine and what comes back, matched by the number of the job."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast

import msgspec
from PySide6.QtCore import QObject, Signal, SignalInstance

from engine.shared import messages
from engine.shared.messages import AnyReport, AnyRequest, Arrays, Packet

Report = Callable[[AnyReport, Arrays], None]
Done = Callable[[messages.Result, Arrays], None]
Failed = Callable[[messages.Failure], None]


class Link(Protocol):
    """What carries packets to the engine and back (see ``EngineLink``)."""

    @property
    def received(self) -> SignalInstance:
        """A ``Packet`` from the engine."""

    @property
    def died(self) -> SignalInstance:
        """The engine is gone; why."""

    def next_job(self) -> int:
        """A number for the next request."""

    def send(self, packet: Packet) -> None:
        """Hand a packet to the engine."""


def _ignore(*_: object) -> None:
    """For those who do not want to hear."""


@dataclass(frozen=True)
class _Job:
    report: Report
    done: Done
    failed: Failed


class Client(QObject):
    """Sends requests, and hands every answer to whoever asked.

    Whoever has cancelled a job hears no more of it. When the engine dies, all jobs are forgotten;
    those who wait connect to ``died``.

    Signals:
        ready: an engine has come up; its ``messages.Ready``.
        died: the engine is gone without being asked; why, in words. All jobs are forgotten by then.
        failed_unasked: the engine met a defect in something that nobody waits for; in words.
        jobs_finished: counts up with every request that has ended.
    """

    ready = Signal(object)
    died = Signal(str)
    failed_unasked = Signal(str)
    jobs_finished = Signal(int)

    def __init__(self, link: Link, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._link = link
        self._jobs: dict[int, _Job] = {}
        self._finished = 0
        link.received.connect(self._on_packet)
        link.died.connect(self._on_died)

    def ask(
        self,
        request: messages.Request,
        arrays: Arrays | None = None,
        *,
        report: Report = _ignore,
        done: Done = _ignore,
        failed: Failed = _ignore,
    ) -> int:
        """Send a request under a new number, which is returned.

        ``report`` hears what comes before the end, then either ``done`` or ``failed`` once.
        """
        job = self._link.next_job()
        self._jobs[job] = _Job(report, done, failed)
        numbered = cast(AnyRequest, msgspec.structs.replace(request, job=job))
        self._link.send(Packet(numbered, arrays or {}))
        return job

    def cancel(self, job: int) -> None:
        """Wait no longer for a job; nothing if it has ended."""
        if self._jobs.pop(job, None) is not None:
            self._link.send(Packet(messages.Cancel(job=job)))

    def tell(self, message: AnyRequest) -> None:
        """Send what has no answer, such as ``Pause``, or a ``Cancel`` whose end is waited for."""
        self._link.send(Packet(message))

    def is_waiting(self, job: int | None) -> bool:
        """Whether a job has not ended."""
        return job in self._jobs

    def _on_packet(self, packet: Packet) -> None:
        match packet.message:
            case messages.Ready() as message:
                self.ready.emit(message)
            case messages.Result() as message:
                if (job := self._jobs.pop(message.job, None)) is not None:
                    job.done(message, packet.arrays)
                self._count()
            case messages.Failure() as message:
                if (job := self._jobs.pop(message.job, None)) is not None:
                    job.failed(message)
                elif message.internal:
                    self.failed_unasked.emit(message.message)
                self._count()
            case message:
                if (job := self._jobs.get(message.job)) is not None:
                    job.report(cast(AnyReport, message), packet.arrays)

    def _count(self) -> None:
        self._finished += 1
        self.jobs_finished.emit(self._finished)

    def _on_died(self, why: str) -> None:
        self._jobs.clear()
        self.died.emit(why)
