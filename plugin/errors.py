"""The few errors a person or a program outside may see: a stable code, an HTTP status, a next step."""

from __future__ import annotations


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
