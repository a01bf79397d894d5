"""A scripted storefront API: one shopper in memory, answers made by the app's own panel code, faults on demand."""

from __future__ import annotations

import json
import re
import threading
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from plugin.domain.programme import Programme
from plugin.pages import panel
from plugin.pages.answers import encode, error_body
from plugin.shopify import mirrors
from plugin.store.db import to_ms
from plugin.store.redemptions import Redemption
from plugin.store.storefront import Code, Line, OpenLot, Question, Shopper

NONCE = "nonce-of-this-hour"
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back; `dropped`: the connection ends without an answer."""

    status: int
    body: bytes = b""
    dropped: bool = False
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Fault:
    """What goes wrong with the next `times` requests to a path. `done` first: the wish is granted, the answer lost."""

    path: str
    kind: str  # drop, lost, hang, late, held (until `release`), html, or a status
    code: str = "server_error"
    times: int = 1


@dataclass(slots=True)
class Api:
    """One shopper and everything their panel can ask."""

    programme: Programme
    now: datetime
    signed_in: bool = True
    status: str | None = "active"
    tier: str | None = "silver"
    progress: int = 620
    lots: list[OpenLot] = field(default_factory=list)
    owed: int = 0
    lines: list[Line] = field(default_factory=list)
    redemptions: dict[int, Redemption] = field(default_factory=dict)
    by_key: dict[str, int] = field(default_factory=dict)
    question: Question | None = None
    responses: list[dict[str, Any]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)
    # How many questions after a redemption or an undo are answered "not yet".
    slow_codes: int = 0
    by_invitation: bool = False
    nonces: list[str] = field(default_factory=lambda: [NONCE])
    guard: threading.Lock = field(default_factory=threading.Lock)
    release: threading.Event = field(default_factory=threading.Event)

    def shopper(self) -> Shopper:
        """The shopper as the app's store would read it."""
        codes = [
            Code(
                one.redemption_id,
                one.points,
                to_ms(one.expires_at),
                one.code,
                one.state,
                encode(one.reward).decode(),
            )
            for one in self.redemptions.values()
            if one.state in ("debited", "made")
        ]
        return Shopper(1, self.programme, 42, self.status, to_ms(self.now - 90 * DAY), self.tier, self.lots, self.owed,
                       codes[::-1], self.question, self.progress)  # fmt: skip

    def loyalty(self) -> dict[str, Any]:
        """The customer's metafield for this state, as the app mirrors it."""
        held = panel.points(self.shopper(), to_ms(self.now) or 0)
        following = held["next"] or {"at": None, "points": 0}
        state = mirrors.MemberState(
            customer_id=42, joined=self.status == "active", available=held["available"], balance=held["balance"],
            pending=held["pending"],
            next_at=datetime.fromisoformat(following["at"]) if following["at"] else None,
            next_delta=following["points"],
            tier=self.tier, due_survey=str(self.question.order_id) if self.question else None, programme_version=1,
        )  # fmt: skip
        loaded: dict[str, Any] = json.loads(mirrors._metafield(state)["value"])
        return loaded

    def answer(self, method: str, path: str, query: dict[str, str], body: bytes) -> Answer:
        """Answers one request behind the proxy path, or does what the next fault says."""
        self.seen.append(f"{method} {path}")
        fault = next((one for one in self.faults if one.times and re.fullmatch(one.path, path)), None)
        if fault is not None:
            fault.times -= 1
            if fault.kind == "lost":
                with self.guard:
                    self._granted(method, path, query, body)
                return Answer(0, dropped=True)
            if fault.kind == "hang":
                self.release.wait(30)
                return Answer(0, dropped=True)
            if fault.kind == "late":
                time.sleep(0.5)
            elif fault.kind == "held":
                self.release.wait(30)
            elif fault.kind == "drop":
                return Answer(0, dropped=True)
            elif fault.kind == "html":
                return Answer(200, b"<!doctype html><title>Opening soon</title>")
            else:
                return Answer(int(fault.kind), encode(error_body(fault.code, "A scripted fault.")))
        with self.guard:
            return self._granted(method, path, query, body)

    def _granted(self, method: str, path: str, query: dict[str, str], body: bytes) -> Answer:
        if not self.signed_in:
            return self._refused(401, "sign_in") if path != "/me" else _json(panel.guest(self.programme))
        if method == "GET":
            return self._read(path, query)
        given = json.loads(body)
        if given.pop("nonce", None) != self.nonces[-1]:
            return self._refused(403, "invalid_nonce")
        return self._changed(path, given)

    def _read(self, path: str, query: dict[str, str]) -> Answer:
        if path == "/me":
            if self.status in (None, "unclaimed") and self.programme.membership == "all":
                self._join()
            return _json(self._panel())
        if path == "/history":
            limit = panel.page_size(int(query.get("page_size", 20)))
            below = int(query.get("cursor", 1 << 62))
            page = [line for line in self.lines if line[0] < below][:limit]
            return _json(panel.history(page, limit))
        found = self.redemptions[int(path.removeprefix("/redemptions/"))]
        if self.slow_codes:
            self.slow_codes -= 1
        elif found.state == "debited":
            found = self._keep(replace(found, state="made", made_at=self.now))
        elif found.reason == "undo":
            found = self._undone(found)
        return _json(panel.redemption(found))

    def _changed(self, path: str, given: dict[str, Any]) -> Answer:
        if path == "/join":
            if self.by_invitation:
                return self._refused(409, "by_invitation")
            self._join()
            return _json(self._panel())
        if path == "/survey":
            self.responses.append(given)
            self.question = None
            return _json(
                {
                    "state": "answered",
                    "order": given["order"],
                    "score": given["score"],
                    "change_until": "2026-11-23T09:00:00Z",
                }
            )
        if path == "/referral":
            return _json({"link": "https://alpina.example/?ref=REG-ABCDEFGH"})
        if path == "/redeem":
            return self._redeem(given["reward"], given["request_key"])
        found = self.redemptions[int(path.split("/")[2])]
        if found.state == "used":
            return self._refused(409, "already_used")
        if self.slow_codes:
            self._keep(replace(found, reason="undo"))
            return _json({**panel.redemption(found), "state": "being_undone", "points": self._points()}, 202)
        return _json({**panel.redemption(self._undone(found)), "points": self._points()})

    def _redeem(self, key: str, request_key: str) -> Answer:
        reward = self.programme.reward(key)
        if reward is None:
            return self._refused(404, "no_such_reward")
        if request_key not in self.by_key:
            if self._points()["available"] < reward.points:
                return self._refused(409, "not_enough_points")
            number = 9000 + len(self.redemptions)
            self.by_key[request_key] = number
            self._keep(Redemption(
                number, 42, request_key, reward, 1, reward.points, f"REG-7KQ2M-X{number}",
                "debited" if self.slow_codes else "made",
                None, self.now, self.now, self.now + reward.valid_days * DAY, None, 0, 0, None,
            ))  # fmt: skip
            self.lots.insert(0, (-reward.points, to_ms(self.now - DAY), None))
        made = self.redemptions[self.by_key[request_key]]
        return _json(
            {**panel.redemption(made), "points": self._points()}, 202 if made.state == "debited" else 200
        )

    def _undone(self, found: Redemption) -> Redemption:
        self.lots.insert(0, (found.points, to_ms(self.now - DAY), None))
        return self._keep(replace(found, state="undone", reason=None))

    def _keep(self, redemption: Redemption) -> Redemption:
        self.redemptions[redemption.redemption_id] = redemption
        return redemption

    def _join(self) -> None:
        self.status, self.tier = "active", "bronze"
        self.lots.insert(0, (self.programme.signup_points, to_ms(self.now - DAY), None))

    def _panel(self) -> dict[str, Any]:
        return panel.of_customer(self.shopper(), self.programme, self.now, self.nonces[-1])

    def _points(self) -> dict[str, Any]:
        return panel.points(self.shopper(), to_ms(self.now) or 0)

    def _refused(self, status: int, code: str) -> Answer:
        return Answer(status, encode(error_body(code, "A sentence that the widget does not show.")))


def _json(body: Any, status: int = 200) -> Answer:
    return Answer(status, encode(body))


def member(programme: Programme, now: datetime | None = None) -> Api:
    """A member with 320 points, 84 on their way, and some history."""
    now = now or datetime.now(UTC).replace(microsecond=0)
    lots = [
        (320, to_ms(now - 20 * DAY), to_ms(now + 700 * DAY)),
        (84, to_ms(now + 9 * DAY), to_ms(now + 730 * DAY)),
    ]
    return Api(programme, now, lots=lots, lines=history(now))


def history(now: datetime) -> list[Line]:
    """One line of every kind that the ledger knows, newest first, and enough earnings for a second page."""
    rate = {"rate": [1, 100], "currency": "CHF", "programme": 1, "rule": "purchase"}
    kinds: list[tuple[str, int, str | None, dict[str, Any]]] = [
        (
            "redeem",
            -100,
            None,
            {"reward": "five_off", "name": None, "kind": "amount_off", "value_minor": 500, "currency": "CHF"},
        ),
        (
            "earn",
            105,
            "#1042",
            {**rate, "basis_minor": 8400, "multiplier": [5, 4], "tier": "silver", "target": 105, "before": 0},
        ),
        ("clawback", -44, "#1038", {**rate, "basis_minor": 4000, "target": 40, "before": 84}),
        (
            "clawback",
            -60,
            "#1031",
            {**rate, "basis_minor": 0, "target": 0, "before": 60, "because": "cancelled"},
        ),
        ("earn", 12, "#1030", {**rate, "basis_minor": 7200, "target": 72, "before": 60}),
        ("redeem_return", 100, None, {"reward": "five_off", "name": "Five francs off", "because": "undone"}),
        ("redeem_reversed", -100, None, {"reward": "five_off", "because": "code_was_used", "order": "81"}),
        ("redeem_reversed", -25, None, {"reward": "five_off", "because": "less_refunded", "order": "81"}),
        ("expire", -30, None, {"rule": "expiry"}),
        ("void", -20, None, {"rule": "never_joined", "months": 12}),
        ("transfer_out", -10, None, {"from": "1", "to": "2"}),
        ("transfer_in", 10, None, {"from": "1", "to": "2"}),
        ("adjust", 25, None, {}),
        ("forgiven", 15, None, {"rule": "floor"}),
        ("forgiven", 40, "#1030", {"rule": "lapsed"}),
        ("survey", 5, None, {}),
        ("signup", 50, None, {"rule": "signup"}),
    ]
    kinds += [
        ("earn", 20, f"#{1000 - at}", {**rate, "basis_minor": 2000, "target": 20, "before": 0})
        for at in range(30)
    ]
    return [
        (1000 - at, points, to_ms(now - at * 3 * DAY) or 0, kind, json.dumps(why), order)
        for at, (kind, points, order, why) in enumerate(kinds)
    ]
