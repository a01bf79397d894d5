"""Keeps the platform's state in one JSON file, replaced as a whole after each change."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from devshop.records import PlatformState

_DECODER = msgspec.json.Decoder(PlatformState)


def load(path: Path | None) -> PlatformState:
    """The saved state, or an empty one if there is no file yet."""
    if path is None or not path.exists():
        return PlatformState()
    return _DECODER.decode(path.read_bytes())


def save(path: Path, state: PlatformState) -> None:
    """Writes beside the file and renames, so that a crash leaves the old state or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".new")
    with beside.open("wb") as file:
        file.write(msgspec.json.encode(state))
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
