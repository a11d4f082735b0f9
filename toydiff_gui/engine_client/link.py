"""The QThread that owns the engine and the conversation with it.

The engine is a process of its own (``python -m engine serve``): beside a busy window, training in
the same process loses more than half of its speed and the first backward pass freezes the window.
``RemoteThread`` runs it on another machine instead.
``InlineThread`` runs the same service inside the QThread itself, for debugging and where processes
are not to be had; it is the one place that loads torch into the window's process.
"""

from __future__ import annotations

import importlib
import queue
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import IO, Literal, cast

from PySide6.QtCore import QElapsedTimer, QObject, QThread, Signal

import engine
from engine.shared.messages import Packet, Ready, Shutdown
from engine.shared.wire import (
    ProtocolError,
    TruncatedError,
    read_packet,
    skip_to_begin,
    write_packet,
)
from toydiff_gui.engine_client.command import engine_command, engine_environment
from toydiff_gui.engine_client.file_transfer import FileTransfer
from toydiff_gui.engine_client.ssh import (
    Address,
    Ending,
    noise_instead,
    other_version,
    remote_command,
    why_ended,
)
from toydiff_gui.state.timers import single_shot

EngineKind = Literal["process", "inline"]

PATIENCE_MS = 10_000
"""How long a closing window waits for the engine to save; a save takes milliseconds."""
PAUSES_MS = (1_000, 2_000, 4_000, 8_000, 15_000, 30_000)
"""Before each try to reach an engine on another machine again; the last one for all that follow."""
LASTING_MS = 30_000
"""A connection that held so long was a good one: the pauses begin anew after it."""


class EngineThread(QThread):
    """An engine in a thread's care.

    Signals:
        received: a ``Packet`` from the engine.
        ended: the engine is gone; why, in words, or empty if it was asked to end.
    """

    received = Signal(object)
    ended = Signal(str)

    def send(self, packet: Packet) -> None:
        """Hand over a request; never blocks."""
        raise TypeError("an engine thread must say how to send")

    def ask_to_end(self) -> None:
        """Close the engine's input: it saves what runs and ends."""
        raise TypeError("an engine thread must say how to end")

    def kill(self) -> None:
        """End the engine if it did not end by itself."""


class ProcessThread(EngineThread):
    """Runs the engine as a process; one helper thread writes, another listens to its errors."""

    def __init__(self, command: Sequence[str], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._command = list(command)
        self._outbox: queue.SimpleQueue[Packet | None] = queue.SimpleQueue()
        self._process: subprocess.Popen[bytes] | None = None
        self._last_words: deque[str] = deque(maxlen=20)
        self._asked_to_end = False
        self._heard = False

    @property
    def process_id(self) -> int | None:
        """The engine's process, once it is started."""
        return self._process.pid if self._process else None

    def send(self, packet: Packet) -> None:
        """See ``EngineThread.send``."""
        self._outbox.put(packet)

    def ask_to_end(self) -> None:
        """See ``EngineThread.ask_to_end``."""
        self._asked_to_end = True
        self._outbox.put(None)
        if not self._heard:
            self.kill()  # it is still loading, which takes seconds, and has nothing to save

    def kill(self) -> None:
        """See ``EngineThread.kill``."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()

    def outgoing(self, packet: Packet) -> Iterable[Packet]:
        """What is written for a request; called in the thread that writes."""
        return (packet,)

    def incoming(self, packet: Packet) -> Iterable[Packet]:
        """What is reported for a report; called in the thread that reads."""
        return (packet,)

    def begin(self, stdout: IO[bytes]) -> None:
        """Read what comes before the first frame; raises ``ProtocolError``."""

    def run(self) -> None:
        """Start the process and read from it until it ends."""
        try:
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=engine_environment(),
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )
        except OSError as error:
            self.ended.emit(self.why_not_started(error))
            return
        self._process = process
        stdin, stdout, stderr = (
            cast("IO[bytes]", stream) for stream in (process.stdin, process.stdout, process.stderr)
        )
        writer = threading.Thread(target=self._write, args=(stdin,), name="engine-writer")
        listener = threading.Thread(target=self._listen, args=(stderr,), name="engine-stderr")
        writer.start()
        listener.start()
        fault: Exception | None = None
        try:
            self.begin(stdout)
            while (packet := read_packet(stdout)) is not None:
                self._heard = True
                for report in self.incoming(packet):
                    self.received.emit(report)
        except (ProtocolError, OSError) as error:
            fault = error
            if not isinstance(error, TruncatedError):  # else it ends by itself, and says why
                process.kill()
        code = process.wait()
        self._outbox.put(None)
        writer.join()
        listener.join()
        for stream in (stdout, stderr):
            stream.close()
        self.ended.emit("" if self._asked_to_end else self.why(code, fault))

    def _write(self, stdin: IO[bytes]) -> None:
        with suppress(OSError):  # the engine is gone; the reader says why
            while (packet := self._outbox.get()) is not None:
                for request in self.outgoing(packet):
                    write_packet(stdin, request)
        with suppress(OSError):
            stdin.close()

    def _listen(self, stderr: IO[bytes]) -> None:
        for line in stderr:
            text = line.decode(errors="replace").rstrip()
            self._last_words.append(text)
            print(text, file=sys.stderr)

    def why_not_started(self, error: OSError) -> str:
        """Why there is no process."""
        return f"the engine could not be started: {error.strerror or error}"

    def why(self, code: int, fault: Exception | None) -> str:
        """Why the process has ended, with status ``code``, or with what could not be read."""
        if fault is not None:
            return f"the engine sent something that could not be read: {fault}"
        how = f"was ended by signal {-code}" if code < 0 else f"ended with status {code}"
        last = next((line for line in reversed(self._last_words) if line.strip()), "")
        return f"the engine {how}" + (f": {last.removeprefix('toydiff: ')}" if last else "")


class RemoteThread(ProcessThread):
    """Runs the engine on another machine, through the SSH client."""

    def __init__(self, address: Address, device: str, parent: QObject | None = None) -> None:
        super().__init__(remote_command(address, device), parent)
        self._address = address
        self._transfer = FileTransfer()
        self._refusal: Ending | None = None
        self.was_ready = False
        """Whether the engine has answered."""
        self.broke = False
        """Once it has ended: whether another try may reach it."""

    def outgoing(self, packet: Packet) -> Iterable[Packet]:
        """See ``ProcessThread.outgoing``: with the files that it needs."""
        delivery = self._transfer.outgoing(packet)
        for report in delivery.to_window:
            self.received.emit(report)
        return delivery.to_engine

    def incoming(self, packet: Packet) -> Iterable[Packet]:
        """See ``ProcessThread.incoming``: files are kept, and what they hold is reported then."""
        if isinstance(packet.message, Ready):
            there = packet.message.version
            if there != engine.__version__:
                text = other_version(self._address, there, engine.__version__)
                self._refusal = Ending(text)
                self.kill()
                return ()
            self.was_ready = True
        delivery = self._transfer.incoming(packet)
        for request in delivery.to_engine:
            self._outbox.put(request)
        return delivery.to_window

    def begin(self, stdout: IO[bytes]) -> None:
        """Skip what a login says over there."""
        try:
            skip_to_begin(stdout)
        except ProtocolError as error:
            if not isinstance(error, TruncatedError):
                self._refusal = Ending(noise_instead(self._address, *error.args))
            raise

    def why_not_started(self, error: OSError) -> str:
        """See ``ProcessThread.why_not_started``."""
        return (
            f"the SSH client {self._command[0]!r} cannot be started: {error.strerror or error}; "
            f"an engine on {self._address.login} needs OpenSSH"
        )

    def why(self, code: int, fault: Exception | None) -> str:
        """See ``ProcessThread.why``."""
        if self._refusal is not None:
            ending = self._refusal
        elif isinstance(fault, ProtocolError) and not isinstance(fault, TruncatedError):
            ending = Ending(super().why(code, fault))
        else:
            lines = list(self._last_words)
            ending = why_ended(self._address, code, lines, was_ready=self.was_ready)
        self.broke = ending.broke
        return ending.text


class InlineThread(EngineThread):
    """Runs the engine's service inside this thread."""

    def __init__(self, parent: QObject | None = None, device: str = "auto") -> None:
        super().__init__(parent)
        self._device = device
        self._inbox: queue.SimpleQueue[Packet | None] = queue.SimpleQueue()

    def send(self, packet: Packet) -> None:
        """See ``EngineThread.send``."""
        self._inbox.put(packet)

    def ask_to_end(self) -> None:
        """See ``EngineThread.ask_to_end``."""
        self._inbox.put(Packet(Shutdown()))

    def run(self) -> None:
        """Load the engine and serve until asked to end."""
        # Imported by name: the window's code does not depend on torch, only this mode does.
        try:
            service = importlib.import_module("engine.service.loop")
            devices = importlib.import_module("engine.devices")
            device = devices.choose_device(self._device)
            devices.use_one_thread()
            service.Service(self._inbox, self.received.emit, device).run()
        except ValueError as error:
            self.ended.emit(f"the engine could not start: {error}")
        except Exception as error:
            # Whatever goes wrong in here, the window must live on and say so.
            self.ended.emit(f"the engine failed: {type(error).__name__}: {error}")
        else:
            self.ended.emit("")


class EngineLink(QObject):
    """The window's end of the conversation; starts, ends and restarts the engine.

    ``kind`` may be the address of another machine. A connection there that breaks is said as
    ``died`` and then tried again, more and more rarely, until it stands or ``give_up`` is called.

    Signals:
        received: a ``Packet`` from the engine, in the window's thread.
        died: the engine is gone without being asked; why, in words.
        reconnecting: a broken connection is being tried again; how it stands, in words.
    """

    received = Signal(object)
    died = Signal(str)
    reconnecting = Signal(str)

    def __init__(
        self,
        kind: EngineKind | Address = "process",
        device: str = "auto",
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._kind, self._device = kind, device
        self._thread: EngineThread | None = None
        self._job = 0
        self._broken = False
        self._tries = 0
        """Since a connection has held for a while."""
        self._since = QElapsedTimer()
        self._pause = single_shot(self, PAUSES_MS[0], self._reconnect)

    @property
    def address(self) -> Address | None:
        """The other machine on which the engine is; None for this one."""
        return self._kind if isinstance(self._kind, Address) else None

    @property
    def thread_in_charge(self) -> EngineThread | None:
        """The running engine's thread."""
        return self._thread

    def start(self) -> None:
        """Start an engine; it reports ``Ready`` when it has loaded."""
        if self._thread is not None:
            return
        self._pause.stop()
        thread: EngineThread
        if self._kind == "inline":
            thread = InlineThread(self, self._device)
        elif isinstance(self._kind, Address):
            thread = RemoteThread(self._kind, self._device, self)
        else:
            thread = ProcessThread(engine_command("serve", "--device", self._device), self)
        thread.received.connect(self._on_received)
        thread.ended.connect(self._on_ended)
        self._thread = thread
        thread.start()

    def next_job(self) -> int:
        """A number for the next request."""
        self._job += 1
        return self._job

    def send(self, packet: Packet) -> None:
        """Hand a request to the engine; lost if there is none (``died`` has been told then)."""
        if self._thread is not None:
            self._thread.send(packet)

    def stop(self) -> None:
        """End the engine, letting it save what runs, and wait until it is gone."""
        self._pause.stop()
        self._broken, self._tries = False, 0
        thread, self._thread = self._thread, None
        if thread is None:
            return
        thread.received.disconnect(self._on_received)
        thread.ended.disconnect(self._on_ended)
        thread.ask_to_end()
        if not thread.wait(PATIENCE_MS):
            thread.kill()
            thread.wait()
        thread.deleteLater()

    def give_up(self) -> None:
        """Try a broken connection no more."""
        if self._broken and self.address is not None:
            self.stop()
            self.died.emit(f"the connection to {self.address.login} is not tried any more")

    def _on_received(self, packet: Packet) -> None:
        if isinstance(packet.message, Ready):
            self._broken = False
            self._since.start()
        self.received.emit(packet)

    def _on_ended(self, why: str) -> None:
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.wait()
            thread.deleteLater()
        if isinstance(thread, RemoteThread) and thread.broke and (thread.was_ready or self._broken):
            self._wait_to_reconnect(why, had_answered=thread.was_ready)
            return
        self._broken, self._tries = False, 0
        self.died.emit(why or "the engine has ended")

    def _wait_to_reconnect(self, why: str, *, had_answered: bool) -> None:
        if had_answered:
            if self._since.elapsed() >= LASTING_MS:
                self._tries = 0
            self.died.emit(why)
        self._broken = True
        pause = PAUSES_MS[min(self._tries, len(PAUSES_MS) - 1)]
        self._tries += 1
        self._pause.start(pause)
        self.reconnecting.emit(f"{why}; trying again in {max(1, pause // 1000)} s")

    def _reconnect(self) -> None:
        self.start()
        if self.address is not None:
            self.reconnecting.emit(f"connecting to {self.address.login} again, try {self._tries}")
