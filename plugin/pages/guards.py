"""Guards: every route names what keeps strangers out, and a test walks the map of routes for one that does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])

OPEN = "open"
PROXY = "signed proxy query"
EXTENSION = "extension session token"
POS = "POS session token"
ID_TOKEN = "id token"
FORM_TICKET = "form ticket"
API_KEY = "API key"
SIGNED_HOOK = "hook signed with a key's secret"
OAUTH = "signed OAuth callback"


def guard(kind: str) -> Callable[[View], View]:
    """Marks a view with its guard."""

    def mark(view: View) -> View:
        # A test reads this one.
        view.guard = kind  # type: ignore[attr-defined]  # Callable has no attributes in its type; every function does
        return view

    return mark
