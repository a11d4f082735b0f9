"""The service on standard input and output, for a window in another process.

Standard output carries frames of the protocol and nothing else: what libraries print goes to
standard error. The process ends with its input, so a window that dies leaves no orphan.
"""

from __future__ import annotations

import os
import queue
import signal
import sys
import threading
from typing import BinaryIO

from platformdirs import user_data_path

from engine.devices import choose_device, use_one_thread
from engine.service.loop import Inbox, Service
from engine.service.remote_files import RemoteFiles
from engine.shared.messages import Packet
from engine.shared.wire import BEGIN, ProtocolError, read_packet, write_packet


def serve(device: str = "auto", *, remote: bool = False) -> None:
    """Serve until the input ends or ``Shutdown`` comes.

    ``remote``: for a window on another machine. What a login shell has written is told from frames
    by a line in between, and files are those of this machine's own folder.
    """
    # Ctrl-C in a shared terminal reaches both processes; the window decides when to end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    use_one_thread()
    output = _take_standard_output()
    inbox: Inbox = queue.SimpleQueue()
    reader = threading.Thread(target=_read_all, args=(sys.stdin.buffer, inbox), daemon=True)
    reader.start()
    files = None
    if remote:
        files = RemoteFiles(user_data_path("ToyDiff", "ToyDiff"))
        output.write(b"\n" + BEGIN)
    chosen = choose_device(device)
    Service(inbox, lambda packet: write_packet(output, packet), chosen, files).run()
    # The reader may still wait for input that never comes; everything is saved, so leave at once.
    sys.stderr.flush()
    os._exit(0)


def _take_standard_output() -> BinaryIO:
    """A private stream to where standard output went, which now goes to standard error."""
    sys.stdout.flush()
    private = os.dup(1)
    os.dup2(2, 1)
    return os.fdopen(private, "wb")


def _read_all(stream: BinaryIO, inbox: Inbox) -> None:
    try:
        packet: Packet | None
        while (packet := read_packet(stream)) is not None:
            inbox.put(packet)
    except (ProtocolError, OSError) as error:
        print(f"engine: {error}", file=sys.stderr)
    finally:
        inbox.put(None)
