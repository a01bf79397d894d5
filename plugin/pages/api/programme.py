"""API, programme: the whole document, read, checked and published as one."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from plugin.domain import programme as rules
from plugin.domain.programme import Programme
from plugin.flows import merchants
from plugin.flows.programme_documents import MAX_BYTES
from plugin.pages.api.route import Call, Fault, Route, said
from plugin.store import programmes


class Problem(Struct, frozen=True):
    """What is wrong with a field of the document, and what to do about it."""

    field: str
    message: str


class Checked(Struct, frozen=True):
    """Everything that keeps a document from being published; nothing, when it may be."""

    problems: list[Problem]


def get_programme(call: Call, _: None) -> Programme:
    return _latest(call)


def check_programme(call: Call, document: dict[str, Any]) -> Checked:
    _, problems = _read(document)
    return Checked([Problem(*one) for one in problems])


def publish_programme(call: Call, document: dict[str, Any]) -> Programme:
    draft, problems = _read(document)
    if draft is None or problems:
        field, sentence = problems[0]
        more = (
            f" {len(problems)} problems in all: POST /programme/check lists them."
            if len(problems) > 1
            else ""
        )
        raise Fault(f"{sentence}{more}", code="invalid_programme", field=field)
    latest = _latest(call)
    if draft.version != latest.version:
        raise Fault(f"The programme in force is version {latest.version}. Read it, make your changes there and send it "
                    "with that version.", code="programme_changed", status=409, field="version")  # fmt: skip
    if draft == latest:
        return latest
    return merchants.publish(call.tx, call.shop, draft, call.actor, call.now)


def _latest(call: Call) -> Programme:
    found = programmes.versions(call.tx, call.shop_id).latest
    if found is None:
        raise Fault("The shop is still being set up. Try again in a minute.", code="not_ready", status=503)
    return found


def _read(document: dict[str, Any]) -> tuple[Programme | None, list[rules.Problem]]:
    """The document as a programme, and what is wrong with it; a field that this version does not know is wrong."""
    try:
        draft = msgspec.convert(document, Programme)
    except msgspec.ValidationError as error:
        return None, [said(error)]
    unknown = _beyond(document, msgspec.to_builtins(draft), "")
    if unknown:
        return draft, [
            (where, f"Leave {where} out: this version of Regulars does not know it. A document of a newer one needs "
                    "that version.")
            for where in unknown
        ]  # fmt: skip
    return draft, rules.problems(draft)


def _beyond(given: Any, understood: Any, where: str) -> list[str]:
    """Fields of the document that were not understood."""
    if isinstance(given, dict) and isinstance(understood, dict):
        return [
            path
            for name, value in given.items()
            for at in [f"{where}.{name}" if where else str(name)]
            for path in (_beyond(value, understood[name], at) if name in understood else [at])
        ]
    if isinstance(given, list) and isinstance(understood, list | tuple):
        return [
            path
            for i, pair in enumerate(zip(given, understood, strict=True))
            for path in _beyond(*pair, f"{where}.{i}")
        ]
    return []


ROUTES = (
    Route("GET", "/programme", "read_programme", get_programme, "The programme in force", answer=Programme),
    Route("PUT", "/programme", "write_programme", publish_programme,
          "Publishes a changed document, in force from now on; its `version` is the one it was made from",
          given=dict[str, Any], answer=Programme, largest=MAX_BYTES),
    Route("POST", "/programme/check", "read_programme", check_programme,
          "What would keep a document from being published; publishes nothing",
          given=dict[str, Any], answer=Checked, moves=False, largest=MAX_BYTES),
)  # fmt: skip
# What the document of a PUT should look like; it is read more gently than its type, to name what is wrong.
# A check takes any document: saying what is wrong with it is its answer.
DOCUMENTS = {"publish_programme": Programme}
