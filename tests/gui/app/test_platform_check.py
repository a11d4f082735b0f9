"""What a user reads instead of Qt's own abort."""

import importlib.util
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from toydiff_gui.app import platform_check
from toydiff_gui.app.platform_check import QT, WAYLAND, XCB, explain, missing_libraries

X11 = {"DISPLAY": ":0"}
WAYLAND_SESSION = {"WAYLAND_DISPLAY": "wayland-0"}
BOTH = X11 | WAYLAND_SESSION
OFFSCREEN = {"QT_QPA_PLATFORM": "offscreen"}


def ask(environ, absent=(), refusing=(), system="linux", plugin=True):
    """`explain` on a machine that lacks some libraries and whose displays may not answer."""
    return explain(
        environ,
        loads=lambda soname: soname not in absent,
        connects=lambda platform: platform not in refusing,
        system=system,
        wayland_plugin=lambda: plugin,
    )


@pytest.mark.parametrize("environ", [X11, WAYLAND_SESSION, BOTH, OFFSCREEN])
def test_says_nothing_when_all_is_there(environ):
    assert ask(environ) is None


@pytest.mark.parametrize("system", ["win32", "darwin"])
def test_says_nothing_off_linux(system):
    absent = {library.soname for library in QT + XCB + WAYLAND}
    assert ask({}, absent, refusing={"xcb"}, system=system) is None
    assert missing_libraries({}, lambda soname: False, system) == []


def test_names_library_packages_and_command():
    message = ask(X11, absent={"libxcb-cursor.so.0", "libxkbcommon-x11.so.0"})
    assert "libxkbcommon-x11.so.0, libxcb-cursor.so.0" in message
    assert "sudo apt install libxkbcommon-x11-0 libxcb-cursor0" in message
    assert "sudo dnf install libxkbcommon-x11 xcb-util-cursor" in message


def test_names_a_package_once():
    message = ask(OFFSCREEN, absent={"libglib-2.0.so.0", "libgthread-2.0.so.0"})
    assert "sudo apt install libglib2.0-0\n" in message


@pytest.mark.parametrize("environ", [{}, {"QT_QPA_PLATFORM": "xcb"}, {"DISPLAY": ""}])
def test_names_the_way_out_without_a_display(environ):
    message = ask(environ)
    assert "no display" in message
    assert "QT_QPA_PLATFORM=offscreen" in message


def test_names_a_display_that_does_not_answer():
    message = ask({"DISPLAY": ":99"}, refusing={"xcb"})
    assert "DISPLAY=:99" in message
    assert "QT_QPA_PLATFORM=offscreen" in message


def test_offscreen_needs_qt_but_no_window_libraries():
    absent = {library.soname for library in XCB + WAYLAND}
    assert ask(OFFSCREEN, absent) is None
    assert "libegl1" in ask(OFFSCREEN, absent | {"libEGL.so.1"})


def test_one_working_plugin_is_enough():
    assert ask(BOTH, absent={"libxcb-cursor.so.0"}) is None
    assert ask(BOTH, absent={"libwayland-cursor.so.0"}) is None
    assert ask(BOTH, refusing={"wayland"}) is None
    assert ask(BOTH, refusing={"xcb", "wayland"}) is not None
    assert ask(BOTH, absent={"libxcb-cursor.so.0"}, plugin=False) is not None


def test_usable_platforms_leaves_out_what_fails():
    def usable(absent="", refusing=""):
        return platform_check.usable_platforms(
            BOTH, lambda name: name != absent, lambda name: name != refusing, lambda: True
        )

    assert usable() == ["wayland", "xcb"]
    assert usable(absent="libwayland-client.so.0") == ["xcb"]
    assert usable(refusing="xcb") == ["wayland"]


def test_reads_what_qt_reads():
    assert platform_check.platforms({"QT_QPA_PLATFORM": "wayland-egl;xcb:opt=1"}) == [
        "wayland",
        "xcb",
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="the display servers of Linux")
@pytest.mark.parametrize(
    ("platform", "variable", "value"),
    [("xcb", "DISPLAY", ":4096"), ("wayland", "WAYLAND_DISPLAY", "toydiff-nowhere")],
)
def test_a_server_that_is_not_there_refuses(monkeypatch, platform, variable, value):
    libraries = {"xcb": "libxcb.so.1", "wayland": "libwayland-client.so.0"}
    if not platform_check.can_load(libraries[platform]):
        pytest.skip(f"{libraries[platform]} is not installed")
    monkeypatch.setenv(variable, value)
    assert not platform_check.can_connect(platform)


def test_a_library_that_does_not_exist_does_not_load():
    assert not platform_check.can_load("libtoydiff-nowhere.so.7")


# The tables against the Qt that is installed

QT_FOLDER = Path(importlib.util.find_spec("PySide6").origin).parent / "Qt"


def needed(path: Path) -> Iterator[str]:
    """The DT_NEEDED entries of a little-endian 64-bit ELF file."""
    data = path.read_bytes()
    assert data[:6] == b"\x7fELF\x02\x01"
    begin, (size, count) = (
        struct.unpack_from("<Q", data, 40)[0],
        struct.unpack_from("<HH", data, 58),
    )
    for index in range(count):
        section = struct.unpack_from("<IIQQQQIIQQ", data, begin + index * size)
        if section[1] != 6:  # SHT_DYNAMIC
            continue
        strings = struct.unpack_from("<IIQQQQIIQQ", data, begin + section[6] * size)[4]
        for tag, value in struct.iter_unpack("<qQ", data[section[4] : section[4] + section[5]]):
            if tag == 1:  # DT_NEEDED
                yield data[strings + value : data.index(b"\0", strings + value)].decode()


@pytest.mark.skipif(not (QT_FOLDER / "lib").is_dir(), reason="Qt does not come from a wheel")
@pytest.mark.skipif(sys.platform != "linux", reason="ELF files")
@pytest.mark.parametrize(
    ("files", "known"),
    [
        (("lib/libQt6Gui.so.6", "lib/libQt6DBus.so.6", "lib/libQt6Widgets.so.6"), QT),
        (("plugins/platforms/libqoffscreen.so", "lib/libQt6OpenGLWidgets.so.6"), QT),
        (("plugins/platforms/libqxcb.so", "lib/libQt6XcbQpa.so.6"), QT + XCB),
        (("plugins/platforms/libqwayland.so", "lib/libQt6WaylandClient.so.6"), QT + WAYLAND),
    ],
)
def test_tables_hold_what_the_installed_qt_links_to(files, known):
    # What any Python brings along already, and Qt's own.
    base = (
        "libQt6",
        "libicu",
        "libc.",
        "libm.",
        "libgcc_s.",
        "libstdc++.",
        "libz.",
        "libzstd.",
        "ld-",
    )
    linked = {soname for file in files for soname in needed(QT_FOLDER / file)}
    foreign = {soname for soname in linked if not soname.startswith(base)}
    assert foreign <= {library.soname for library in known}
