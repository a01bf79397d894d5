"""The few errors a person or a program outside may see: a stable code, an HTTP status, a next step."""

from __future__ import annotations

import traceback
from pathlib import Path


class RegularsError(Exception):
    """An expected failure. `code` is stable snake_case, `status` an HTTP status, `message` says what to do next."""

    code = "error"
    status = 400

    def __init__(self, message: str, *, code: str | None = None, status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        if code is not None:
            self.code = code
        if status is not None:
            self.status = status


class ConfigError(RegularsError):
    """A setting is missing or wrong; the process refuses to start."""

    code = "configuration_error"
    status = 500


class StorageBusy(RegularsError):
    """The database could not take the write in time. Nothing was written; try again."""

    code = "storage_busy"
    status = 503


class SourceKeyConflict(RegularsError):
    """A source key came back with different points: a bug or a forged cause, never to be hidden."""

    code = "source_key_conflict"
    status = 500


def describe(error: BaseException) -> str:
    """An error for a log line: its kind and code, never its text, which may hold a row or an address."""
    code = getattr(error, "sqlite_errorname", None) or getattr(error, "sqlstate", None)
    cause = error.__cause__
    inner = f" from {describe(cause)}" if cause is not None else ""
    return f"{type(error).__name__}{f' {code}' if code else ''}{inner}"


def trace(error: BaseException) -> str:
    """`describe`, and where it happened, innermost first: the log line of a fault that nobody foresaw."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames)]
    return f"{describe(error)} at {' < '.join(places)}"
