"""Says in plain words why Qt could not open a window here, before Qt is imported.

Qt itself aborts the process with a list of plugins. This module asks the dynamic loader for the
libraries that Qt's platform plugins link to, and the display whether it answers. It needs the
standard library only; the setup script loads it by its path.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Library:
    """A shared library and the packages that bring it; the first Debian name is the usual one."""

    soname: str
    debian: tuple[str, ...]
    fedora: str


# What `readelf -d` lists for QtGui, QtWidgets and the offscreen plugin (PySide6 6.8 to 6.11).
QT = (
    Library("libGL.so.1", ("libgl1",), "libglvnd-glx"),
    Library("libEGL.so.1", ("libegl1",), "libglvnd-egl"),
    Library("libxkbcommon.so.0", ("libxkbcommon0",), "libxkbcommon"),
    Library("libfontconfig.so.1", ("libfontconfig1",), "fontconfig"),
    Library("libfreetype.so.6", ("libfreetype6",), "freetype"),
    # Debian 13 and Ubuntu 24.04 renamed it for the 64-bit time_t.
    Library("libglib-2.0.so.0", ("libglib2.0-0", "libglib2.0-0t64"), "glib2"),
    Library("libgthread-2.0.so.0", ("libglib2.0-0", "libglib2.0-0t64"), "glib2"),
    Library("libdbus-1.so.3", ("libdbus-1-3",), "dbus-libs"),
    Library("libX11.so.6", ("libx11-6",), "libX11"),
)
XCB = (
    Library("libxcb.so.1", ("libxcb1",), "libxcb"),
    Library("libX11-xcb.so.1", ("libx11-xcb1",), "libX11-xcb"),
    Library("libxkbcommon-x11.so.0", ("libxkbcommon-x11-0",), "libxkbcommon-x11"),
    Library("libxcb-cursor.so.0", ("libxcb-cursor0",), "xcb-util-cursor"),
    Library("libxcb-icccm.so.4", ("libxcb-icccm4",), "xcb-util-wm"),
    Library("libxcb-image.so.0", ("libxcb-image0",), "xcb-util-image"),
    Library("libxcb-keysyms.so.1", ("libxcb-keysyms1",), "xcb-util-keysyms"),
    Library("libxcb-render-util.so.0", ("libxcb-render-util0",), "xcb-util-renderutil"),
    Library("libxcb-util.so.1", ("libxcb-util1",), "xcb-util"),
    Library("libxcb-randr.so.0", ("libxcb-randr0",), "libxcb"),
    Library("libxcb-render.so.0", ("libxcb-render0",), "libxcb"),
    Library("libxcb-shape.so.0", ("libxcb-shape0",), "libxcb"),
    Library("libxcb-shm.so.0", ("libxcb-shm0",), "libxcb"),
    Library("libxcb-sync.so.1", ("libxcb-sync1",), "libxcb"),
    Library("libxcb-xfixes.so.0", ("libxcb-xfixes0",), "libxcb"),
    Library("libxcb-xkb.so.1", ("libxcb-xkb1",), "libxcb"),
)
WAYLAND = (
    Library("libwayland-client.so.0", ("libwayland-client0",), "libwayland-client"),
    Library("libwayland-cursor.so.0", ("libwayland-cursor0",), "libwayland-cursor"),
)
PLUGIN_LIBRARIES = {"xcb": XCB, "wayland": WAYLAND}


def can_load(soname: str) -> bool:
    """Whether the dynamic loader finds a library and everything that it needs itself."""
    try:
        ctypes.CDLL(soname)
    except OSError:
        return False
    return True


def can_connect(platform: str) -> bool:
    """Whether the X or Wayland server that the environment names lets this process in."""
    if platform == "xcb":
        xcb = ctypes.CDLL("libxcb.so.1")
        xcb.xcb_connect.restype = ctypes.c_void_p
        connection = ctypes.c_void_p(xcb.xcb_connect(None, None))
        refused = bool(xcb.xcb_connection_has_error(connection))
        xcb.xcb_disconnect(connection)
        return not refused
    if platform == "wayland":
        wayland = ctypes.CDLL("libwayland-client.so.0")
        wayland.wl_display_connect.restype = ctypes.c_void_p
        display = wayland.wl_display_connect(None)
        if display is None:
            return False
        wayland.wl_display_disconnect(ctypes.c_void_p(display))
    return True


def has_wayland_plugin() -> bool:
    """Whether the installed Qt brings a plugin for Wayland; looks at its files, imports nothing."""
    spec = importlib.util.find_spec("PySide6")
    folders = spec.submodule_search_locations or [] if spec else []
    return any(
        any(Path(folder, "Qt", "plugins", "platforms").glob("libqwayland*")) for folder in folders
    )


def platforms(
    environ: Mapping[str, str], wayland_plugin: Callable[[], bool] = has_wayland_plugin
) -> list[str]:
    """The platform plugins that Qt will try, by name; empty when there is no display to draw on."""
    if wanted := environ.get("QT_QPA_PLATFORM"):
        return [name.split(":")[0].split("-")[0] for name in wanted.split(";")]
    found = []
    if environ.get("WAYLAND_DISPLAY") and wayland_plugin():
        found.append("wayland")
    if environ.get("DISPLAY"):
        found.append("xcb")
    return found


def missing_libraries(
    environ: Mapping[str, str] = os.environ,
    loads: Callable[[str], bool] = can_load,
    system: str = sys.platform,
    wayland_plugin: Callable[[], bool] = has_wayland_plugin,
) -> list[Library]:
    """The libraries that must be installed before Qt can start; empty off Linux.

    One working plugin is enough: in a Wayland session the libraries of X11 may be missing.
    """
    if not system.startswith("linux"):
        return []
    missing = [library for library in QT if not loads(library.soname)]
    plugins = [
        [library for library in PLUGIN_LIBRARIES.get(name, ()) if not loads(library.soname)]
        for name in platforms(environ, wayland_plugin)
    ]
    return missing + min(plugins, key=len, default=[])


def explain(
    environ: Mapping[str, str] = os.environ,
    loads: Callable[[str], bool] = can_load,
    connects: Callable[[str], bool] = can_connect,
    system: str = sys.platform,
    wayland_plugin: Callable[[], bool] = has_wayland_plugin,
) -> str | None:
    """Why no window can be opened and what helps, or None when nothing stands in the way."""
    if not system.startswith("linux"):
        return None
    names = platforms(environ, wayland_plugin)
    if not names or (
        set(names) <= {"xcb", "wayland"}
        and not environ.get("DISPLAY")
        and not environ.get("WAYLAND_DISPLAY")
    ):
        return (
            "ToyDiff found no display: neither DISPLAY nor WAYLAND_DISPLAY is set.\n"
            "Start it on a desktop, or set QT_QPA_PLATFORM=offscreen to run without one."
        )
    if missing := missing_libraries(environ, loads, system, wayland_plugin):
        return describe(missing)
    if not usable_platforms(environ, loads, connects, wayland_plugin):
        variables = {"xcb": "DISPLAY", "wayland": "WAYLAND_DISPLAY"}
        shown = [variables[name] for name in names if name in variables]
        tried = " and ".join(f"{name}={environ.get(name, '')}" for name in shown)
        return (
            f"ToyDiff cannot reach the display that the environment names ({tried}).\n"
            "Correct it, or set QT_QPA_PLATFORM=offscreen to run without one."
        )
    return None


def usable_platforms(
    environ: Mapping[str, str] = os.environ,
    loads: Callable[[str], bool] = can_load,
    connects: Callable[[str], bool] = can_connect,
    wayland_plugin: Callable[[], bool] = has_wayland_plugin,
) -> list[str]:
    """Those of Qt's plugins that will work; given to QT_QPA_PLATFORM, Qt tries no others.

    Without that, Qt grumbles about each plugin that fails before it takes the next.
    """
    return [
        name
        for name in platforms(environ, wayland_plugin)
        if all(loads(library.soname) for library in PLUGIN_LIBRARIES.get(name, ()))
        and connects(name)
    ]


def describe(missing: list[Library]) -> str:
    """Names missing libraries and the commands that install them."""
    sonames = ", ".join(library.soname for library in missing)
    debian = " ".join(dict.fromkeys(library.debian[0] for library in missing))
    fedora = " ".join(dict.fromkeys(library.fedora for library in missing))
    return (
        f"ToyDiff cannot open its window: system libraries are missing ({sonames}).\n"
        f"  Debian, Ubuntu:  sudo apt install {debian}\n"
        f"  Fedora:          sudo dnf install {fedora}"
    )
