"""Fetching a set of images, on the user's word alone.

Addresses and md5 sums are torchvision's. Everything happens in a folder of its own beside the
place where the set will be, and moves there when it is whole. Free of torch, so that it starts at
once.
"""

from __future__ import annotations

import hashlib
import http.client
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from engine.image_files import cifar, idx
from engine.image_files.places import CIFAR_FOLDER, FETCHED, IDX_FOLDERS, IDX_SPLITS, Place, find_in
from engine.image_files.published import PUBLISHED, RemoteFile
from engine.shared.config import require_choice

ROUNDS = 3
"""How often each address is tried."""
PAUSE = 1.0
"""Seconds before the next round."""
SILENCE = 15.0
"""Seconds without a byte after which a connection counts as broken."""
MOST_BYTES = 2**30
CHUNK = 2**17


@dataclass(frozen=True)
class Fetched:
    """Bytes that have come, of those expected in all."""

    done: int
    total: int


class _BrokenError(Exception):
    """A transfer failed; another attempt may succeed."""


class _RefusedError(Exception):
    """This address does not have the file."""


def fetch(name: str, root: Path, staging: Path) -> Generator[Fetched, None, Path]:
    """Fetch the set ``name`` into ``root`` by way of ``staging``, a folder in it; returns where
    it is.

    An item for each piece that has come. Nothing is fetched if the set is there already and sound.
    Raises ``ValueError`` naming the file and why it could not be had, or is not the published one;
    ``root`` is then as it was.
    """
    require_choice("set of images", name, FETCHED, ())
    if (known := find_in(name, root)) and _is_sound(known):
        return known.folder
    inside = Path(IDX_FOLDERS[name], "raw") if name in IDX_FOLDERS else Path(CIFAR_FOLDER)
    published, unpacked = PUBLISHED[name], staging / "unpacked"
    try:
        fetched = yield from _fetch_files(published.files, staging)
        if name in IDX_FOLDERS:
            (unpacked / inside).mkdir(parents=True)
            for path in fetched:
                idx.unpack(path, unpacked / inside / path.stem)
        else:
            cifar.unpack(fetched[0], unpacked, published.members)
            cifar.check(unpacked / inside, published.members)
        _move(unpacked / inside, root / inside)
    except OSError as error:
        reason = error.strerror or error
        raise ValueError(f"cannot put {name!r} into {root}: {reason}") from error
    return root / inside


def _fetch_files(files: Sequence[RemoteFile], folder: Path) -> Generator[Fetched, None, list[Path]]:
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


def _is_sound(place: Place) -> bool:
    """Whether the set at ``place`` is whole."""
    try:
        if place.name in IDX_FOLDERS:
            for split in IDX_SPLITS:
                for path in place.idx_files(split):
                    idx.check(path)
        elif place.folder.name == CIFAR_FOLDER:
            cifar.check(place.folder, PUBLISHED[place.name].members)
        else:
            archive = PUBLISHED[place.name].files[0]
            return cifar.md5_of(place.folder / archive.name) == archive.md5
    except (ValueError, OSError):
        return False
    return True


def _move(source: Path, target: Path) -> None:
    """Put the files of ``source`` into ``target``, at once where there was no such folder."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists():
        source.rename(target)
        return
    for path in source.iterdir():
        path.replace(target / path.name)
