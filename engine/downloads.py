"""Fetching a set of images, on the user's word alone.

Addresses and md5 sums are torchvision's. Everything happens in a folder of its own beside the
place where the set will be, and moves there when it is whole and has been read once.
"""

from __future__ import annotations

import hashlib
import http.client
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from torchvision.datasets import CIFAR10, MNIST, FashionMNIST

from engine import cifar_files, idx_files
from engine.config import require_choice
from engine.data_places import CIFAR_FOLDER, FETCHED, IDX_FOLDERS, Place, find_in
from engine.image_data import load_from

ROUNDS = 3
"""How often each address is tried."""
PAUSE = 1.0
"""Seconds before the next round."""
SILENCE = 15.0
"""Seconds without a byte after which a connection counts as broken."""
MOST_BYTES = 2**30
CHUNK = 2**17

USUAL_BYTES = {
    "mnist": (9_912_422, 28_881, 1_648_877, 4_542),
    "fashion": (26_421_880, 29_515, 4_422_102, 5_148),
    "cifar10": (170_498_071,),
}
"""Sizes of the files, in torchvision's order: for the progress, until a server has said more."""


@dataclass(frozen=True)
class RemoteFile:
    """A file to fetch, from any of ``urls``; ``usual_bytes`` is its expected size."""

    name: str
    urls: tuple[str, ...]
    md5: str
    usual_bytes: int


@dataclass(frozen=True)
class Fetched:
    """Bytes that have come, of those expected in all."""

    done: int
    total: int


class _BrokenError(Exception):
    """A transfer failed; another attempt may succeed."""


class _RefusedError(Exception):
    """This address does not have the file."""


def remote_files(name: str) -> list[RemoteFile]:
    """The files of the set ``name`` where it is published."""
    sizes = USUAL_BYTES[name]
    if name not in IDX_FOLDERS:
        return [RemoteFile(CIFAR10.filename, (CIFAR10.url,), CIFAR10.tgz_md5, sizes[0])]
    source = {"mnist": MNIST, "fashion": FashionMNIST}[name]
    return [
        RemoteFile(file, tuple(mirror + file for mirror in source.mirrors), md5, size)
        for (file, md5), size in zip(source.resources, sizes, strict=True)
    ]


def fetch(name: str, root: Path, staging: Path) -> Generator[Fetched, None, Path]:
    """Fetch the set ``name`` into ``root`` by way of ``staging``, a folder in it; returns where
    it is.

    An item for each piece that has come. Nothing is fetched if the set is there already and sound.
    Raises ``ValueError`` naming the file and why it could not be had, or is not the published one;
    ``root`` is then as it was.
    """
    require_choice("set of images", name, FETCHED, ())
    if (known := find_in(name, root)) and _complaint(known) is None:
        return known.folder
    try:
        fetched = yield from _fetch_files(remote_files(name), staging)
        inside = Path(IDX_FOLDERS[name], "raw") if name in IDX_FOLDERS else Path(CIFAR_FOLDER)
        unpacked = staging / "unpacked"
        _unpack(fetched, unpacked, inside)
        if complaint := _complaint(Place(name, unpacked / inside)):
            raise ValueError(f"cannot use what was fetched: {complaint}")
        _move(unpacked / inside, root / inside)
    except OSError as error:
        reason = error.strerror or error
        raise ValueError(f"cannot put {name!r} into {root}: {reason}") from error
    return root / inside


def _fetch_files(files: list[RemoteFile], folder: Path) -> Generator[Fetched, None, list[Path]]:
    sizes = [file.usual_bytes for file in files]
    paths = []
    for number, file in enumerate(files):
        before = sum(sizes[:number])
        for part in _fetch_file(file, folder / file.name):
            sizes[number] = part.total or max(file.usual_bytes, part.done)
            yield Fetched(before + part.done, sum(sizes))
        paths.append(folder / file.name)
    return paths


def _fetch_file(file: RemoteFile, path: Path) -> Generator[Fetched, None, None]:
    """Try every address in turn; a broken connection is tried again, a refusal is not."""
    urls, reasons = list(file.urls), dict[str, str]()
    for attempt in range(ROUNDS):
        if attempt:
            time.sleep(PAUSE)
        for url in list(urls):
            try:
                yield from _transfer(url, file.md5, path)
                return
            except (_BrokenError, _RefusedError) as error:
                reasons[urlsplit(url).netloc] = str(error)
                if isinstance(error, _RefusedError):
                    urls.remove(url)
        if not urls:
            break
    tried = "; ".join(f"{host}: {reason}" for host, reason in reasons.items())
    raise ValueError(f"cannot fetch {file.name} from {tried}")


def _transfer(url: str, md5: str, path: Path) -> Generator[Fetched, None, None]:
    """One attempt; ``total`` of an item is 0 where the server does not say it."""
    digest, done = hashlib.md5(usedforsecurity=False), 0
    with _opened(url) as answer, path.open("wb") as out:  # from the beginning at each attempt
        told = answer.headers.get("Content-Length", "")
        total = int(told) if told.isdecimal() else 0
        yield Fetched(0, total)
        while chunk := _receive(answer):
            done += len(chunk)
            if max(done, total) > MOST_BYTES:
                raise _RefusedError(f"it sends {max(done, total)} bytes, more than {MOST_BYTES}")
            out.write(chunk)
            digest.update(chunk)
            yield Fetched(done, total)
    if done < total:
        raise _BrokenError(f"the connection broke after {done} of {total} bytes")
    if digest.hexdigest() != md5:
        raise _RefusedError(f"the md5 sum is {digest.hexdigest()}, not {md5}")
    yield Fetched(done, done)


@contextmanager
def _opened(url: str) -> Iterator[Any]:
    try:
        answer = urlopen(Request(url, headers={"User-Agent": "toydiff"}), timeout=SILENCE)
    except HTTPError as error:
        error.close()
        kind = _BrokenError if error.code >= 500 else _RefusedError
        raise kind(f"it answers {error.code} {error.reason}") from error
    except (OSError, http.client.HTTPException) as error:
        raise _BrokenError(_reason(error)) from error
    with answer:
        yield answer


def _receive(answer: Any) -> bytes:
    try:
        chunk: bytes = answer.read1(CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise _BrokenError(f"the connection broke: {_reason(error)}") from error
    return chunk


def _reason(error: BaseException) -> str:
    """The innermost plain sentence of an error of the network."""
    if isinstance(error, URLError) and isinstance(error.reason, BaseException):
        return _reason(error.reason)
    if isinstance(error, TimeoutError):
        return f"no answer within {SILENCE:g} seconds"
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__


def _unpack(fetched: list[Path], unpacked: Path, inside: Path) -> None:
    if inside == Path(CIFAR_FOLDER):
        cifar_files.unpack(fetched[0], unpacked)
        return
    (unpacked / inside).mkdir(parents=True)
    for path in fetched:
        idx_files.unpack(path, unpacked / inside / path.stem)


def _complaint(place: Place) -> str | None:
    """What is wrong with the set at ``place``; None if it can be read."""
    try:
        for split in ("test", "train"):
            load_from(place, split)
    except ValueError as error:
        return str(error)
    return None


def _move(source: Path, target: Path) -> None:
    """Put the files of ``source`` into ``target``, at once where there was no such folder."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        source.rename(target)
        return
    for path in source.iterdir():
        path.replace(target / path.name)
