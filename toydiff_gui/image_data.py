"""Knows where image sets are, fetches one when the user says so, and brings images to look at."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject

from engine import protocol
from engine.config import TrainingConfig
from engine.datasets.images import INFOS, folder_training, image_training
from engine.protocol import Arrays, Packet
from toydiff_gui.engine_link import EngineLink
from toydiff_gui.settings_file import SettingsFile
from toydiff_gui.state import AppState, ModelInfo

ROOTS, FOLDER_OF_IMAGES = "images/roots", "images/folder"
MOST_ROOTS = 8
"""Chosen folders that are remembered."""
FOLDER = "folder"
ON_A_CARD, TO_CHOOSE_FROM = 4, 60
"""Images for the card of a set, and on a page to choose one from."""


def data_root(state: AppState, config: TrainingConfig) -> str:
    """Where the engine is to look first for what ``config`` trains with; '' for the usual places.

    Where it has been found is a root as well. For a folder of images that is the folder itself.
    """
    data = state.image_data
    found = data.places.get(config.dataset, "")
    return found if config.dataset == FOLDER else found or data.root


def config_of(model: ModelInfo) -> TrainingConfig | None:
    """A configuration that names the model's data; None for data of which nothing is known."""
    if model.dataset in INFOS:
        return image_training(model.dataset)
    if model.dataset == FOLDER and model.images:
        channels, side, _ = model.shape
        return folder_training(side, channels)
    return None


def root_of(state: AppState, model: ModelInfo) -> str:
    """Where the engine is to look first for the model's images; '' for the usual places alone."""
    config = config_of(model)
    return data_root(state, config) if config is not None else ""


def where_missing(host: str) -> str:
    """Where a set is not: the engine looks on its own machine, and ``host`` names another."""
    return f"not on {host}" if host else "not on this computer"


def absent_text(state: AppState, dataset: str) -> str:
    """What to say where images of a set are wanted that is not here, and what to do about it.

    Empty if it is here, or has not been looked for.
    """
    places = state.image_data.places
    if places.get(dataset):
        return ""
    if dataset == FOLDER:
        return "The folder of the images is not known: choose it in the panel Train"
    if dataset not in places:
        return ""
    return (
        f"{INFOS[dataset].title} is {where_missing(state.engine.host)}: download it in the panel "
        "Train, or choose its folder there"
    )


class ImageDataKeeper(QObject):
    """Finds, fetches and reads sets of images through the engine. Nothing is fetched unasked."""

    def __init__(
        self,
        state: AppState,
        link: EngineLink,
        settings: SettingsFile,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._state, self._link, self._settings = state, link, settings
        self._find_job: int | None = None
        self._root_chosen = False
        """The answer that is waited for is the first about a folder the user has just chosen."""
        self._fetch_job: int | None = None
        self._browse_job: int | None = None
        self._browsed = ""
        self._card_jobs: dict[int, str] = {}
        self._pages: dict[str, int] = {}
        self._host: str | None = None
        self._recall(state.engine.host)
        link.received.connect(self._on_packet)
        link.died.connect(self._on_died)
        state.engine_changed.connect(self._on_engine)

    @property
    def busy(self) -> bool:
        """Whether something is on its way."""
        jobs = (self._find_job, self._fetch_job, self._browse_job)
        return any(job is not None for job in jobs) or bool(self._card_jobs)

    @property
    def _root(self) -> str:
        return self._state.image_data.root

    def _key(self, key: str) -> str:
        """Of a setting: folders of another machine are kept by its name."""
        return f"{key}/{self._host}" if self._host else key

    def _recall(self, host: str) -> None:
        if host == self._host:
            return
        self._host = host
        self._root_chosen = False
        listed = self._settings.get(self._key(ROOTS), list[str]) or ()
        roots = tuple(root for root in listed if root)
        folder = self._settings.get(self._key(FOLDER_OF_IMAGES), str)
        self._state.update_image_data(roots=roots, places={FOLDER: folder} if folder else {})

    def _on_engine(self) -> None:
        self._recall(self._state.engine.host)
        if self._state.engine.status == "ready":
            self.find()

    # What can be asked

    def find(self) -> None:
        """Look where the sets are."""
        roots = list(self._state.image_data.roots)
        self._find_job = self._send(protocol.FindData(slot="data", data_roots=roots))

    def set_root(self, folder: str) -> None:
        """Look in the user's own ``folder`` first; those chosen before may hold the other sets."""
        others = [root for root in self._state.image_data.roots if root != folder]
        roots = (folder, *others)[:MOST_ROOTS]
        self._settings.put(self._key(ROOTS), roots)
        self._state.update_image_data(roots=roots, message="", browse_message="")
        self._root_chosen = True
        self.find()

    def use_folder(self, folder: str) -> None:
        """Take ``folder``, whose images are to be trained with."""
        self._settings.put(self._key(FOLDER_OF_IMAGES), folder)
        data = self._state.image_data
        if self._browsed == FOLDER:
            self._browse_job = None  # what still comes is of the folder before
        if data.browsed_set == FOLDER:
            self._state.update_image_data(browsed=None, labels=None, browsed_set="")
        self._state.update_image_data(
            places={**data.places, FOLDER: folder}, message="", browse_message=""
        )

    def fetch(self, dataset: str) -> None:
        """Download a set; the user has been asked."""
        data = self._state.image_data
        if data.fetching:
            self._state.post(f"{INFOS[data.fetching].title} is being downloaded already.")
            return
        if not self._ready("Downloading"):
            return
        self._state.update_image_data(fetching=dataset, done=0, total=0, remaining=None, message="")
        self._fetch_job = self._send(
            protocol.DownloadData(slot="download", dataset=dataset, data_root=self._root)
        )

    def cancel_fetch(self) -> None:
        """Stop the download; nothing half is kept."""
        if self._fetch_job is not None:
            self._link.send(Packet(protocol.Cancel(job=self._fetch_job)))
            self._fetched()

    def browse(self, dataset: str) -> None:
        """Bring images of a set to choose from, each time others."""
        if not self._ready("Reading images"):
            return
        page = self._pages[dataset] = self._pages.get(dataset, -1) + 1
        self._state.update_image_data(browse_message="")
        self._browsed = dataset
        self._browse_job = self._send(self._browsing(dataset, TO_CHOOSE_FROM, page, "browse"))

    def show_on_card(self, dataset: str) -> None:
        """Bring a few images of a set for its card."""
        if self._state.engine.status == "ready" and dataset not in self._card_jobs.values():
            job = self._send(self._browsing(dataset, ON_A_CARD, 0, f"card {dataset}"))
            self._card_jobs[job] = dataset

    def _browsing(self, dataset: str, count: int, seed: int, slot: str) -> protocol.BrowseImages:
        config = self._config_of(dataset)
        return protocol.BrowseImages(
            slot=slot,
            config=config,
            count=count,
            seed=seed,
            data_root=data_root(self._state, config),
        )

    def _config_of(self, dataset: str) -> TrainingConfig:
        config, model = self._state.training_config, self._state.model
        # What is chosen goes into the model that is open, whatever is to be trained next.
        if dataset == FOLDER and (model.dataset == FOLDER or config.dataset != FOLDER):
            channels, side, _ = model.shape
            return folder_training(side, channels)
        return config if config.dataset == dataset else image_training(dataset)

    def _ready(self, what: str) -> bool:
        ready = self._state.engine.status == "ready"
        if not ready:
            self._state.post(f"{what} needs the engine, which is not ready.", error=True)
        return ready

    def _send(self, request: Any) -> int:
        job = self._link.next_job()
        fields = {name: getattr(request, name) for name in request.__struct_fields__}
        self._link.send(Packet(type(request)(**fields | {"job": job})))
        return job

    # Answers

    def _on_packet(self, packet: Packet) -> None:
        message = packet.message
        job = message.job
        if job == self._fetch_job and isinstance(message, protocol.Progress):
            self._state.update_image_data(
                done=message.done, total=message.total, remaining=message.remaining
            )
        elif isinstance(message, protocol.Result):
            self._on_result(job, message, packet.arrays)
        elif isinstance(message, protocol.Failure):
            self._on_failure(job, message.message)

    def _on_result(self, job: int, message: protocol.Result, arrays: Arrays) -> None:
        if job == self._find_job:
            self._find_job = None
            if not message.cancelled:
                self._found(message.info)
        elif job == self._fetch_job:
            self._fetched()
            self.find()
        elif job == self._browse_job:
            self._browse_job = None
            if not message.cancelled:
                self._state.update_image_data(
                    browsed=arrays["images"],
                    labels=arrays["labels"],
                    browsed_set=self._browsed,
                    browse_message="",
                )
        elif job in self._card_jobs:
            dataset = self._card_jobs.pop(job)
            if not message.cancelled:
                thumbnails = {**self._state.image_data.thumbnails, dataset: arrays["images"]}
                self._state.update_image_data(thumbnails=thumbnails)

    def _on_failure(self, job: int, why: str) -> None:
        if job == self._find_job:
            self._find_job, self._root_chosen = None, False
            self._state.post(why, error=True)
        elif job == self._fetch_job:
            self._fetched(why)
            self._state.post(why, error=True)
        elif job == self._browse_job:
            self._browse_job = None
            absent = absent_text(self._state, self._browsed)
            self._state.update_image_data(browse_message=absent or why)
        elif job in self._card_jobs:
            del self._card_jobs[job]  # the card keeps its icon

    def _found(self, info: dict[str, Any]) -> None:
        places = {name: place for name, place in info.items() if name != "download_root"}
        if folder := self._state.image_data.places.get(FOLDER):
            places[FOLDER] = folder
        self._state.update_image_data(places=places, download_root=info.get("download_root", ""))
        chosen, self._root_chosen = self._root_chosen, False
        dataset = self._state.training_config.dataset
        if chosen and places.get(dataset) == "":  # a folder of images is not in the answer
            self._state.post(f"There is no {INFOS[dataset].title} in {self._root!r}.", error=True)

    def _fetched(self, why: str = "") -> None:
        self._fetch_job = None
        self._state.update_image_data(fetching="", done=0, total=0, remaining=None, message=why)

    def _on_died(self, why: str) -> None:
        fetched = self._fetch_job is not None
        self._find_job = self._fetch_job = self._browse_job = None
        self._root_chosen = False
        self._card_jobs.clear()
        if fetched:
            self._fetched(why)
