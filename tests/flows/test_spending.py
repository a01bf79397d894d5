"""Spending flow: debit at once, code later; points come back when refused, undone or refunded, and never twice."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from plugin.domain.facts import OrderSeen
from plugin.flows.offers import CannotRedeem
from plugin.store.db import Database
from plugin.store.redemptions import Redemption
from tests.books import Books
from tests.facts import DAY, T0, back, line, programme, refund, refunded, seen


@pytest.fixture
def rich(books: Books) -> Books:
    """Member 7 has 50 points without an end and 200 that end in 10 days."""
    books.join(7)
    books.give(7, 200, ends=T0 + 10 * DAY)
    return books


def used_in(code: Redemption, order_id: int = 5, **changes: Any) -> Any:
    return seen(order_id, line(1, 10_000, 2), discount_codes=(code.code,), **changes)


def test_points_go_at_once_and_the_code_is_asked_for(rich: Books) -> None:
    code = rich.redeem(7)
    assert (code.state, code.points, code.expires_at) == ("debited", 100, T0 + 90 * DAY)
    assert code.code.startswith("REG-")
    assert rich.points(7) == (150, 0, 0)
    assert rich.effects("code.make") == [f"redemption:{code.redemption_id}:make"]
    rich.made(code)
    assert rich.redemption(code).state == "made"
    assert rich.member(7).spent == 100
    assert rich.audit() == []


def test_a_second_tap_finds_the_first_and_another_phone_pays_again(rich: Books) -> None:
    first, again = rich.redeem(7), rich.redeem(7)
    assert again == first
    assert rich.redeem(7, request="other phone").code != first.code
    assert rich.points(7) == (50, 0, 0)
    with pytest.raises(CannotRedeem) as refused:
        rich.redeem(7, request="third")
    assert refused.value.code == "not_enough_points"
    assert "50 points" in refused.value.message
    assert rich.points(7) == (50, 0, 0)


def test_two_phones_at_once_cannot_spend_the_same_points(shared: Database) -> None:
    books = Books(shared)
    books.join(7)
    books.give(7, 60)
    outcomes: list[str] = []
    start = threading.Barrier(4)

    def tap(number: int) -> None:
        start.wait()
        try:
            outcomes.append(books.redeem(7, request=f"phone {number}").state)
        except CannotRedeem as refused:
            outcomes.append(refused.code)

    phones = [threading.Thread(target=tap, args=(n,)) for n in range(4)]
    for phone in phones:
        phone.start()
    for phone in phones:
        phone.join()
    assert sorted(outcomes) == ["debited"] + ["not_enough_points"] * 3
    assert books.points(7) == (10, 0, 0)
    assert books.audit() == []


@pytest.mark.parametrize(
    ("who", "reward", "code"), [(8, "five_off", "not_a_member"), (7, "unicorn", "no_such_reward")]
)
def test_what_cannot_be_redeemed(rich: Books, who: int, reward: str, code: str) -> None:
    with pytest.raises(CannotRedeem) as refused:
        rich.redeem(who, reward)
    assert refused.value.code == code


def test_a_refusal_for_good_brings_the_points_back_with_their_dates(rich: Books) -> None:
    code = rich.redeem(7)
    rich.refused(code)
    rich.refused(code)
    settled = rich.redemption(code)
    assert (settled.state, settled.reason, settled.returned) == ("refused", "refused_blank", 100)
    assert rich.points(7) == (250, 0, 0)
    assert rich.entries(7)[-2:] == [("redeem", -100), ("redeem_return", 100)]
    [lot] = [lot for lot in rich.account(7).lots.values() if lot.points == 100]
    assert lot.expires_at == T0 + 30 * DAY  # the points would have ended in 10 days: at least 30
    assert rich.member(7).spent == 0
    rich.made(code)  # an answer that comes after all
    assert rich.redemption(code).state == "refused"
    assert rich.audit() == []


def test_undo_returns_the_points_once_the_code_is_gone(rich: Books) -> None:
    code = rich.redeem(7)
    with pytest.raises(CannotRedeem) as refused:
        rich.undo(7, code)
    assert refused.value.code == "being_made"
    rich.made(code)
    with pytest.raises(CannotRedeem) as refused:
        rich.undo(8, code)
    assert refused.value.code == "no_such_redemption"
    rich.undo(7, code)
    rich.undo(7, code)
    assert rich.effects("code.withdraw") == [f"redemption:{code.redemption_id}:withdraw"]
    assert rich.points(7) == (150, 0, 0)
    rich.withdrawn(code, used=False)
    rich.withdrawn(code, used=False)
    assert rich.points(7) == (250, 0, 0)
    assert rich.redemption(code).state == "undone"
    assert rich.audit() == []


def test_a_code_used_before_it_could_be_withdrawn_returns_nothing(rich: Books) -> None:
    code = rich.redeem(7)
    rich.made(code)
    rich.undo(7, code)
    rich.withdrawn(code, used=True)
    assert rich.points(7) == (150, 0, 0)
    rich.tell(used_in(code), confirmed=[5])
    assert rich.redemption(code).state == "used"
    with pytest.raises(CannotRedeem) as refused:
        rich.undo(7, code)
    assert refused.value.code == "already_used"


@pytest.mark.parametrize("ended", ["undone", "refused"])
def test_an_order_that_still_carries_the_code_takes_the_points_again(rich: Books, ended: str) -> None:
    code = rich.redeem(7)
    if ended == "undone":
        rich.made(code)
        rich.undo(7, code)
        rich.withdrawn(code, used=False)
    else:
        rich.refused(code)
    assert rich.points(7) == (250, 0, 0)
    for _ in range(2):
        rich.tell(used_in(code), confirmed=[5])
    rich.tell(used_in(code, at=T0 + DAY))
    assert rich.points(7) == (150, 100, 0)
    assert [kind for kind, _ in rich.entries(7)].count("redeem_reversed") == 1
    settled = rich.redemption(code)
    assert (settled.state, settled.used_order_id, settled.returned) == ("used", 5, 0)
    # … and a refund of that order gives them back in its turn.
    rich.tell(refunded(5, refund(1, back(1, 1, 5_000), paid=5_000)))
    assert rich.points(7) == (200, 50, 0)
    assert rich.audit() == []


@pytest.mark.parametrize(
    ("facts", "returned"),
    [
        pytest.param([refunded(5, refund(1, back(1, 1, 5_000), paid=5_000))], 50, id="half"),
        pytest.param([refunded(5, refund(1, paid=3_333))], 33, id="floor(100 x 3333 / 10000)"),
        pytest.param([refunded(5, refund(1, paid=3_333)), refunded(5, refund(2, paid=3_333))], 66, id="twice"),
        pytest.param([refunded(5, refund(1, back(1, 2, 10_000), paid=10_000))], 100, id="all"),
        pytest.param([refunded(5, refund(1, paid=700, shipping=700))], 0, id="shipping only"),
        pytest.param(["cancel"], 100, id="cancelled"),
        pytest.param([refunded(5, refund(1, paid=3_333)), "cancel"], 100, id="part, then cancelled"),
    ],
)  # fmt: skip
def test_a_used_code_on_a_refunded_order_returns_its_share(
    rich: Books, facts: list[Any], returned: int
) -> None:
    code = rich.redeem(7)
    rich.made(code)
    rich.tell(used_in(code), confirmed=[5])
    for fact in facts:
        rich.tell(used_in(code, at=T0 + DAY, cancelled_at=T0 + DAY) if fact == "cancel" else fact)
        rich.tell(used_in(code), confirmed=[5])
    assert rich.redemption(code).returned == returned
    assert rich.points(7)[0] == 150 + returned
    assert rich.member(7).spent == 100 - returned
    assert rich.audit() == []


def test_an_edit_after_a_refund_lowers_the_share_and_takes_points_again(rich: Books) -> None:
    code = rich.redeem(7)
    half = refund(1, back(1, 1, 5_000), paid=5_000)
    rich.tell(used_in(code), refunded(5, half), confirmed=[5])
    assert rich.redemption(code).returned == 50
    more = (line(1, 10_000, 2), line(2, 10_000))

    def grown(days: int, status: str) -> OrderSeen:
        return seen(5, *more, at=T0 + days * DAY, discount_codes=(code.code,), financial_status=status)

    rich.tell(grown(1, "partially_paid"))
    assert rich.redemption(code).returned == 50, "what is added counts once it is paid"
    for _ in range(2):
        rich.tell(grown(2, "partially_refunded"))
    assert (rich.redemption(code).returned, rich.points(7)[0]) == (25, 150 + 25)
    rich.tell(refunded(5, refund(2, back(2, 1, 10_000), paid=10_000)))
    assert (rich.redemption(code).returned, rich.points(7)[0]) == (75, 150 + 75)
    posted = [points for kind, points in rich.entries(7) if kind.startswith("redeem_")]
    assert posted == [50, -25, 50]
    assert rich.audit() == []


@pytest.mark.parametrize(("policy", "owed"), [("deficit", 100), ("floor", 0)])
def test_a_code_used_after_all_is_owed_or_forgiven(shared: Database, policy: str, owed: int) -> None:
    books = Books(shared, programme(clawback=policy, signup_points=100))
    books.join(7)
    code = books.redeem(7)
    books.refused(code)
    books.redeem(7, request="another tap")
    books.tell(used_in(code, customer_id=8), confirmed=[5])
    assert books.points(7) == (0, 0, owed)
    assert books.audit() == []


def test_a_code_in_an_order_that_nobody_read_is_only_a_claim(rich: Books) -> None:
    code = rich.redeem(7)
    rich.made(code)
    # The header that names the shop is not signed: this is another shop's cancelled order with a code of ours.
    forged = used_in(code, customer_id=None, cancelled_at=T0, financial_status="voided")
    rich.tell(forged)
    assert rich.redemption(code).state == "made"
    assert rich.points(7) == (150, 0, 0)
    assert rich.effects("order.read") == ["order:5:read"]
    rich.tell(refuted=[5])
    rich.tell(used_in(code, at=T0 + DAY, cancelled_at=T0 + DAY))
    assert (rich.redemption(code).state, rich.points(7)) == ("made", (150, 0, 0))
    rich.tell(used_in(code, 6, at=T0 + DAY, cancelled_at=T0 + DAY), confirmed=[6])
    assert (rich.redemption(code).state, rich.points(7)) == ("used", (250, 0, 0))


def test_a_code_seen_before_we_knew_it_was_made(rich: Books) -> None:
    code = rich.redeem(7)
    rich.tell(used_in(code), confirmed=[5])
    assert rich.redemption(code).state == "used"
    rich.made(code)
    rich.refused(code)
    settled = rich.redemption(code)
    assert (settled.state, settled.discount_gid is None) == ("used", False)
    assert rich.points(7) == (150, 100, 0)


def test_one_code_serves_one_order(rich: Books) -> None:
    code = rich.redeem(7)
    rich.made(code)
    rich.tell(used_in(code, 5), confirmed=[5])
    rich.tell(used_in(code, 6, cancelled_at=T0), confirmed=[6])
    assert rich.redemption(code).used_order_id == 5
    assert rich.points(7)[0] == 150


def test_somebody_elses_code_is_nothing_to_us(rich: Books) -> None:
    rich.tell(seen(5, discount_codes=("SUMMER10",)))
    assert [kind for kind, _ in rich.entries(7)] == ["signup", "adjust", "earn"]


def test_a_clawback_never_reopens_a_redemption(rich: Books) -> None:
    rich.tell(seen(1, line(requires_shipping=False)))
    rich.read(1)
    rich.now = T0 + 14 * DAY
    code = rich.redeem(7)
    rich.made(code)
    rich.tell(seen(1, line(requires_shipping=False), at=T0 + DAY, cancelled_at=T0 + DAY))
    assert rich.redemption(code).state == "made"
    assert rich.audit() == []
