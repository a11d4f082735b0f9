"""Messages between a window and an engine, and the packets they travel in. No torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec
from numpy.typing import NDArray

from engine.shared.config import SamplerConfig, TrainingConfig

Arrays = Mapping[str, NDArray[Any]]
DiagnosisKind = Literal["pairs", "loss", "exact_loss", "density", "error_map"]

LIVE = "live"
"""The name under which the averaged weights of the running training can be sampled."""


class Message(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """``job`` ties a request to its answers; the sender of requests counts it up."""

    job: int = 0


# Requests


class Request(Message, frozen=True, kw_only=True):
    """``slot`` separates requests of one kind (a slot a lane): a newer one supersedes the older."""

    slot: str = ""


class Open(Request, frozen=True, kw_only=True):
    """Describe a checkpoint; answered by a ``Result``, ``info`` as in ``Checkpoint.describe``."""

    checkpoint: str


class Train(Request, frozen=True, kw_only=True):
    """Train into the folder ``out``; previews come about every ``snapshot_seconds``."""

    config: TrainingConfig
    out: str
    resume: bool = False
    snapshot_seconds: float = 0.5
    data_root: str = ""
    """Where images are looked for first; empty: only where they usually are."""


class Sample(Request, frozen=True, kw_only=True):
    """Frames from ``count`` drawn latents, or from the array ``latents`` (N, ...) if it is sent.

    ``last``: only the frame at t = 0. The array ``classes`` (N, K) or (1, K), if it is sent, holds
    class weights, which ``guidance`` exaggerates (see
    ``engine.diffusion.denoiser.GuidedDenoiser``). The images of an exact denoiser are looked for in
    ``data_root`` first. The result's ``info`` has ``off_data`` where it is known.
    """

    checkpoint: str
    sampler: SamplerConfig
    count: int = 0
    seed: int = 0
    last: bool = False
    guidance: float = 1.0
    data_root: str = ""


class Interpolate(Request, frozen=True, kw_only=True):
    """Frames from a path of ``points`` latents between the arrays ``start`` and ``end`` (...).

    ``path`` is a name as in ``engine.paths.curves`` or 'geodesic', with its ``side``; the array
    ``through`` (M, ...) holds the way-points of 'drawn'. ``even``: evenly spaced where they are
    decoded, which the geodesic always is. The array ``classes``, ``guidance``, ``data_root`` and
    the result's ``info`` are those of ``Sample``.
    """

    checkpoint: str
    sampler: SamplerConfig
    points: int = 500
    path: str = "linear"
    side: str = "left"
    even: bool = False
    seed: int = 0
    guidance: float = 1.0
    data_root: str = ""


class FindPath(Request, frozen=True, kw_only=True):
    """Look for the geodesic between the arrays ``start`` and ``end`` (...).

    Answered by a ``PathFound`` for every improvement. The result has the array ``latents``
    (N, ...), evenly decoded, and in ``info`` coefficients, the energies, and off_data where it is
    known. The array ``classes``, here (1, K) or (M, K) evenly along the path, and ``guidance`` are
    those of ``Sample``.
    """

    checkpoint: str
    points: int = 500
    seed: int = 0
    guidance: float = 1.0


class ComparePaths(Request, frozen=True, kw_only=True):
    """Measure ``paths`` between the arrays ``start`` and ``end`` (...) as lanes show them.

    Answered by a ``PathMeasured`` for each. ``even`` and the array ``through`` as in
    ``Interpolate``; 'geodesic' is the array ``geodesic`` (N, ...), and left out without it. The
    array ``classes`` and ``guidance`` as in ``FindPath``.
    """

    checkpoint: str
    sampler: SamplerConfig
    paths: list[str]
    points: int = 500
    side: str = "left"
    even: bool = False
    seed: int = 0
    guidance: float = 1.0


class Invert(Request, frozen=True, kw_only=True):
    """Frames from the array ``data`` (N, ...) at t = 0 up to its latents at t = T.

    ``replay``: the latents are carried back as well, and the result has the arrays ``latents`` and
    ``errors`` (N,), the distance of each point to where it comes back. The array ``classes`` and
    ``guidance`` are those of ``Sample``.
    """

    checkpoint: str
    steps: int | None = None
    replay: bool = False
    guidance: float = 1.0


class Field(Request, frozen=True, kw_only=True):
    """The prediction for the array ``points`` at each of ``times``, as ``FieldAt``, in order."""

    checkpoint: str
    times: list[int]


class Evaluate(Request, frozen=True, kw_only=True):
    """Distance and off-data share with their floors; ``quick`` for the live figures.

    For images the result's ``info`` has the fields of ``engine.analysis.images.ImageQuality``. A
    set whose classifier has to be trained first needs its images, looked for in ``data_root`` as
    well.
    """

    checkpoint: str
    quick: bool = False
    data_root: str = ""


class Diagnose(Request, frozen=True, kw_only=True):
    """Look at the noise that a checkpoint predicts; answered in pieces, as ``Diagnosis``.

    'pairs': ``count`` true and predicted values, of up to ``dimensions`` dimensions. 'loss': the
    error at about so many ``times`` from ``count`` draws; 'exact_loss': the same of the denoiser
    that knows the training data (of images those at most 4096 that are drawn from), for the same
    draws. 'density': all values of ``count`` draws, as counts; 'error_map': the error of each
    number of a state at about so many ``times``. Images are looked for in ``data_root`` first.
    """

    checkpoint: str
    kind: DiagnosisKind
    seed: int = 0
    count: int = 2000
    times: int = 80
    dimensions: int = 2
    data_root: str = ""


class Attend(Request, frozen=True, kw_only=True):
    """The attention of the network of ``checkpoint`` in the array ``x`` (K, C, H, W).

    ``x[k]`` is the state of one image at ``times[k]``, each in 1..T; class weights (1, K) may come
    along as the array ``classes``. Answered by an ``AttentionAt`` for each time, in order. The
    result's ``info`` has ``layers``: name, side of the image and number of heads of each.
    """

    checkpoint: str
    times: list[int]
    layer: str = ""
    """The layer's name as in ``UNet.attention_sizes``; empty for the first one at the lowest."""


class BrowseImages(Request, frozen=True, kw_only=True):
    """Some images of a set: the arrays ``images`` uint8 (n, C, H, W), ``labels`` and ``rows``
    int64 (n,).

    ``config`` names the set; its images are drawn by ``seed``. ``info`` has ``count``, the size of
    the set.
    """

    config: TrainingConfig
    count: int = 60
    seed: int = 0
    data_root: str = ""


class FindData(Request, frozen=True, kw_only=True):
    """Where the image sets are; ``info`` maps the name of each to its folder, '' if not found.

    Each is looked for in ``data_roots`` in their order, then in the usual places. ``info`` also has
    ``download_root``, where ``DownloadData`` with the first of them would put a set.
    """

    data_roots: list[str] = []


class DownloadData(Request, frozen=True, kw_only=True):
    """Fetch the image set ``dataset``, asked for by the user; ``Progress`` counts bytes.

    It is done by a process of its own. The result's ``info`` has ``root``.
    """

    dataset: str
    data_root: str = ""


class MeasureCost(Request, frozen=True, kw_only=True):
    """What a training would cost: ``info`` has ``parameters``, ``seconds_per_step`` and ``bytes``.

    Measured by a few passes of the real network, without any data.
    """

    config: TrainingConfig


class Fetch(Request, frozen=True, kw_only=True):
    """The file ``path`` of a training on the engine's machine, as in
    ``engine.service.remote_files``.

    The result has the array ``content`` uint8 (size,), or nothing if there is no such file. The
    window's own requests name a training's folder here; see
    ``toydiff_gui.engine_client.file_transfer``.
    """

    path: str


class Deliver(Message, frozen=True, kw_only=True):
    """Keep the array ``content`` uint8 (size,) as the file ``path`` on the engine's machine.

    Answered only if that fails: what needs the file comes after it.
    """

    path: str


class Cancel(Message, frozen=True, kw_only=True):
    """Drop ``job``; a training is saved first and answers with a ``Result``."""


class Pause(Message, frozen=True, kw_only=True):
    """Hold a training where it is."""


class Resume(Message, frozen=True, kw_only=True):
    """Let a held training go on."""


class Shutdown(Message, frozen=True, kw_only=True):
    """Save what runs and end."""


# Reports


class Ready(Message, frozen=True, kw_only=True):
    """The engine has loaded; ``devices`` can be chosen, ``device`` is in use."""

    version: str
    device: str
    devices: list[str]


class Progress(Message, frozen=True, kw_only=True):
    """``done`` of ``total``; times in seconds, ``remaining`` None while unknown."""

    done: int
    total: int
    elapsed: float
    remaining: float | None = None
    values: dict[str, float] = {}


class Frame(Message, frozen=True, kw_only=True):
    """State ``index`` of ``times``, with arrays x and x0 (N, ...), of any one shape."""

    index: int
    times: list[int] = []
    """All visited times, in the first frame only; later ones leave it empty."""


class FieldAt(Message, frozen=True, kw_only=True):
    """What a denoiser sees at time ``t``, with arrays x0 and eps."""

    t: int


class PathFound(Message, frozen=True, kw_only=True):
    """A better path after ``step`` of ``total`` passes.

    Arrays: ``latents`` (N, ...); ``t`` (K+1,), ``x`` and ``x0`` (K+1, M, ...) of a few steps from
    some points on it (as ``engine.shared.trajectory.packed`` where shapes differ).
    """

    step: int
    total: int
    energy: float
    elapsed: float


class PathMeasured(Message, frozen=True, kw_only=True):
    """What the sampler makes of ``path``; ``off_data`` in 0..1, None where it is not known.

    ``gap`` is the largest distance between neighbours, ``gap_ratio`` the same over the median.
    """

    path: str
    length: float
    gap: float
    gap_ratio: float
    off_data: float | None


class Snapshot(Message, frozen=True, kw_only=True):
    """A training seen from outside at ``step``.

    Arrays: ``steps`` and ``losses`` since the last snapshot; ``t`` (K+1,), ``x`` and ``x0``
    (K+1, N, ...) of samples from fixed latents (as ``engine.shared.trajectory.packed`` where shapes
    differ), and the ``mean`` and ``std`` of each coordinate or
    channel. Samples that cost much are drawn less often: reports in between, never the first one,
    have ``steps`` and ``losses`` alone. ``values``, as far as they are known: distance,
    distance_floor, and off_data, off_data_floor for points, recognised, recognised_floor for
    images.
    """

    step: int
    total: int
    elapsed: float
    remaining: float | None
    values: dict[str, float] = {}


class Diagnosis(Message, frozen=True, kw_only=True):
    """A piece of an answer to ``Diagnose``: ``done`` of ``total``; T is ``timesteps``.

    Arrays for 'pairs': ``t`` (n,), ``eps`` and ``eps_hat`` (n, d) of this piece, ``dimensions``
    (d,), and ``r``, ``mse`` and ``bias`` (d,) of all pieces so far. For the losses: ``t``, ``loss``
    and its standard ``error``, each (1,). For 'density', of all pieces so far: ``counts`` int32
    (bins, cells, cells) and ``edges`` (bins + 1,) as in
    ``engine.analysis.noise_errors.NoiseDensity``, and ``r``, ``mse``, ``bias``, each (1,). For
    'error_map': ``t`` (1,) and ``error`` (...) in the shape of a state.
    """

    kind: DiagnosisKind
    done: int
    total: int
    timesteps: int


class AttentionAt(Message, frozen=True, kw_only=True):
    """Attention ``index`` of those asked for, at time ``t``.

    Array ``weights`` (heads, L, L): the share of each of L pixels (columns) for each (rows); a
    pixel is row * side + column.
    """

    index: int
    t: int
    layer: str
    side: int


class Result(Message, frozen=True, kw_only=True):
    """The job has ended as asked; ``cancelled`` when it was ended before."""

    info: dict[str, Any] = {}
    seconds: float = 0.0
    cancelled: bool = False


class Failure(Message, frozen=True, kw_only=True):
    """The job has failed. ``internal`` marks a defect, with its traceback in ``detail``."""

    message: str
    internal: bool = False
    detail: str = ""


AnyRequest = (
    Open
    | Train
    | Sample
    | Interpolate
    | FindPath
    | ComparePaths
    | Invert
    | Field
    | Evaluate
    | Diagnose
    | Attend
    | BrowseImages
    | FindData
    | DownloadData
    | MeasureCost
    | Fetch
    | Deliver
    | Cancel
    | Pause
    | Resume
    | Shutdown
)
AnyReport = (
    Ready
    | Progress
    | Frame
    | FieldAt
    | PathFound
    | PathMeasured
    | Snapshot
    | Diagnosis
    | AttentionAt
    | Result
    | Failure
)
AnyMessage = AnyRequest | AnyReport


@dataclass(frozen=True)
class Packet:
    """A message with the arrays that came along."""

    message: AnyMessage
    arrays: Arrays = field(default_factory=dict)
