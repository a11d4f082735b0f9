"""The QThread that owns the engine and the conversation with it.

The engine is a process of its own (``python -m engine serve``): beside a busy window, training in
the same process loses more than half of its speed and the first backward pass freezes the window.
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
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, Literal, cast

from PySide6.QtCore import QObject, QThread, Signal

from engine.protocol import Packet, ProtocolError, Shutdown, read_packet, write_packet
from toydiff_gui.engine_process import engine_command, engine_environment

EngineKind = Literal["process", "inline"]

PATIENCE_MS = 10_000
"""How long a closing window waits for the engine to save; a save takes milliseconds."""


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
            self.ended.emit(f"the engine could not be started: {error.strerror or error}")
            return
        self._process = process
        stdin, stdout, stderr = (
            cast("IO[bytes]", stream) for stream in (process.stdin, process.stdout, process.stderr)
        )
        writer = threading.Thread(target=self._write, args=(stdin,), name="engine-writer")
        listener = threading.Thread(target=self._listen, args=(stderr,), name="engine-stderr")
        writer.start()
        listener.start()
        fault = ""
        try:
            while (packet := read_packet(stdout)) is not None:
                self._heard = True
                self.received.emit(packet)
        except (ProtocolError, OSError) as error:
            fault = str(error)
            process.kill()
        code = process.wait()
        self._outbox.put(None)
        writer.join()
        listener.join()
        for stream in (stdout, stderr):
            stream.close()
        self.ended.emit("" if self._asked_to_end else self._why(code, fault))

    def _write(self, stdin: IO[bytes]) -> None:
        with suppress(OSError):  # the engine is gone; the reader says why
            while (packet := self._outbox.get()) is not None:
                write_packet(stdin, packet)
        with suppress(OSError):
            stdin.close()

    def _listen(self, stderr: IO[bytes]) -> None:
        for line in stderr:
            text = line.decode(errors="replace").rstrip()
            self._last_words.append(text)
            print(text, file=sys.stderr)

    def _why(self, code: int, fault: str) -> str:
        if fault:
            return f"the engine sent something that could not be read: {fault}"
        how = f"was ended by signal {-code}" if code < 0 else f"ended with status {code}"
        last = next((line for line in reversed(self._last_words) if line.strip()), "")
        return f"the engine {how}" + (f": {last.removeprefix('toydiff: ')}" if last else "")


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
            service = importlib.import_module("engine.service")
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

    Signals:
        received: a ``Packet`` from the engine, in the window's thread.
        died: the engine is gone without being asked; why, in words.
    """

    received = Signal(object)
    died = Signal(str)

    def __init__(
        self, kind: EngineKind = "process", device: str = "auto", parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._kind, self._device = kind, device
        self._thread: EngineThread | None = None
        self._job = 0

    @property
    def thread_in_charge(self) -> EngineThread | None:
        """The running engine's thread."""
        return self._thread

    def start(self) -> None:
        """Start an engine; it reports ``Ready`` when it has loaded."""
        if self._thread is not None:
            return
        thread: EngineThread
        if self._kind == "inline":
            thread = InlineThread(self, self._device)
        else:
            thread = ProcessThread(engine_command("serve", "--device", self._device), self)
        thread.received.connect(self.received)
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
        thread, self._thread = self._thread, None
        if thread is None:
            return
        thread.received.disconnect(self.received)
        thread.ended.disconnect(self._on_ended)
        thread.ask_to_end()
        if not thread.wait(PATIENCE_MS):
            thread.kill()
            thread.wait()
        thread.deleteLater()

    def _on_ended(self, why: str) -> None:
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.wait()
            thread.deleteLater()
        self.died.emit(why or "the engine has ended")
