"""What can stop an export."""

from __future__ import annotations


class ExportError(ValueError):
    """One clear sentence for the user; nothing was written."""


class CancelledError(Exception):
    """The user stopped the export; nothing was written."""
