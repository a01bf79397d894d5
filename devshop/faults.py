"""Trouble on demand: throttling, errors, refusals, answers that never come."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from msgspec import Struct

from devshop.errors import DevshopError

KINDS = ("throttle", "http_500", "http_502", "http_503", "refuse", "timeout_before", "timeout_after", "slow")


class Fault(Struct):
    kind: str
    match: str
    times: int | None  # None: until cleared
    code: str | None = None  # refuse: the userErrors code, or ACCESS_DENIED
    message: str = "Refused by a fault of the development shop."
    seconds: float = 0.0  # slow


class NoAnswer(Exception):
    """The platform hangs up without an answer; it may have acted."""


class Faults:
    """A list of faults, each used up by the requests it matches.

    `match` is a GraphQL operation name, a root field ("discountCodeBasicCreate"), a path
    ("/admin/oauth/access_token"), "graphql", "access_token", or "*" for everything.
    """

    def __init__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        self._faults: list[Fault] = []
        self.sleep = sleep

    def add(
        self,
        kind: str,
        match: str = "*",
        times: int | None = 1,
        *,
        code: str | None = None,
        message: str = "Refused by a fault of the development shop.",
        seconds: float = 0.2,
    ) -> Fault:
        """Queues a fault. Raises DevshopError for an unknown kind."""
        if kind not in KINDS:
            raise DevshopError("fault_unknown", f"There is no fault {kind}; use one of {', '.join(KINDS)}.")
        fault = Fault(kind, match, times, code, message, seconds)
        self._faults.append(fault)
        return fault

    def clear(self) -> None:
        self._faults.clear()

    @property
    def pending(self) -> list[Fault]:
        return list(self._faults)

    def take(self, kinds: Iterable[str], names: Iterable[str]) -> Fault | None:
        """The first fault of these kinds that matches one of `names`; counts it as used."""
        wanted, called = set(kinds), {*names, "*"}
        for fault in self._faults:
            if fault.kind in wanted and fault.match in called:
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self._faults.remove(fault)
                return fault
        return None
