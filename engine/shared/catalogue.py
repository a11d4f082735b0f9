"""Everything that has a name to choose it by, a row each: no torch, nothing else of ours.

Panels, commands, help texts and checks are views of these tables. A row names the function or class
that does its work; the module that holds those refuses to load when one of them is missing. To add
a sampler, a kind of path, a schedule or a set of points, write the function and its row.

The tables are read when they are needed and never copied, so that a test may put one with more rows
in the place of a table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

POINTS, IMAGES = "points", "images"
"""Names of the kinds of state."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """``name`` is what is typed and stored, ``title`` what people read."""

    name: str
    title: str


AnyRow = TypeVar("AnyRow", bound=Row)


@dataclass(frozen=True, kw_only=True)
class KindRow(Row):
    """What states are, and what follows from it without torch; the rest is in five tables.

    These are ``engine.checkpoints.data.DATA``, ``engine.checkpoints.networks.NETWORKS``, and those
    of previews, evaluations and geodesics. ``states``: several of them, in a sentence. ``data``:
    the kinds of data sets that such states come from. ``network`` is the field of
    ``TrainingConfig`` that describes the network, ``needs`` what to call that. ``options`` of the
    command ``train`` are for this kind, others for all. ``path_points``: how many lie on a path,
    unless asked otherwise.
    """

    states: str
    data: tuple[str, ...]
    network: str
    needs: str
    options: tuple[str, ...]
    path_points: int


KINDS: tuple[KindRow, ...] = (
    KindRow(
        name=POINTS,
        title="Points",
        states="points",
        data=(POINTS,),
        network="model",
        needs="a network for points, not a UNet",
        options=("depth",),
        path_points=500,
    ),
    KindRow(
        name=IMAGES,
        title="Images",
        states="images",
        data=(IMAGES,),
        network="unet",
        needs="a UNet",
        options=("preset", "attention", "classes", "unlabelled", "data_root"),
        path_points=12,  # a strip of them fits a window
    ),
)


@dataclass(frozen=True, kw_only=True)
class SamplerRow(Row):
    """``made_by`` is the class or function of ``engine.diffusion.samplers`` that makes it.

    It is called with ``steps``, and with ``eta`` where ``has_eta``. ``evaluations`` counts those of
    a step; the last step, which ends at t = 0, always takes one. ``random``: the same latent ends
    somewhere else each time; ``shared_noise``: all samples get the same noise in a step.
    ``eta_of_ddim``: it is DDIM with this share of fresh noise, where it is.
    """

    tip: str
    made_by: str
    evaluations: int = 1
    random: bool = False
    shared_noise: bool = False
    has_eta: bool = False
    eta_of_ddim: float | None = None


SAMPLERS: tuple[SamplerRow, ...] = (
    SamplerRow(
        name="ddpm",
        title="DDPM",
        tip="Takes a small random step at each t: the same latent ends somewhere else each time.",
        made_by="DDPM",
        random=True,
        eta_of_ddim=1.0,
    ),
    SamplerRow(
        name="ddpm-shared",
        title="DDPM, shared noise",
        tip="As DDPM, with the same random steps for all points: neighbours stay together.",
        made_by="DDPMSharedNoise",
        random=True,
        shared_noise=True,
        eta_of_ddim=1.0,
    ),
    SamplerRow(
        name="ddim",
        title="DDIM",
        tip="Takes steps without chance: each latent has one sample, and neighbours stay together.",
        made_by="DDIM",
        has_eta=True,
    ),
    SamplerRow(
        name="heun",
        title="Heun",
        tip="As DDIM, but asks the network twice in a step and takes the mean: fewer steps are as "
        "exact, at twice the evaluations.",
        made_by="Heun",
        evaluations=2,
    ),
    SamplerRow(
        name="dpmpp2m",
        title="DPM-Solver++ 2M",
        tip="As DDIM, but looks back at the step before: fewer steps are as exact, at no more "
        "evaluations.",
        made_by="DPMSolverPP2M",
    ),
)


@dataclass(frozen=True, kw_only=True)
class PathRow(Row):
    """``curve`` is its function of ``engine.paths.curves``; one that is ``searched`` for has none.

    ``tip`` says what it does, ``tips`` for a kind of state where that is another sentence.
    ``sided``: between opposite endpoints it goes round the origin, on a side to be chosen.
    ``way_points``: it leads through points that the user sets. ``starts_search``: the search for
    the geodesic sets out from it.
    """

    tip: str
    tips: Mapping[str, str] = field(default_factory=dict)
    curve: str = ""
    sided: bool = False
    way_points: bool = False
    searched: bool = False
    starts_search: bool = False

    def tip_for(self, kind: str) -> str:
        """What it does to states of ``kind``."""
        return self.tips.get(kind, self.tip)


PATHS: tuple[PathRow, ...] = (
    PathRow(
        name="linear",
        title="Linear",
        tip="The straight line from A to B. Between far endpoints its middle has a smaller norm "
        "than the prior's latents.",
        tips={
            IMAGES: "The straight line. Its middle has a norm far below the prior's, which is why "
            "the images there are grey."
        },
        curve="linear",
        starts_search=True,
    ),
    PathRow(
        name="spherical",
        title="Spherical",
        tip="Slerp: direction and norm change evenly, as on a globe. Opposite endpoints have "
        "many such paths; choose a side.",
        tips={
            IMAGES: "Slerp: direction and norm change evenly, as on a globe. Between independent "
            "latents it keeps the prior's norm."
        },
        curve="spherical",
        sided=True,
        starts_search=True,
    ),
    PathRow(
        name="prior-preserving",
        title="Prior-preserving",
        tip="Bodin et al.: for independent endpoints its points are distributed as the "
        "prior. It does not keep the norm of a given pair: (−2, 0) to (2, 0) passes through the "
        "origin.",
        tips={
            IMAGES: "Bodin et al.: mixtures scaled so that they are distributed as the prior.",
        },
        curve="prior_preserving",
        starts_search=True,
    ),
    PathRow(
        name="norm-guided",
        title="Norm-guided",
        tip="Samuel et al.: the path with the least −log p(norm), which keeps to norms that "
        "are probable under the prior. Opposite endpoints have two; choose a side.",
        tips={
            IMAGES: "Samuel et al.: the path with the least −log p(norm), which keeps to norms "
            "that are probable under the prior."
        },
        curve="norm_guided",
        sided=True,
        starts_search=True,
    ),
    PathRow(
        name="geodesic",
        title="Geodesic",
        tip="The path whose decoded points travel least, weighted by how improbable the place "
        "is. It is searched for, on both sides, and improves while you watch.",
        tips={
            IMAGES: "The path whose decoded images change least, searched for; it improves while "
            "you watch."
        },
        searched=True,
    ),
    PathRow(
        name="drawn",
        title="Drawn",
        tip="A smooth curve through way-points that you set in lane 1.",
        tips={IMAGES: "A smooth curve from A through C to B."},
        curve="drawn",
        way_points=True,
    ),
)


@dataclass(frozen=True, kw_only=True)
class ScheduleRow(Row):
    """``betas`` is its function of ``engine.shared.noise_tables``.

    ``prediction`` is what a network predicts best with it, where its signal does not end at 0.
    """

    tip: str
    betas: str
    prediction: str = "noise"


SCHEDULES: tuple[ScheduleRow, ...] = (
    ScheduleRow(
        name="linear",
        title="Linear",
        tip="The noise added in a step grows evenly with t, as in the first DDPM paper.",
        betas="linear_betas",
    ),
    ScheduleRow(
        name="quadratic",
        title="Quadratic",
        tip="The noise grows with the square: the data stay recognisable for longer.",
        betas="quadratic_betas",
    ),
    ScheduleRow(
        name="cosine",
        title="Cosine",
        tip="ᾱ falls along a cosine down to nearly nothing; predicts v unless told otherwise.",
        betas="cosine_betas",
        prediction="v",
    ),
)

PREDICTIONS: tuple[Row, ...] = (
    Row(name="noise", title="noise"),
    Row(name="x0", title="x₀"),
    Row(name="v", title="v"),
)
"""What a network can predict; ``engine.diffusion.denoiser`` has what follows from each."""


@dataclass(frozen=True, kw_only=True)
class DataSetRow(Row):
    """A set of data; ``kind`` is what its states are.

    ``own``: the user's, who says where they lie and what shape they have. ``included``: the data
    come with ToyDiff, or are drawn by it.
    """

    kind: str
    own: bool = False
    included: bool = False


@dataclass(frozen=True, kw_only=True)
class PointSetRow(DataSetRow):
    """``generator`` is its function of ``engine.datasets.points``."""

    generator: str
    kind: str = POINTS
    included: bool = True


@dataclass(frozen=True, kw_only=True)
class ImageSetRow(DataSetRow):
    """``shape`` (C, H, W) of an image, ``labels`` the names of its classes.

    ``count`` is the usual number of training images, 0 where it is not known beforehand. ``short``
    is a title for where there is little room.
    """

    shape: tuple[int, int, int]
    labels: tuple[str, ...] = ()
    count: int = 0
    short: str = ""
    kind: str = IMAGES


DIGITS = tuple(str(digit) for digit in range(10))

DATA_SETS: tuple[DataSetRow, ...] = (
    PointSetRow(name="v", title="V", generator="v"),
    PointSetRow(name="gaussians8", title="8 Gaussians", generator="gaussians8"),
    PointSetRow(name="moons", title="Moons", generator="moons"),
    PointSetRow(name="spiral", title="Spiral", generator="spiral"),
    PointSetRow(name="rings", title="Rings", generator="rings"),
    PointSetRow(name="checkerboard", title="Checker", generator="checkerboard"),
    PointSetRow(name="s-curve", title="S curve", generator="s_curve"),
    PointSetRow(name="pinwheel", title="Pinwheel", generator="pinwheel"),
    ImageSetRow(
        name="digits", title="Digits 8", shape=(1, 8, 8), labels=DIGITS, count=1797, included=True
    ),
    ImageSetRow(name="mnist", title="MNIST", shape=(1, 28, 28), labels=DIGITS, count=60_000),
    ImageSetRow(
        name="fashion",
        title="Fashion",
        shape=(1, 28, 28),
        labels=(
            "T-shirt", "Trousers", "Pullover", "Dress", "Coat",
            "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
        ),
        count=60_000,
    ),
    ImageSetRow(
        name="cifar10",
        title="CIFAR-10",
        shape=(3, 32, 32),
        labels=(
            "Airplane", "Automobile", "Bird", "Cat", "Deer",
            "Dog", "Frog", "Horse", "Ship", "Truck",
        ),
        count=50_000,
    ),
    ImageSetRow(
        name="folder", title="Folder of images", short="Folder", shape=(3, 32, 32), own=True
    ),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class BundledRow(Row):
    """A checkpoint that comes with ToyDiff; ``place`` orders those of a kind, the usual one 1."""

    kind: str
    place: int


BUNDLED: tuple[BundledRow, ...] = (
    BundledRow(name="v", title="V", kind=POINTS, place=1),
    BundledRow(name="gaussians8", title="8 Gaussians", kind=POINTS, place=2),
    BundledRow(name="moons", title="Moons", kind=POINTS, place=3),
    BundledRow(name="digits", title="Digits 8", kind=IMAGES, place=3),
    BundledRow(name="mnist", title="MNIST", kind=IMAGES, place=1),
    BundledRow(name="fashion", title="Fashion", kind=IMAGES, place=2),
)


# Finding rows


def require_choice(what: str, value: object, known: Sequence[str], later: Sequence[str]) -> str:
    """``value`` if it is one of ``known``; otherwise raises a ``ValueError`` that names it."""
    if value in known:
        return str(value)
    if value in later:
        raise ValueError(f"{what} {value!r} comes with a later version; known: {', '.join(known)}")
    raise ValueError(f"unknown {what} {value!r}; known: {', '.join(known)}")


def names(rows: Sequence[Row]) -> tuple[str, ...]:
    """The names of ``rows``, in order."""
    return tuple(row.name for row in rows)


def find(what: str, name: object, rows: Sequence[AnyRow]) -> AnyRow:
    """The row called ``name``; raises ``ValueError`` that says what there is instead."""
    require_choice(what, name, names(rows), ())
    return next(row for row in rows if row.name == name)


def kind(name: str) -> KindRow:
    """The kind of state ``name``; raises ``ValueError`` for an unknown one."""
    return find("kind of state", name, KINDS)


def sampler(name: str) -> SamplerRow:
    """The sampler ``name``; raises ``ValueError`` for an unknown one."""
    return find("sampler", name, SAMPLERS)


def path(name: str) -> PathRow:
    """The kind of path ``name``; raises ``ValueError`` for an unknown one."""
    return find("path", name, PATHS)


def schedule(name: str) -> ScheduleRow:
    """The noise schedule ``name``; raises ``ValueError`` for an unknown one."""
    return find("schedule", name, SCHEDULES)


def prediction(name: str) -> Row:
    """What a network predicts, by ``name``; raises ``ValueError`` for an unknown one."""
    return find("prediction", name, PREDICTIONS)


def data_set(name: str) -> DataSetRow:
    """The set of data ``name``; raises ``ValueError`` for an unknown one."""
    return find("data set", name, DATA_SETS)


def point_sets() -> tuple[PointSetRow, ...]:
    """The sets of points."""
    return tuple(row for row in DATA_SETS if isinstance(row, PointSetRow))


def image_sets(*, own: bool = True) -> tuple[ImageSetRow, ...]:
    """The sets of images; ``own``: with those that a user brings."""
    rows = (row for row in DATA_SETS if isinstance(row, ImageSetRow))
    return tuple(row for row in rows if own or not row.own)


def image_set(name: str) -> ImageSetRow:
    """The set of images ``name``; raises ``ValueError`` for an unknown one."""
    return find("set of images", name, image_sets())


def bundled(kind: str) -> tuple[BundledRow, ...]:
    """The bundled checkpoints of ``kind``, the usual one first."""
    return tuple(sorted((row for row in BUNDLED if row.kind == kind), key=lambda row: row.place))


class View(Mapping[str, AnyRow]):
    """The rows of a table by their names, as it is at this moment."""

    def __init__(self, rows: Callable[[], Sequence[AnyRow]]) -> None:
        self._rows = rows

    def __getitem__(self, name: str) -> AnyRow:
        for row in self._rows():
            if row.name == name:
                return row
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(names(self._rows()))

    def __len__(self) -> int:
        return len(self._rows())


class Titles(Mapping[str, str]):
    """The titles of a table's rows by their names, as it is at this moment."""

    def __init__(self, rows: Callable[[], Sequence[Row]]) -> None:
        self._view = View(rows)

    def __getitem__(self, name: str) -> str:
        return self._view[name].title

    def __iter__(self) -> Iterator[str]:
        return iter(self._view)

    def __len__(self) -> int:
        return len(self._view)


# What modules check when they are loaded


def require_made(
    module: Mapping[str, object], rows: Sequence[AnyRow], made_by: Callable[[AnyRow], str]
) -> None:
    """Raise ``ImportError`` unless ``module`` has what makes each of ``rows``."""
    for row in rows:
        if not callable(module.get(made_by(row))):
            raise ImportError(
                f"{module['__name__']} has no {made_by(row)!r}, which the catalogue names for "
                f"{row.name!r}"
            )


def require_all(where: str, table: Mapping[str, object], rows: Sequence[Row]) -> None:
    """Raise ``ImportError`` unless ``table`` has an entry for each of ``rows`` and no others."""
    if set(table) != set(names(rows)):
        raise ImportError(
            f"{where} is for {', '.join(table)}; the catalogue has {', '.join(names(rows))}"
        )
