"""An engine on another machine: addresses, files that are sent and fetched, and a real OpenSSH."""

import hashlib
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from click.testing import CliRunner

from engine import load_checkpoint
from engine.service.remote_files import RemoteFiles
from engine.shared import messages
from engine.shared.config import ModelConfig, ScheduleConfig, TrainingConfig
from engine.shared.messages import Packet
from engine.shared.run_files import CHECKPOINT, RUN_FILES
from engine.training.run_lock import RunLock
from tests.gui.sshd import Sshd, script
from tests.hands.window import settle, wait_until
from toydiff_gui.__main__ import toydiff
from toydiff_gui.controllers.fetch_home import FetchHome
from toydiff_gui.engine_client import link as engine_link
from toydiff_gui.engine_client.file_transfer import Courier
from toydiff_gui.engine_client.link import EngineLink
from toydiff_gui.engine_client.ssh import (
    OPTIONS_VARIABLE,
    Address,
    parse_address,
    remote_command,
    why_ended,
)
from toydiff_gui.state.engine import ENGINE
from toydiff_gui.state.lanes import LANE_RUNS, shown_lanes
from toydiff_gui.state.model import MODEL
from toydiff_gui.state.training import TRAINING, TRAINING_CONFIG

# Addresses


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ssh://host", Address("host")),
        ("ssh://me@host", Address("host", "me")),
        ("ssh://me@Host.example.org:2222", Address("Host.example.org", "me", 2222)),
        ("ssh://10.0.0.7/", Address("10.0.0.7")),
        ("ssh://[fe80::1]:22", Address("fe80::1", "", 22)),
        ("ssh://host?python=venv/bin/python", Address("host", python="venv/bin/python")),
        ("ssh://host?python=/opt/my%20c++/python3", Address("host", python="/opt/my c++/python3")),
    ],
)
def test_addresses_are_read(text, address):
    assert parse_address(text) == address
    assert parse_address(str(address)) == address


@pytest.mark.parametrize(
    "text",
    [
        "host", "http://host", "ssh://", "ssh://@host", "ssh://-oProxyCommand=date",
        "ssh://-l@host", "ssh://me@-host", "ssh://host-", "ssh://me:secret@host", "ssh://host/there",
        "ssh://host:0", "ssh://host:70000", "ssh://host:ssh", "ssh://ho st", "ssh://ho\nst",
        "ssh://host?python=", "ssh://host?python=-c", "ssh://host?python=~/venv",
        "ssh://host?command=date", "ssh://host?python=a&python=b", "ssh://host#there",
        "ssh://$(date)", "ssh://a;b", "ssh://me%20you@host",
    ],
)  # fmt: skip
def test_what_could_be_taken_for_something_else_is_refused(text):
    with pytest.raises(ValueError, match=r"\S"):
        parse_address(text)


def test_a_password_is_not_repeated():
    with pytest.raises(ValueError, match="a key") as caught:
        parse_address("ssh://me:secret@host")
    assert "secret" not in str(caught.value)


def test_the_command_leaves_nothing_to_a_shell():
    address = Address("host", "me", 22, "/opt/my envs/$(date)/python")
    command = remote_command(address, "cpu; date", {"TOYDIFF_SSH_OPTIONS": "-F 'my file'"})
    assert command[:3] == ["ssh", "-F", "my file"]
    assert command[command.index("--") - 4 :][:6] == ["-p", "22", "-l", "me", "--", "host"]
    there = shlex.split(command[-1])
    assert there[0] == address.python
    assert there[1:] == ["-P", "-m", "engine", "serve", "--remote", "--device", "cpu; date"]


@pytest.mark.parametrize("value", ["somewhere", "ssh://-host", "ssh://me:secret@host"])
def test_the_option_refuses_in_words(value):
    result = CliRunner().invoke(toydiff, ["--engine", value])
    assert result.exit_code == 2
    assert "Invalid value for '--engine'" in result.output


@pytest.mark.parametrize(
    ("code", "errors", "said", "broke"),
    [
        (255, ["Connection reset by 10.0.0.7 port 22"], "broke: Connection reset", True),
        (-9, [], "the connection to me@host broke", True),
        (2, ["toydiff: device 'cuda:7' is not available; known: auto, cpu"], "'cuda:7'", False),
        (2, ["Error: No such option: --remote"], "an older version", False),
        (2, ["unknown option -P"], "older than Python 3.11", False),
        (1, ["ModuleNotFoundError: No module named 'torch'"], "No module named 'torch'", False),
        (0, [], "ended with status 0", False),
    ],
)
def test_an_end_is_told_in_a_sentence(code, errors, said, broke):
    ending = why_ended(Address("host", "me"), code, errors, was_ready=True)
    assert said in ending.text
    assert "\n" not in ending.text
    assert ending.broke == broke


# Files, on the engine's side


@pytest.fixture
def files(tmp_path):
    run = tmp_path / "ToyDiff" / "runs" / "v 1"
    run.mkdir(parents=True)
    (run / CHECKPOINT).write_bytes(b"weights")
    (tmp_path / "secret").write_text("secret")
    (run.parent / "link").symlink_to(tmp_path)
    return RemoteFiles(tmp_path / "ToyDiff")


def test_names_become_paths_in_the_engines_folder(files, tmp_path):
    root = tmp_path / "ToyDiff"
    train = messages.Train(config=TrainingConfig(), out="runs/v 1")
    assert files.resolved(train).out == str(root / "runs" / "v 1")
    for name in ("v", "exact:moons", "live"):
        assert files.resolved(messages.Open(checkpoint=name)).checkpoint == name
    named = files.resolved(messages.Open(checkpoint="exact:runs/v 1")).checkpoint
    assert named == f"exact:{root / 'runs' / 'v 1'}"
    browse = messages.FindData()
    assert files.resolved(browse) == browse


OUTSIDE = [
    "/etc/passwd", "../secret", "runs/../../secret", "runs/..", "runs/link/secret", "runs//etc",
    "runs/link", "other/v 1", "runs/.hidden", "runs/a\\b", "runs/a\0b", "exact:/etc/passwd",
    "python:x.py", "C:x", "runs/" + "a" * 300,
]  # fmt: skip


@pytest.mark.parametrize("name", OUTSIDE)
def test_nothing_outside_is_opened_or_trained_into(files, name):
    with pytest.raises(ValueError, match="folder of the engine"):
        files.resolved(messages.Open(checkpoint=name))
    with pytest.raises(ValueError, match="folder of the engine"):
        files.resolved(messages.Train(config=TrainingConfig(), out=name))


@pytest.mark.parametrize("name", ["v", "received/v", "", "runs"])
def test_a_training_is_in_the_folder_of_trainings(files, name):
    with pytest.raises(ValueError, match="folder of the engine"):
        files.resolved(messages.Train(config=TrainingConfig(), out=name))


def test_a_trainings_files_are_given_out_and_no_others(files, tmp_path):
    assert files.fetch(f"runs/v 1/{CHECKPOINT}").tobytes() == b"weights"
    assert files.fetch("runs/v 1/metrics.jsonl") is None
    assert files.fetch(f"runs/nobody/{CHECKPOINT}") is None
    (tmp_path / "ToyDiff" / "runs" / "v 1" / "state.safetensors").symlink_to(tmp_path / "secret")
    for name in (*OUTSIDE, "runs/v 1", "runs/v 1/secret", "runs/v 1/state.safetensors"):
        with pytest.raises(ValueError, match=r"\S"):
            files.fetch(name)


def test_files_of_a_training_that_still_runs_stay_as_they_are(files, tmp_path):
    lock = RunLock(tmp_path / "ToyDiff" / "runs" / "v 1")
    name = f"runs/v 1/{CHECKPOINT}"
    with pytest.raises(ValueError, match="v 1 is still in training there"):
        files.fetch(name)
    with pytest.raises(ValueError, match="v 1 is still in training there"):
        files.deliver(name, np.zeros(3, np.uint8))
    lock.release()
    assert files.fetch(name).tobytes() == b"weights"


def test_what_is_used_is_kept_and_counted_on(files, courier, tmp_path):
    paths = [tmp_path / f"{k}.safetensors" for k in range(25)]
    for k, path in enumerate(paths):
        path.write_bytes(b"%d" % k)
    first, *others = paths
    names = []
    for path in others:
        for asked in (first, path):  # the first one again and again
            *sent, packet = courier.outgoing(opening(asked)).to_engine
            for each in sent:
                files.deliver(each.message.path, each.arrays["content"])
            names.append(packet.message.checkpoint)
            assert Path(files.resolved(packet.message).checkpoint).is_file()
    assert len(set(names)) == 25
    assert len(list((tmp_path / "ToyDiff" / "received").iterdir())) == 20
    # Long not used: sent again.
    assert len(courier.outgoing(opening(others[0])).to_engine) == 2
    assert len(courier.outgoing(opening(others[-1])).to_engine) == 1


def test_large_files_are_not_sent(files, monkeypatch):
    monkeypatch.setattr("engine.shared.sent_files.MAX_FILE_BYTES", 6)
    with pytest.raises(ValueError, match="7 bytes, more than the 6"):
        files.fetch(f"runs/v 1/{CHECKPOINT}")
    with pytest.raises(ValueError, match="7 bytes"):
        files.deliver(f"runs/v 1/{CHECKPOINT}", np.zeros(7, np.uint8))


def received(data: bytes) -> str:
    return f"received/{hashlib.sha256(data).hexdigest()}.safetensors"


def test_files_are_taken_where_they_belong_and_only_as_what_they_are(files, tmp_path, monkeypatch):
    monkeypatch.setattr("engine.service.remote_files.MOST_RECEIVED", 2)
    root = tmp_path / "ToyDiff"
    files.deliver("runs/v 2/state.safetensors", np.frombuffer(b"state", np.uint8))
    assert (root / "runs/v 2/state.safetensors").read_bytes() == b"state"
    for data in (b"1", b"2", b"3"):
        files.deliver(received(data), np.frombuffer(data, np.uint8))
        assert (root / received(data)).read_bytes() == data
    assert len(list((root / "received").iterdir())) == 2
    wrong = np.frombuffer(b"4", np.uint8)
    for name in (*OUTSIDE, received(b"5"), "received/x", "runs/v 1/config.json"):
        with pytest.raises(ValueError, match=r"\S"):
            files.deliver(name, wrong)


# Files, on the window's side


def opening(checkpoint: object, job: int = 1) -> Packet:
    return Packet(messages.Open(job=job, checkpoint=str(checkpoint)))


@pytest.fixture
def courier():
    return Courier()


@pytest.mark.parametrize("name", ["v", "gaussians8", "exact:v", "live"])
def test_what_is_known_everywhere_goes_as_it_is(courier, name):
    delivery = courier.outgoing(opening(name))
    assert [packet.message.checkpoint for packet in delivery.to_engine] == [name]


def test_a_checkpoint_of_ours_is_sent_once_and_again_when_it_has_changed(courier, tmp_path):
    path = tmp_path / CHECKPOINT
    path.write_bytes(b"weights")
    sent, asked = courier.outgoing(opening(tmp_path)).to_engine
    assert sent.message.path == asked.message.checkpoint == received(b"weights")
    assert sent.arrays["content"].tobytes() == b"weights"
    (again,) = courier.outgoing(opening(f"exact:{path}")).to_engine
    assert again.message.checkpoint == f"exact:{received(b'weights')}"
    path.write_bytes(b"other weights")
    sent, asked = courier.outgoing(opening(path)).to_engine
    assert asked.message.checkpoint == received(b"other weights")


@pytest.mark.parametrize("name", ["/nowhere/at/all", "nothing", "python:mine.py:make"])
def test_what_cannot_be_sent_fails_with_its_name(courier, name):
    delivery = courier.outgoing(opening(name, job=7))
    (failure,) = delivery.to_window
    assert delivery.to_engine == []
    assert failure.message.job == 7
    assert name in failure.message.message


def training_in(folder: Path, **changes: object) -> Packet:
    return Packet(messages.Train(job=4, config=TrainingConfig(), out=str(folder), **changes))


def report(asked: Packet, content: bytes | None) -> Packet:
    arrays = {} if content is None else {"content": np.frombuffer(content, np.uint8)}
    return Packet(messages.Result(job=asked.message.job), arrays)


def test_the_end_of_a_training_is_told_when_its_files_are_here(courier, tmp_path):
    folder = tmp_path / "v 1"
    (asked,) = courier.outgoing(training_in(folder)).to_engine
    assert asked.message.out == "runs/v 1"
    ended = Packet(messages.Result(job=4))
    delivery = courier.incoming(ended)
    for name in RUN_FILES:
        assert delivery.to_window == []
        (asked,) = delivery.to_engine
        assert asked.message.path == f"runs/v 1/{name}"
        assert courier.outgoing(asked).to_engine == [asked]
        delivery = courier.incoming(report(asked, name.encode()))
    assert delivery.to_window == [ended]
    assert {path.name: path.read_text() for path in folder.iterdir()} == {n: n for n in RUN_FILES}
    # The engine has what it gave.
    (asked,) = courier.outgoing(opening(folder)).to_engine
    assert asked.message.checkpoint == f"runs/v 1/{CHECKPOINT}"
    assert len(courier.outgoing(training_in(folder, resume=True)).to_engine) == 1


def test_a_training_that_is_only_here_is_sent_to_go_on_there(courier, tmp_path):
    for name in RUN_FILES:
        (tmp_path / name).write_bytes(name.encode())
    *sent, asked = courier.outgoing(training_in(tmp_path, resume=True)).to_engine
    assert asked.message.resume
    assert {packet.message.path: packet.arrays["content"].tobytes() for packet in sent} == {
        f"runs/{tmp_path.name}/{name}": name.encode() for name in RUN_FILES
    }


def test_a_training_that_saved_nothing_ends_as_it_did(courier, tmp_path):
    courier.outgoing(
        Packet(messages.Train(job=4, config=TrainingConfig(), out=str(tmp_path / "v")))
    )
    failed = Packet(messages.Failure(job=4, message="it diverged"))
    (asked,) = courier.incoming(failed).to_engine
    assert courier.incoming(report(asked, None)).to_window == [failed]
    assert not (tmp_path / "v").exists()


def test_what_cannot_be_fetched_is_said(courier, tmp_path):
    courier.outgoing(
        Packet(messages.Train(job=4, config=TrainingConfig(), out=str(tmp_path / "v")))
    )
    (asked,) = courier.incoming(Packet(messages.Result(job=4))).to_engine
    too_large = messages.Failure(job=asked.message.job, message="it has 9 bytes, more than 8")
    (told,) = courier.incoming(Packet(too_large)).to_window
    assert (told.message.job, "9 bytes" in told.message.message) == (4, True)


def test_other_reports_pass(courier):
    packet = Packet(messages.Result(job=3), {"x": np.zeros(3)})
    assert courier.incoming(packet).to_window == [packet]


# A real server


@pytest.fixture(scope="module")
def sshd(tmp_path_factory):
    server = Sshd(tmp_path_factory.mktemp("sshd"))
    yield server
    server.stop()


@pytest.fixture
def there(sshd, monkeypatch):
    """Addresses on the test's server, which has no other name anywhere."""
    monkeypatch.setenv(OPTIONS_VARIABLE, sshd.options)
    monkeypatch.setattr(engine_link, "PAUSES_MS", (50, 100))

    def address(host: str, python: object) -> Address:
        return parse_address(f"ssh://{host}?python={quote(str(python))}")

    return address


@pytest.fixture
def end_of(qapp, there):
    """How a connection that never stands ends, in words."""

    def end(host, python="/nowhere/python"):
        link, deaths = EngineLink(there(host, python), "cpu"), []
        link.died.connect(deaths.append)
        link.reconnecting.connect(lambda how: deaths.append(f"again: {how}"))
        link.start()
        wait_until(lambda: deaths, "the end")
        settle()
        assert link.thread_in_charge is None
        (why,) = deaths
        return why

    return end


def test_what_stands_in_the_way_is_said_in_one_sentence(end_of, sshd, monkeypatch):
    lacking = script(sshd.folder, "lacking", 'exec PYTHON -I -S "$@"')
    other = script(
        sshd.folder,
        "other",
        'exec PYTHON -c "import sys; from engine.shared.messages import *; '
        "from engine.shared.wire import *; o = sys.stdout.buffer; "
        "o.write(BEGIN); write_packet(o, Packet(Ready(version='9.9', device='cpu', devices=[]))); "
        'sys.stdin.read()"',
    )
    rubbish = script(
        sshd.folder, "rubbish", "echo 'toydiff: frames from here on'; exec head -c 100000 /dev/zero"
    )
    assert end_of("plain") == (
        "there is no /nowhere/python that runs on plain: name one with ?python=PATH"
    )
    assert end_of("plain", lacking).startswith(f"ToyDiff is not installed on plain for {lacking}")
    assert end_of("plain", other).startswith("ToyDiff on plain is version 9.9, and here it is ")
    assert "could not be read" in end_of("plain", rubbish)
    assert "stranger does not let us in (" in end_of("stranger")
    assert "the key of the host unknown is not known yet" in end_of("unknown")
    assert "the key of the host changed is not the one" in end_of("changed")
    assert "Connection refused" in end_of("closed")
    chatter = end_of("chatterbox")
    assert "no engine has begun on chatterbox" in chatter
    assert "'la'" in chatter
    monkeypatch.setenv("PATH", "/nowhere")
    assert end_of("plain").startswith("the SSH client 'ssh' cannot be started: ")


def ready(window):
    wait_until(lambda: window.state.get(ENGINE).status == "ready", "the engine")


def lanes_done(window):
    def done():
        runs = [window.state.at(LANE_RUNS, lane.key) for lane in shown_lanes(window.state)]
        assert not [run.message for run in runs if run.status == "failed"]
        return all(run.status == "done" for run in runs) and not window.controllers.busy

    wait_until(done, "the lanes")


def train(window, config):
    window.state.update(TRAINING_CONFIG, **vars(config))
    window.training.train()


def said(window):
    return [message.text for message in window.messages.messages]


SMALL = TrainingConfig(
    points=400,
    schedule=ScheduleConfig(timesteps=20),
    model=ModelConfig(width=16, depth=2, embedding=8),
    steps=20,
    batch_size=32,
    checkpoint_every=10,
)


def test_a_window_works_with_an_engine_on_another_machine(there, sshd, workshop):
    # The login there is one that talks.
    window = workshop.open(engine=there("noisy", sys.executable), device="cpu")
    assert window.windowTitle().endswith("ToyDiff on noisy, not connected")
    ready(window)
    lanes_done(window)
    assert window.windowTitle().endswith("ToyDiff on noisy (cpu)")

    # A training there, with its checkpoint here.
    state = window.state
    train(window, SMALL)
    wait_until(lambda: state.get(TRAINING).status in ("done", "failed"), "the training")
    assert state.get(TRAINING).status == "done", said(window)
    folder = Path(state.get(TRAINING).folder)
    assert folder.parent == workshop.runs_folder
    there_too = sshd.data / "runs" / folder.name
    for name in RUN_FILES:
        assert (folder / name).read_bytes() == (there_too / name).read_bytes()
    assert load_checkpoint(folder).description.step == 20
    assert window.runs.recent() == [str(folder)]
    assert not window.runs.is_away(folder)
    wait_until(lambda: state.get(MODEL).ref == str(folder), "the model")
    lanes_done(window)

    # The connection breaks in the middle of another one.
    train(window, replace(SMALL, steps=10**6, seed=1))
    wait_until(lambda: state.get(TRAINING).step > 20, "a snapshot")
    broken = Path(state.get(TRAINING).folder)
    states = []
    state.changed(ENGINE).connect(
        lambda: states.append((state.get(ENGINE).status, state.get(ENGINE).message))
    )
    shown = []
    state.changed(ENGINE).connect(lambda: shown.append(said(window)))
    sshd.break_connections()
    wait_until(lambda: states, "the end")
    assert state.get(TRAINING).status == "failed"
    assert state.get(ENGINE).host == "noisy"
    assert any("has ended with the connection" in text for text in said(window))
    ready(window)
    lanes_done(window)
    statuses = [status for status, _ in states]
    assert statuses[0] == "dead"
    assert "starting" in statuses
    assert statuses[-1] == "ready"
    assert "the connection to noisy broke" in states[0][1]
    assert any("trying again in" in message for _, message in states)
    assert any("connecting to noisy again" in message for _, message in states)
    assert any("Connecting to noisy again" in text for texts in shown for text in texts)
    assert not any(message.action for message in window.messages.messages)

    # What it had saved is here.
    wait_until(lambda: not window.runs.is_away(broken), "the training")
    assert str(broken) in window.runs.recent()
    assert load_checkpoint(broken).description.step > 20

    # And it goes on there.
    window.models.open(str(broken))
    wait_until(lambda: state.get(MODEL).ref == str(broken), "the model")
    reached = state.get(MODEL).trained_steps
    train(window, replace(SMALL, steps=10, seed=1))
    assert state.get(TRAINING).folder == str(broken)
    wait_until(lambda: not state.get(TRAINING).active, "the training")
    assert state.get(TRAINING).status == "done", said(window)
    assert load_checkpoint(broken).description.step == reached + 10

    workshop.close(window)
    wait_until(lambda: not sshd.engines(), "the engines' end")


def test_trying_again_can_be_ended(there, sshd, workshop, monkeypatch):
    waiting = script(
        sshd.folder,
        "waiting",
        'exec PYTHON -c "import sys, engine; from engine.shared.messages import *; '
        "from engine.shared.wire import *; o = sys.stdout.buffer; o.write(BEGIN); "
        "write_packet(o, Packet(Ready(version=engine.__version__, device='cpu', devices=[]))); "
        'sys.stdin.read()"',
    )
    monkeypatch.setattr(engine_link, "PAUSES_MS", (3_600_000,))
    window = workshop.open(engine=there("plain", waiting))
    ready(window)
    sshd.break_connections()
    wait_until(lambda: window.state.get(ENGINE).status == "starting", "the break")
    (message,) = [each for each in window.messages.messages if each.action is not None]
    assert "Trying again in 3600 s" in message.text or "trying again in 3600 s" in message.text
    assert message.action.text() == "Stop trying"
    message.action.click()
    settle()
    assert window.state.get(ENGINE).status == "dead"
    (message,) = [each for each in window.messages.messages if each.action is not None]
    assert message.action.text() == "Connect again"
    message.action.click()
    ready(window)


# Without a server: what was left there


def test_a_training_that_ended_with_the_window_is_fetched_by_the_next(desk):
    address = Address("host", "me")
    desk.link.address = address
    folder = desk.runs.new_folder(SMALL)
    desk.runs.mark_away(folder, str(address))
    elsewhere = desk.runs.new_folder(SMALL)
    desk.runs.mark_away(elsewhere, "ssh://other")
    FetchHome(desk.state, desk.controllers.client, desk.runs, desk.link, desk.controllers)
    desk.link.get_ready()
    (asked,) = desk.heard(messages.Fetch)
    assert asked.message.path == str(folder)
    (folder / CHECKPOINT).write_bytes(b"weights")  # as the courier does
    desk.link.report(messages.Result(job=asked.message.job))
    assert desk.runs.recent() == [str(folder)]
    assert not desk.runs.is_away(folder)
    assert desk.runs.is_away(elsewhere)


def trained_and_open(desk):
    """The folder of a training whose model is open, and which 'Train' would go on with."""
    desk.reach_rest()
    folder = desk.runs.new_folder(SMALL)
    (folder / CHECKPOINT).write_bytes(b"weights")
    desk.models.open(str(folder))
    desk.link.describe(desk.link.asked(messages.Open)[-1].job, SMALL)
    desk.state.update(TRAINING_CONFIG, **vars(SMALL))
    return folder


def test_what_still_runs_there_is_fetched_later_and_not_overwritten(desk):
    address = Address("host", "me")
    desk.link.address = address
    folder = trained_and_open(desk)
    desk.runs.mark_away(folder, str(address))
    fetcher = FetchHome(desk.state, desk.controllers.client, desk.runs, desk.link, desk.controllers)
    desk.link.get_ready()
    for _ in range(2):  # it is said once
        (asked,) = desk.heard(messages.Fetch)
        desk.link.report(messages.Failure(job=asked.message.job, message="still in training there"))
        said = [text for text, _ in desk.messages]
        assert said.count("Still in training there.") == 1
        assert desk.runs.is_away(folder)
        assert fetcher.again_timer.isActive()
        assert desk.training.can_continue
        desk.training.train()
        assert not desk.heard(messages.Train)
        assert "has not been fetched yet" in desk.messages[-1][0]
        fetcher.again_timer.timeout.emit()
    (asked,) = desk.heard(messages.Fetch)
    desk.link.report(messages.Result(job=asked.message.job))
    desk.training.train()
    (training,) = desk.heard(messages.Train)
    assert training.message.resume


def test_a_training_that_goes_on_here_is_fetched_from_nowhere(desk):
    folder = trained_and_open(desk)
    desk.runs.mark_away(folder, "ssh://host")
    desk.training.train()
    (training,) = desk.heard(messages.Train)
    assert training.message.resume
    assert not desk.runs.is_away(folder)


def test_a_training_that_left_nothing_there_leaves_nothing_here(desk):
    desk.link.address = Address("host")
    folder = desk.runs.new_folder(SMALL)
    desk.runs.mark_away(folder, "ssh://host")
    FetchHome(desk.state, desk.controllers.client, desk.runs, desk.link, desk.controllers)
    desk.link.get_ready()
    (asked,) = desk.heard(messages.Fetch)
    desk.link.report(messages.Result(job=asked.message.job))
    assert not folder.exists()
