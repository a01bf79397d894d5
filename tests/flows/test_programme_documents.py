"""A programme goes from shop to shop as one document; what is wrong with one is said field by field."""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.domain.programme import Programme, Reward, Survey, first_programme
from plugin.flows.programme_documents import UnreadableProgramme, read, written
from tests.books import Books
from tests.facts import programme

FORMS = ("json", "toml")


def sentences(
    body: str | bytes, currency: str = "CHF", as_currency: str | None = None
) -> list[tuple[str, str]]:
    with pytest.raises(UnreadableProgramme) as found:
        read(body if isinstance(body, bytes) else body.encode(), currency, as_currency=as_currency)
    return found.value.problems


def changed(**changes: object) -> str:
    return json.dumps({**json.loads(written(programme(), "json")), **changes})


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "rules",
    [
        first_programme("CHF", 100),
        programme(
            expiry_months=None, membership="tag", membership_tag="vip", texts={"de": {"a.b": 'ä\n\x7f"\\'}}
        ),
        programme(rewards=(), tiers=(), survey=Survey(enabled=False)),
    ],
)
def test_what_is_written_reads_back_the_same(rules: Programme, form: str) -> None:
    text = written(rules, form)
    assert read(text.encode(), "CHF") == replace(rules, version=0)
    if form == "toml":
        assert tomllib.loads(text)["regulars_programme"] == 1


@given(st.text(st.characters(codec="utf-8"), max_size=40), st.sampled_from(FORMS))
def test_any_text_survives_the_way(text: str, form: str) -> None:
    rules = programme(
        rewards=(Reward("one", "amount_off", text, 100, value_minor=500),), texts={"de": {text: text}}
    )
    assert read(written(rules, form).encode(), "CHF") == replace(rules, version=0)


def test_one_shops_document_is_published_by_another(books: Books) -> None:
    taken = read(written(programme(signup_points=77), "toml").encode(), "CHF")
    books.publish(taken)
    books.join(9)
    assert books.points(9) == (77, 0, 0)


def test_a_newer_document_is_refused() -> None:
    assert sentences(changed(regulars_programme=2)) == [
        (
            "regulars_programme",
            "The document is of version 2, and this app reads up to 1. Update the app first.",
        )
    ]


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (changed(constellations=[]), "constellations"),
        (changed(version=3), "version"),
        (changed(survey={"enabled": True, "smile": 1}), "survey.smile"),
        (changed(tiers=[{"key": "a", "name": "A", "threshold": 0, "glow": True}]), "tiers.0.glow"),
    ],
)
def test_an_unknown_field_is_named_and_refused(body: str, where: str) -> None:
    assert sentences(body) == [
        (where, "This app does not know this field. Update the app, or take the field out.")
    ]


@pytest.mark.parametrize(
    ("body", "where", "said"),
    [
        (changed(signup_points="many"), "signup_points", "Expected int, got str."),
        (changed(signup_points=-1), "signup_points", "0 or more"),
        (changed(tiers=[{"key": "a", "name": "A", "threshold": "x"}]), "tiers.0.threshold", "Expected int"),
        (changed(rewards=3), "rewards", "Expected array"),
        (changed(signup_points=10**30), "signup_points", ""),
        ('{"regulars_programme": 1, "earning": []}', "currency", "missing"),
        ('{"regulars_programme": true}', "regulars_programme", "no programme of Regulars"),
        ('{"currency": "CHF"}', "regulars_programme", "no programme of Regulars"),
        (changed(without="x"), "without", "list of fields"),
        (changed(without=["rewards.9.value_minor"]), "without", "no field rewards.9"),
        ("", "", "empty"),
        ("{", "", "neither a JSON nor a TOML"),
        ("[1]", "regulars_programme", "no programme of Regulars"),
        ("[" * 100_000, "", "neither a JSON nor a TOML"),
        (b"\xff\xfe\x00", "", "neither a JSON nor a TOML"),
        (b"x" * 600_000, "", "larger than"),
    ],
)
def test_every_fault_names_its_field(body: str | bytes, where: str, said: str) -> None:
    found = sentences(body)
    assert found[0][0].startswith(where)
    assert said in found[0][1]


def test_the_currency_matches_or_is_stated() -> None:
    body = written(programme(currency="EUR"), "json")
    assert sentences(body)[0][1].startswith("The amounts are in EUR and the shop sells in CHF.")
    assert read(body.encode(), "CHF", as_currency="CHF").currency == "CHF"
    assert sentences(body, as_currency="USD")[0][0] == "currency"
    yen = written(programme(currency="JPY"), "json")
    assert "other decimals" in sentences(yen, as_currency="CHF")[0][1]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_programme_or_a_sentence(body: bytes) -> None:
    assert all(said.endswith(".") for _, said in sentences(body))
