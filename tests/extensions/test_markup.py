"""What Liquid renders of the widget is valid HTML in every state of the page around it, by html-validate."""

from __future__ import annotations

from typing import Any

import pytest

from plugin.domain.programme import Programme
from plugin.store.db import to_ms
from plugin.store.storefront import Question
from plugin.worker.digest import storefront_digest
from tests.extensions.page import HOSTILE, Page, document
from tests.extensions.scripted import Api
from tests.markup import Page as Markup

STATES: dict[str, dict[str, Any]] = {
    "member": {},
    "guest": {"signed_in": False, "loyalty": None},
    "not joined": {"loyalty": {"joined": False, "available": 0, "pending": 120}},
    "in the theme editor": {"design": True},
    "no programme": {"digest": None},
    "a market without a rate": {"currency": "EUR"},
    "a gift card": {"gift_card": True},
    "another page": {"page_type": "index"},
    "markup for a name": {"shop_name": HOSTILE, "settings": {"label": HOSTILE}},
}


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("state", [*STATES, "a question is due"])
def test_the_blocks_are_valid(programme: Programme, api: Api, language: str, state: str) -> None:
    if state == "a question is due":
        api.question = Question(555, to_ms(api.now) or 0, "#1042")
    page = Page(language=language, digest=storefront_digest(programme), loyalty=api.loyalty())
    read = Markup(document(page.but(**STATES.get(state, {}))))
    assert read.faults == []
    assert [one.tag for one in read.elements if one.tag == "regulars-launcher"] or state == "no programme"
