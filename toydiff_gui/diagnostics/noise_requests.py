"""The conversation with the engine about a network's predictions, while somebody looks at them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from PySide6.QtCore import QElapsedTimer, QObject, Signal

from engine.shared import messages
from engine.shared.messages import AnyReport, Arrays, DiagnosisKind
from toydiff_gui.diagnostics.contract import Effort, ModeDiagnostics
from toydiff_gui.diagnostics.findings import Finding, Subject
from toydiff_gui.engine_client.client import Client
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.store import Store
from toydiff_gui.state.timers import single_shot
from toydiff_gui.state.training import TRAINING, TRAINING_CONFIG

SEED = 0
LIVE = "live"
LIVE_MS = 4000
"""The network in training is looked at no more often than this."""


class NoiseRequests(QObject):
    """Keeps findings about the model on show, or about the network in training.

    Asks only while it is ``active``, and never again for what it has. What belongs to another model
    is never shown; while a training goes on, the last findings stay until newer ones are complete.
    ``modes``: what each kind of state has to find out.

    Signals:
        changed: there are other findings, or more of them.
    """

    changed = Signal()

    def __init__(
        self,
        state: Store,
        client: Client,
        modes: Mapping[str, ModeDiagnostics],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._state, self._client, self._modes = state, client, modes
        self._active = False
        self._shown: dict[DiagnosisKind, Finding] = {}
        self._coming: dict[int, Finding] = {}
        self._since_live = QElapsedTimer()
        self.refresh_timer = single_shot(self, 0, self._refresh)
        self.live_timer = single_shot(self, LIVE_MS, self._refresh)
        state.changed(MODEL).connect(self._refresh_later)
        state.changed(ENGINE).connect(self._on_engine)
        state.changed(TRAINING).connect(self._on_training)
        for kind, mode in modes.items():
            mode.data_found.connect(partial(self._on_data, kind))

    @property
    def subject(self) -> Subject:
        """Whose network is looked at now: that of the training, once it has one to show."""
        training, model = self._state.get(TRAINING), self._state.get(MODEL)
        if training.active and training.preview is not None:
            config = training.config or self._state.get(TRAINING_CONFIG)
            kind = config.resolved_kind
            root = self._modes[kind].data_root(config)
            return Subject(LIVE, training.folder, training.step, kind, True, root)
        root = self._modes[model.kind].root_of(model)
        return Subject(model.ref, model.ref, model.revision, model.kind, False, root)

    @property
    def kinds(self) -> Mapping[DiagnosisKind, Effort]:
        """What there is to find out about the subject of now."""
        return self._modes[self.subject.kind].efforts(self._state.get(MODEL).shape)

    @property
    def busy(self) -> bool:
        """Whether something is being computed or about to be."""
        return bool(self._coming) or self.refresh_timer.isActive()

    @property
    def share(self) -> float:
        """How much of what was asked has arrived, 0 to 1."""
        if not self._coming:
            return 1.0
        found = [self._newest(kind) for kind in self.kinds]
        return sum(each.share for each in found if each is not None) / len(found)

    def finding(self, kind: DiagnosisKind) -> Finding | None:
        """What is known of ``kind`` for the subject of now."""
        found = self._shown.get(kind)
        if found is None or not _belongs(found, self.subject):
            return None
        return found

    def set_active(self, active: bool) -> None:
        """Say whether somebody looks; if not, nothing is computed."""
        if active == self._active:
            return
        self._active = active
        if active:
            self._refresh_later()
        else:
            self.refresh_timer.stop()
            self.live_timer.stop()
            for job in list(self._coming):
                self._give_up(job)

    def _refresh_later(self) -> None:
        if self._active and not self.refresh_timer.isActive():
            self.refresh_timer.start()

    def _on_training(self) -> None:
        if not self._active:
            return
        subject = self.subject
        first = self._newest(next(iter(self.kinds)))
        if not subject.live or first is None or first.subject.lineage != subject.lineage:
            self._refresh_later()
        elif first.subject != subject and not self._coming and not self.live_timer.isActive():
            gone = self._since_live.elapsed() if self._since_live.isValid() else LIVE_MS
            self.live_timer.start(max(LIVE_MS - int(gone), 0))

    def _on_data(self, states: str) -> None:
        """Data that were not there may be there now: ask again for what could not be had."""
        mode = self._modes[states]
        failed = [
            kind
            for kind, found in self._shown.items()
            if found.message and self._modes[found.subject.kind] is mode
        ]
        for kind in failed:
            del self._shown[kind]
        if failed:
            self._refresh_later()

    def _newest(self, kind: DiagnosisKind) -> Finding | None:
        """What is on its way or, if nothing is, what is there."""
        for finding in self._coming.values():
            if finding.kind == kind:
                return finding
        return self._shown.get(kind)

    def _refresh(self) -> None:
        """Ask for what is missing."""
        if not self._active:
            return
        self.live_timer.stop()
        subject = self.subject
        if self._state.get(ENGINE).status == "ready":
            for kind in self.kinds:
                newest = self._newest(kind)
                if newest is None or not _serves(newest, subject):
                    self._ask(kind, subject)
            if subject.live:
                self._since_live.restart()
        self.changed.emit()

    def _ask(self, kind: DiagnosisKind, subject: Subject) -> None:
        for job, finding in list(self._coming.items()):
            if finding.kind == kind:
                del self._coming[job]
                self._client.cancel(job)
        finding = Finding(kind, subject)
        before = self._shown.get(kind)
        if before is None or not _belongs(before, subject):
            self._shown[kind] = finding
        effort = self.kinds[kind]
        request = messages.Diagnose(
            slot=kind,
            checkpoint=subject.ref,
            kind=kind,
            seed=SEED,
            count=effort.count,
            times=effort.times,
            data_root=subject.data_root,
        )
        job = self._client.ask(
            request, report=self._on_report, done=self._on_done, failed=self._on_failed
        )
        self._coming[job] = finding

    def _give_up(self, job: int) -> None:
        finding = self._coming.pop(job)
        if self._shown.get(finding.kind) is finding:
            del self._shown[finding.kind]
        self._client.cancel(job)

    # Answers

    def _on_report(self, message: AnyReport, arrays: Arrays) -> None:
        finding = self._coming.get(message.job)
        if finding is not None and isinstance(message, messages.Diagnosis):
            finding.add(message, arrays)
            self._tell()

    def _on_done(self, message: messages.Result, arrays: Arrays) -> None:
        finding = self._coming.pop(message.job)
        if not message.cancelled:
            finding.done = True
            self._shown[finding.kind] = finding
            self._tell()

    def _on_failed(self, failure: messages.Failure) -> None:
        finding = self._coming.pop(failure.job)
        finding.done, finding.message = True, failure.message
        self._shown[finding.kind] = finding
        self._tell()

    def _tell(self) -> None:
        self.changed.emit()
        if not self._coming:
            self._on_training()  # it may have gone on meanwhile

    def _on_engine(self) -> None:
        if self._state.get(ENGINE).status != "ready":
            self._coming.clear()
            self._shown = {kind: found for kind, found in self._shown.items() if found.done}
            self.live_timer.stop()
        self._shown = {kind: found for kind, found in self._shown.items() if not found.message}
        self.changed.emit()  # what is missing is asked for once the model has been opened


def _belongs(finding: Finding, subject: Subject) -> bool:
    """Whether ``finding`` may be shown for ``subject``."""
    if finding.kind == "exact_loss":  # depends on the data and the schedule alone
        return finding.subject.lineage == subject.lineage
    if subject.live:
        return finding.subject.live and finding.subject.lineage == subject.lineage
    return finding.subject == subject


def _serves(finding: Finding, subject: Subject) -> bool:
    """Whether there is no need to ask again."""
    if finding.kind == "exact_loss":
        return _belongs(finding, subject)
    return finding.subject == subject
