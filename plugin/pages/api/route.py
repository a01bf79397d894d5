"""What a route of the API is made of: the table's row, what a handler gets, and the words that all of them share."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from plugin.pages.answers import Refusal
from plugin.store.api_keys import ApiKey
from plugin.store.db import Tx
from plugin.store.shops import Shop

if TYPE_CHECKING:
    from plugin.pages.web import Web

PREFIX = "/api/v1"
MAX_BODY_BYTES = 262_144
MAX_PAGE = 100
_BIGGEST = 1 << 63
_CURSOR = re.compile(r"[0-9]{1,19}(-[0-9]{1,19})*")
_TO_REDACTED = "No such thing in this shop."

Id = Annotated[
    str, Meta(pattern="^[1-9][0-9]{0,18}$", description="A whole number, as text.", examples=["7001"])
]
# No character that a database could not keep.
Text = Annotated[str, Meta(pattern="^[^\\u0000]*$", max_length=500)]
Limit = Annotated[int, Meta(ge=1, le=MAX_PAGE, description="How many at most.")]
Cursor = Annotated[str, Meta(max_length=200, description="`next_cursor` of the page before.")]
Item = TypeVar("Item")


class Body(Struct, forbid_unknown_fields=True, frozen=True):
    """What a request says. A field that we do not know is refused: it would do nothing, silently."""


class Page(Struct, Generic[Item], frozen=True):
    """A page of a list. `next_cursor` is null on the last one."""

    data: list[Item]
    next_cursor: str | None


class Paged(Body, frozen=True):
    """The query of a list."""

    limit: Limit = 50
    cursor: Cursor | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One proved request, inside its transaction. `path` holds the numbers of the address."""

    web: Web
    tx: Tx
    shop: Shop
    key: ApiKey
    path: dict[str, int]
    idempotency_key: str
    now: datetime

    @property
    def shop_id(self) -> int:
        """The shop whose key it is: no request can name another."""
        return self.shop.shop_id

    @property
    def actor(self) -> str:
        """How the ledger and the trail name the caller."""
        return f"api:{self.key.key_id}"

    @property
    def cause(self) -> str:
        """The key of what this request causes: the same for every repetition of it."""
        return f"api:{self.key.key_id}:{self.idempotency_key}"

    def may(self, scope: str) -> bool:
        """Whether the key holds a scope beyond the one that the route asks for."""
        return scope in self.key.scopes


@dataclass(frozen=True, slots=True)
class Later:
    """An answer that is better once what the transaction asked for was done: `finish` runs after the commit.

    `answer`: what stands if that fails; None where nothing is kept.
    """

    answer: Struct | None
    finish: Callable[[], Struct]


Handler = Callable[[Call, Any], Any]


@dataclass(frozen=True, slots=True)
class Route:
    """One row of the API. The address, the check of the body, the scope and the OpenAPI document follow from it.

    `given` is what the handler gets: the body of POST and PUT, the query of GET, None without either.
    `moves`: it changes something, so a POST needs an idempotency key. `answer` None: 204 and no body. `largest`: the
    most bytes of a body.
    """

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    scope: str
    handler: Handler
    says: str
    answer: Any = None
    given: Any = None
    status: int = 200
    moves: bool = True
    largest: int = MAX_BODY_BYTES

    @property
    def name(self) -> str:
        """The name of the operation, such as `list_members`."""
        return self.handler.__name__

    @property
    def repeatable(self) -> bool:
        """Whether the request carries an idempotency key."""
        return self.method == "POST" and self.moves

    @property
    def numbers(self) -> list[str]:
        """The names of the numbers in the address."""
        return re.findall(r"{([a-z_]+)}", self.path)


class Fault(Refusal):
    """What is wrong with a request; `field` is the path of the field to change."""

    def __init__(self, message: str, *, code: str, status: int = 422, field: str = "") -> None:
        super().__init__(message, code=code, status=status)
        self.field = field


def number(text: str) -> int | None:
    """The whole number of an id, or None when it can be the id of nothing."""
    return int(text) if re.fullmatch(r"[1-9][0-9]{0,18}", text) and int(text) < _BIGGEST else None


def cursor(*numbers: int) -> str:
    """Where the next page begins. Callers keep it as it is."""
    return base64.urlsafe_b64encode("-".join(map(str, numbers)).encode()).decode().rstrip("=")


def position(text: str | None, count: int = 1) -> tuple[int, ...] | None:
    """The numbers of a cursor, None without one. Raises Fault."""
    if text is None:
        return None
    try:
        plain = base64.b64decode(text.encode() + b"=" * (-len(text) % 4), b"-_", validate=True).decode()
    except (ValueError, binascii.Error):
        plain = ""
    found = [int(part) for part in plain.split("-")] if _CURSOR.fullmatch(plain) else []
    if len(found) != count or max(found) >= _BIGGEST:
        raise Fault("Use next_cursor of the page before as it is, or leave cursor out to begin at the top.",
                    code="invalid_cursor", field="cursor")  # fmt: skip
    return tuple(found)


def paged(
    found: list[Any], limit: int, shown: Callable[[Any], Item], key: Callable[[Any], str]
) -> Page[Item]:
    """A page from a list that was read one longer than asked for."""
    more = len(found) > limit
    return Page([shown(one) for one in found[:limit]], key(found[limit - 1]) if more else None)


def said(error: msgspec.ValidationError) -> tuple[str, str]:
    """Which field does not fit, and what it should be."""
    text, _, path = str(error).partition(" - at ")
    where = re.sub(r"\[(\d+)\]", r".\1", path.strip("`").removeprefix("$")).strip(".")
    where = re.sub(r"\[\.\.\.\]", ".*", where)
    unknown = re.fullmatch(r"Object contains unknown field `(.{1,60})`", text)
    missing = re.fullmatch(r"Object missing required field `(.{1,60})`", text)
    if named := unknown or missing:
        name = named[1]
        where = f"{where}.{name}" if where else name
        return where, f"Leave {where} out: there is no such field." if unknown else f"Add the field {where}."
    return where, f"Correct {where or 'the body'}: {text[:1].lower()}{text[1:]}."
