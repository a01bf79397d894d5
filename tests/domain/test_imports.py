"""Lists of other apps: whose they are, what their columns mean, and a sentence for every row that cannot be used."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.domain.imports import COLUMNS, MemberRow, Unusable, layout, member_row

SMILE = {
    "Name": "Anna K", "Email": "Anna.K@Example.com", "State": "member", "Date of birth": "1004-05-27",
    "Points balance": "1,250", "Referral URL": "http://i.refs.cc/9qr5Pw", "Referrals": "2", "VIP tier": "Gold",
}  # fmt: skip
LOYALTYLION = {
    "merchant_id": "7001", "email": "anna@example.com", "points_approved": "900", "points_pending": "50",
    "points_spent": "250", "loyalty_tier_name": "Gold", "birthday": "1990-05-27", "enrolled_at": "2024-02-03T10:00:00Z",
}  # fmt: skip
YOTPO = {
    "Email": "anna@example.com", "First Name": "Anna", "Last Name": "K", "Points Balance": "650",
    "Points Earned": "900",
    "Points Spent": "250", "VIP Tier Name": "Gold", "Birthday Month": "5", "Birthday Day": "27", "Opted In": "true",
}  # fmt: skip
RIVO = {
    "Remote ID": "7001", "Email": "anna@example.com", "Points Tally": "650", "VIP Tier Name": "Gold",
    "Loyalty Status": "member", "Referral Code": "ANNA-1", "Birthday": "05/27/1990",
}  # fmt: skip
GROWAVE = {
    "user_shopify_id": "7001", "email": "anna@example.com", "points": "650.50", "spent_points": "250",
    "tier_name": "Gold", "birthdate": "1990-05-27", "referral_link": "https://shop.example/?gw=1",
}  # fmt: skip
STAMPED = {
    "customerEmail": "anna@example.com", "customerFirstName": "Anna", "customerLastName": "K", "totalPoints": "650",
    "vipTier": "Gold", "birthday": "27-05-1990", "referralCode": "ANNA-1", "shopifyId": "7001",
}  # fmt: skip


def one(cells: dict[str, str], app: str | None = None) -> tuple[str, MemberRow]:
    plan = layout(cells, [cells], app)
    return plan.app, member_row(2, cells, plan)


@pytest.mark.parametrize(
    ("cells", "app", "points"),
    [
        (SMILE, "Smile", 1250),
        (LOYALTYLION, "LoyaltyLion", 650),
        (YOTPO, "Yotpo", 650),
        (RIVO, "Rivo", 650),
        (GROWAVE, "Growave", 650),
        (STAMPED, "Stamped", 650),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_lists_of_six_apps_are_told_apart_and_read(cells: dict[str, str], app: str, points: int) -> None:
    found, row = one(cells)
    assert (found, row.points, row.tier, row.birthday) == (app, points, "Gold", (5, 27))
    assert (row.email or "").lower() == row.email


def test_a_plain_list_needs_two_columns_and_may_say_more() -> None:
    app, row = one({"E-Mail": "anna@example.com", "Points": "5", "shoe size": "39"})
    assert (app, row.points, row.email, row.customer_id) == ("another app", 5, "anna@example.com", None)
    assert layout({"E-Mail": "", "Points": "", "shoe size": ""}).unknown == ("shoe size",)


def test_a_part_of_a_point_is_dropped_and_said() -> None:
    assert one(GROWAVE)[1].fraction is True
    assert one(RIVO)[1].fraction is False


def test_nothing_names_a_person() -> None:
    with pytest.raises(Unusable, match="No column holds an e-mail address"):
        layout(["points", "tier"])


def test_two_columns_of_one_name() -> None:
    with pytest.raises(Unusable, match="Two columns are called “E-mail”"):
        layout(["Email", "E-mail", "points"])


@pytest.mark.parametrize(
    ("text", "points"),
    [("0", 0), ("12", 12), ("1,250", 1250), ("1’250", 1250), ("1 250", 1250), ("1,250.00", 1250), ("12,5", 12),
     ("+7", 7), ("'7", 7), ("-0", 0), ("1000000000", 1_000_000_000), ("", None)],
)  # fmt: skip
def test_numbers_of_points(text: str, points: int | None) -> None:
    assert one({"email": "a@example.com", "points": text})[1].points == points


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("-5", "below zero"),
        ("1.250", "in digits"),
        ("1e9", "in digits"),
        ("lots", "in digits"),
        ("1000000001", "more than the largest balance"),
        ("9" * 40, "no number of points"),
        ("NaN", "in digits"),
        ("=1+1", "in digits"),
        ("٣", "in digits"),
    ],
)
def test_what_is_no_number_of_points(text: str, sentence: str) -> None:
    with pytest.raises(Unusable, match=sentence):
        one({"email": "a@example.com", "points": text})


def test_an_adjustment_may_take() -> None:
    plan = layout(["email", "points"])
    assert member_row(2, {"email": "a@example.com", "points": "-5"}, plan, signed=True).points == -5


@pytest.mark.parametrize(
    ("text", "email"),
    [
        ("Anna@Example.COM ", "anna@example.com"),
        ("<a@b.io>", "a@b.io"),
        ("a+b.c@x.example", "a+b.c@x.example"),
    ],
)
def test_an_address_is_the_same_in_capitals(text: str, email: str) -> None:
    assert one({"email": text, "points": "1"})[1].email == email


@pytest.mark.parametrize("text", ["anna", "anna@", "anna@gmail,com", "a b@c.de", f"{'a' * 400}@b.io"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(Unusable, match="no e-mail address"):
        one({"email": text, "points": "1"})


@pytest.mark.parametrize("text", ["7001", "gid://shopify/Customer/7001", "'7001", "7001.0"])
def test_a_customers_number_in_its_forms(text: str) -> None:
    assert one({"Shopify customer ID": text, "points": "1"})[1].customer_id == 7001


@pytest.mark.parametrize("text", ["0", "seven", "-1", "9" * 25])
def test_what_is_no_customers_number(text: str) -> None:
    with pytest.raises(Unusable, match="no customer number"):
        one({"customer_id": text, "points": "1"})


def test_the_list_itself_shows_whether_days_come_first() -> None:
    rows = [{"email": "a@b.io", "birthday": "03/04/1990"}, {"email": "c@d.io", "birthday": "27/05/1990"}]
    plan = layout(rows[0], rows)
    assert member_row(2, rows[0], plan).birthday == (4, 3)
    plan = layout(rows[0], [rows[0], {"email": "", "birthday": "05/27/1990"}])
    assert member_row(2, rows[0], plan).birthday == (3, 4)
    dotted = {"email": "a@b.io", "birthday": "03.04.1990"}
    assert member_row(2, dotted, layout(dotted, [dotted])).birthday == (4, 3)


@pytest.mark.parametrize("text", ["1990-02-30", "13/13/1990", "soon", "0000-00-00"])
def test_what_is_no_birthday(text: str) -> None:
    with pytest.raises(Unusable):
        one({"email": "a@b.io", "birthday": text})


def test_states_and_dates() -> None:
    row = one(
        {"email": "a@b.io", "state": "disabled", "created_at": "2024-02-03", "points expiry": "31/12/2027"}
    )[1]
    assert row.state == "frozen"
    assert row.joined_at == datetime(2024, 2, 3, tzinfo=UTC)
    assert row.expires_at == datetime(2027, 12, 31, tzinfo=UTC)
    assert one({"email": "a@b.io", "state": "candidate"})[1].state == "customer"
    assert one({"email": "a@b.io", "blocked": "true"})[1].state == "frozen"


HEADERS = [names[0] for names in COLUMNS.values()]


@given(st.dictionaries(st.sampled_from(HEADERS), st.text(max_size=40)))
def test_whatever_a_cell_holds_it_is_read_or_refused_with_a_sentence(cells: dict[str, str]) -> None:
    plan = layout([*HEADERS, "more"], [cells])
    try:
        row = member_row(2, cells, plan)
    except Unusable as unusable:
        said = str(unusable)
    else:
        said = "."
        assert row.points is None or 0 <= row.points <= 1_000_000_000
        assert row.customer_id is not None or row.email is not None
    assert said.endswith(".")
