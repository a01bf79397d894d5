"""Campaigns: when they run, for whom and on what, how several add up, and which ones are refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugin.domain.earning import target, wants_details
from plugin.domain.earning.campaigns import CAMPAIGN
from plugin.domain.facts import Buyer, LineProduct, OrderFact
from plugin.domain.programme import (
    Band,
    Campaign,
    EarningRule,
    LineRule,
    OrderRules,
    Programme,
    Stacking,
    Tier,
    problems,
)
from plugin.domain.programme.campaigns import moment
from plugin.domain.values import Rate, Ratio
from tests.facts import T0, back, line, order, programme, refund, refunded, seen

TEA = line(1, 10_000, 2, product_id=11, vendor="Regulars")
CUP = line(2, 5_000, product_id=12, vendor="Potter")
READ = (LineProduct(1, "Tea", ("new",), (900,)), LineProduct(2, "Cup", (), (901,)))
BOUGHT = seen(1, TEA, CUP)


def campaign(key: str = "double", **changes: Any) -> Campaign:
    """March 2026, in which T0 falls."""
    given: dict[str, Any] = {
        "name": "Double points", "starts": "2026-03-01", "ends": "2026-04-01", "zone": "Europe/Zurich",
    }  # fmt: skip
    return Campaign(key, **{**given, **changes})


def running(*campaigns: Campaign, stacking: Stacking = "best", **changes: Any) -> Programme:
    return programme(campaigns=campaigns, campaign_stacking=stacking, **changes)


def points(
    by: Programme, *facts: Any, tier: str | None = None, multiplier: Ratio = Ratio()
) -> dict[str, int]:
    found = target(order(*(facts or (BOUGHT,))), by, multiplier, tier=tier, confirmed=True)
    return {rule.removeprefix(CAMPAIGN): count for rule, count in found.points if count}


# When


@pytest.mark.parametrize(
    ("wall", "zone", "first", "last"),
    [
        ("2026-03-29T01:59", "Europe/Zurich", "2026-03-29T00:59", None),
        ("2026-03-29T02:30", "Europe/Zurich", "2026-03-29T01:30", None),  # leapt over: 03:30 in summer time
        ("2026-03-29T03:00", "Europe/Zurich", "2026-03-29T01:00", None),
        ("2026-10-25T02:30", "Europe/Zurich", "2026-10-25T00:30", "2026-10-25T01:30"),  # comes twice
        ("2026-10-25 03:00", "Europe/Zurich", "2026-10-25T02:00", None),
        ("2026-03-08T02:30", "America/New_York", "2026-03-08T07:30", None),
        ("2026-11-01T01:30", "America/New_York", "2026-11-01T05:30", "2026-11-01T06:30"),
        ("2026-11-01", "America/New_York", "2026-11-01T04:00", None),
        ("2026-11-02", "America/New_York", "2026-11-02T05:00", None),
    ],
)
def test_a_wall_time_is_that_of_the_zone_through_every_change_of_the_clocks(
    wall: str, zone: str, first: str, last: str | None
) -> None:
    assert moment(wall, zone) == datetime.fromisoformat(first).replace(tzinfo=UTC)
    assert moment(wall, zone, last=True) == datetime.fromisoformat(last or first).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "zone", "hours"),
    [
        ("2026-03-29", "Europe/Zurich", 23), ("2026-10-25", "Europe/Zurich", 25),
        ("2026-03-08", "America/New_York", 23), ("2026-11-01", "America/New_York", 25),
        ("2026-06-01", "Europe/Zurich", 24),
    ],
)  # fmt: skip
def test_a_day_is_as_long_as_the_clocks_make_it(day: str, zone: str, hours: int) -> None:
    after = (datetime.fromisoformat(day) + timedelta(days=1)).isoformat()
    one = campaign(starts=day, ends=after, zone=zone)
    assert one.ends_at - one.starts_at == timedelta(hours=hours)
    around = (timedelta(seconds=-1), timedelta(0), timedelta(hours=hours, seconds=-1), timedelta(hours=hours))
    assert [one.runs(one.starts_at + later) for later in around] == [False, True, True, False]


@given(
    st.sampled_from(("Europe/Zurich", "America/New_York", "UTC", "Asia/Tokyo")),
    st.integers(0, 3_000_000_000).map(lambda s: datetime.fromtimestamp(s, UTC)),
)
def test_the_clocks_show_every_moment_between_its_first_and_its_last(zone: str, at: datetime) -> None:
    shown = at.astimezone(ZoneInfo(zone)).replace(tzinfo=None).isoformat()
    assert moment(shown, zone) <= at <= moment(shown, zone, last=True)


def test_orders_before_and_after_earn_as_ever() -> None:
    by = running(campaign(starts="2026-03-01T13:00", ends="2026-03-01T14:00"))  # T0 is 13:00 in Zurich
    for seconds, expected in ((-1, {"purchase": 150}), (0, {"purchase": 150, "double": 150}),
                              (3599, {"purchase": 150, "double": 150}), (3600, {"purchase": 150})):  # fmt: skip
        placed = T0 + timedelta(seconds=seconds)
        assert points(by, seen(1, TEA, CUP, processed_at=placed, at=placed)) == expected


# For whom, and on what


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, 150),
        ({"tiers": ("silver",)}, 150),
        ({"tiers": ("bronze",)}, 0),
        ({"tags": ("VIP", "press")}, 150),
        ({"tags": ("press",)}, 0),
        ({"countries": ("DE", "CH")}, 150),
        ({"countries": ("DE",)}, 0),
        ({"sources": ("web",)}, 150),
        ({"sources": ("subscription_contract*", "we*")}, 150),
        ({"sources": ("pos",)}, 0),
        ({"scope": "product", "values": ("11",)}, 100),
        ({"scope": "vendor", "values": ("potter",)}, 50),
        ({"scope": "tag", "values": ("NEW",)}, 100),
        ({"scope": "collection", "values": ("901",)}, 50),
        ({"scope": "type", "values": ("Plate",)}, 0),
        ({"effect": "points", "points": 7}, 7),
        ({"effect": "points", "points": 7, "scope": "product", "values": ("12",)}, 7),
        ({"effect": "points", "points": 7, "scope": "product", "values": ("99",)}, 0),
        ({"effect": "rate", "points": 1, "per_minor": 1000}, 15),
        ({"effect": "rate", "points": 3, "per_minor": 700, "scope": "product", "values": ("12",)}, 21),  # 21.43
        ({"multiplier": Ratio(4, 3), "scope": "product", "values": ("12",)}, 16),  # 16.67, with 150 before it
    ],
)  # fmt: skip
def test_whom_and_what_a_campaign_is_for(changes: dict[str, Any], expected: int) -> None:
    bought = replace(seen(1, TEA, CUP, country="CH"), products=READ, buyer=Buyer(False, ("vip",)))
    found = points(running(campaign(**changes)), bought, tier="silver")
    assert found == {"purchase": 150} | ({"double": expected} if expected else {})


def test_what_only_a_read_tells_is_asked_for_while_the_campaign_runs_and_counts_then() -> None:
    by = running(campaign(scope="collection", values=("900",), tags=("vip",)))
    assert points(by) == {"purchase": 150}
    assert wants_details(order(BOUGHT), by)
    read = replace(BOUGHT, products=READ, buyer=Buyer(False, ("vip",)))
    assert points(by, read) == {"purchase": 150, "double": 100}
    assert not wants_details(order(read), by)
    over = running(campaign(scope="collection", values=("900",), ends="2026-03-01T12:00"))
    assert not wants_details(order(BOUGHT), over)


# How much


def test_double_points_are_double_with_tier_and_bands_and_one_rounding() -> None:
    by = running(
        campaign(),
        earning=(EarningRule(Rate(1, 700)),),
        orders=OrderRules(bands=(Band("big", "Big", 10_000, Ratio(3)),)),
    )
    # 100 + 50 × 3 = 250.00; × 5/4 = 312.50; / 7 = 44.64; twice that is 89.28
    assert points(by, multiplier=Ratio(5, 4)) == {"purchase": 44, "double": 45}


def test_fixed_points_are_as_stated_and_excluded_or_unearning_orders_get_none() -> None:
    by = running(
        campaign(effect="points", points=10),
        campaign("more", effect="rate", points=1, per_minor=1000),
        campaign("triple", multiplier=Ratio(3)),
        stacking="multiply",
        orders=OrderRules(lines=(LineRule("tea", "Tea", "product", ("11",), "fixed", points=3),
                                 LineRule("cup", "Cup", "vendor", ("Potter",), multiplier=Ratio(2)))),
    )  # fmt: skip
    # Tea: 2 × 3 points, no money. Cup: 50.00 counting as 100.00; three times that; a point per 10.00 of the 50.00.
    assert points(by) == {"purchase": 100, "products": 6, "double": 10, "more": 5, "triple": 200}
    assert points(replace(by, orders=OrderRules(minimum_minor=20_000))) == {}
    assert points(replace(by, orders=OrderRules(sources=("web",)))) == {}
    whole = refunded(1, refund(1, back(1, 2, 10_000), back(2, 1, 5_000), paid=15_000))
    assert points(by, BOUGHT, whole) == {}


def test_a_refund_takes_the_share_of_the_campaign_too() -> None:
    by = running(campaign(scope="product", values=("11",), multiplier=Ratio(3)))
    assert points(by) == {"purchase": 150, "double": 200}
    assert points(by, BOUGHT, refunded(1, refund(1, back(1, 1, 5_000), paid=5_000))) == {
        "purchase": 100, "double": 100,
    }  # fmt: skip
    # 30.00 without lines are borne by all lines: tea keeps 80.00
    assert points(by, BOUGHT, refunded(1, refund(1, paid=3_000))) == {"purchase": 120, "double": 160}


def test_the_most_an_order_earns_cuts_campaigns_first() -> None:
    assert points(running(campaign(), orders=OrderRules(max_per_order=180))) == {
        "purchase": 150,
        "double": 30,
    }


DOUBLE = campaign()
TRIPLE = campaign("triple", name="Triple tea", multiplier=Ratio(3), scope="product", values=("11",))
GIFT = campaign("gift", name="Gift", effect="points", points=40)


@pytest.mark.parametrize(
    ("stacking", "expected"),
    [
        ("multiply", {"double": 150, "triple": 400, "gift": 40}),  # tea × 2 × 3
        ("add", {"double": 150, "triple": 200, "gift": 40}),  # tea × (1 + 1 + 2)
        ("best", {"triple": 200}),
    ],
)
def test_campaigns_multiply_add_up_or_the_best_stands(stacking: Stacking, expected: dict[str, int]) -> None:
    assert points(running(DOUBLE, TRIPLE, GIFT, stacking=stacking)) == {"purchase": 150} | expected


def test_2x_and_3x_add_up_to_4x_and_multiply_to_6x() -> None:
    three = replace(TRIPLE, scope="all", values=())
    assert sum(points(running(DOUBLE, three, stacking="add")).values()) == 4 * 150
    assert sum(points(running(DOUBLE, three, stacking="multiply")).values()) == 6 * 150
    assert sum(points(running(DOUBLE, three, stacking="best")).values()) == 3 * 150


# Laws


def several() -> st.SearchStrategy[tuple[Campaign, ...]]:
    scoped = st.sampled_from(
        [("all", ()), ("product", ("11",)), ("product", ("12",)), ("vendor", ("potter", "regulars"))]
    )

    def made(n: int, effect: Any, times: tuple[int, int], count: int, scope: Any, tiers: Any) -> Campaign:
        return campaign(
            f"c{n}", name=f"C{n}", effect=effect, multiplier=Ratio(sum(times), times[1]), points=count,
            per_minor=700, scope=scope[0], values=scope[1], tiers=tiers,
        )  # fmt: skip

    one = st.builds(
        made, st.integers(0, 5), st.sampled_from(("multiply", "multiply", "points", "rate")),
        st.tuples(st.integers(1, 4), st.integers(1, 3)), st.integers(1, 60), scoped,
        st.sampled_from(((), ("silver",), ("bronze",))),
    )  # fmt: skip
    return st.lists(one, min_size=1, max_size=4, unique_by=lambda c: c.key).map(tuple)


def rules() -> st.SearchStrategy[dict[str, Any]]:
    bands = st.sampled_from(
        (
            (),
            (Band("a", "", 4_000, Ratio(3)),),
            (Band("a", "", 0, Ratio(2)), Band("b", "", 9_000, Ratio(1, 4))),
        )
    )
    lines = st.sampled_from(((), (LineRule("l", "", "product", ("11",), "multiply", Ratio(3, 2)),),
                             (LineRule("l", "", "product", ("12",), "exclude"),)))  # fmt: skip
    return st.fixed_dictionaries(
        {
            "orders": st.builds(OrderRules, bands=bands, lines=lines),
            "rounding": st.sampled_from(("floor", "half_up", "ceil")),
            "earning": st.sampled_from(
                ((EarningRule(Rate(1, 100)),), (EarningRule(Rate(3, 700)), EarningRule(Rate(1, 900), "more")))
            ),
        }
    )


@given(several(), rules())
def test_best_is_the_best_single_one_and_the_others_give_no_less(
    campaigns: tuple[Campaign, ...], changes: dict[str, Any]
) -> None:
    def total(stacking: Stacking, *chosen: Campaign) -> int:
        return sum(points(running(*chosen, stacking=stacking, **changes), tier="silver").values())

    alone = [total("best", one) for one in campaigns]
    assert total("best", *campaigns) == max(alone)
    assert total("add", *campaigns) >= max(alone)
    assert total("multiply", *campaigns) >= total("add", *campaigns)
    plain = sum(points(programme(**changes), tier="silver").values())
    assert all(one >= plain for one in alone)


@given(
    several(), rules(), st.sampled_from(("multiply", "add", "best")),
    st.permutations((BOUGHT, refunded(1, refund(1, back(1, 1, 5_000), paid=5_000)),
                     refunded(1, refund(2, paid=1_700)))),
)  # fmt: skip
def test_the_order_of_what_is_told_changes_nothing_and_money_given_back_never_gives_points(
    campaigns: tuple[Campaign, ...], changes: dict[str, Any], stacking: Stacking, told: list[OrderFact]
) -> None:
    by = running(*campaigns, stacking=stacking, **changes)
    after = points(by, *told, tier="silver")
    assert points(by, *sorted(told, key=repr), tier="silver") == after
    assert points(by, *told, *told, tier="silver") == after
    assert sum(after.values()) <= sum(points(by, BOUGHT, tier="silver").values())


# What is refused


@pytest.mark.parametrize(
    ("changes", "where", "said"),
    [
        ({"ends": "2026-02-01"}, "campaigns.0.ends", "Choose an end that is later than the start."),
        ({"ends": "2026-03-01"}, "campaigns.0.ends", "Choose an end that is later than the start."),
        ({"starts": "next week"}, "campaigns.0.starts", "Write day and time, such as 2027-03-27 00:00."),
        ({"ends": "2026-04-01T00:00+02:00"}, "campaigns.0.ends", "Write day and time, such as 2027-03-27 00:00."),
        ({"zone": "Zurich"}, "campaigns.0.zone", "Name a time zone by its region and city, such as Europe/Zurich."),
        ({"zone": ""}, "campaigns.0.zone", "Name a time zone by its region and city, such as Europe/Zurich."),
        ({"zone": "../etc"}, "campaigns.0.zone", "Name a time zone by its region and city, such as Europe/Zurich."),
        ({"name": " "}, "campaigns.0.name", "Give it a name; shoppers read it in their history."),
        ({"key": "a b"}, "campaigns.0.key", "Use letters, digits and _ for the key."),
        ({"multiplier": Ratio(0)}, "campaigns.0.multiplier", "Choose more than 1, up to 100."),
        ({"multiplier": Ratio(1)}, "campaigns.0.multiplier", "Choose more than 1, up to 100."),
        ({"multiplier": Ratio(2, 0)}, "campaigns.0.multiplier", "Choose more than 1, up to 100."),
        ({"effect": "points"}, "campaigns.0.points", "Say how many points: 1 or more."),
        ({"effect": "rate", "points": 1, "per_minor": 0}, "campaigns.0.per_minor", "Say for how much money"),
        ({"tiers": ("gold",)}, "campaigns.0.tiers", "Double points is for tiers that the programme does not have."),
        ({"countries": ("Switzerland",)}, "campaigns.0.countries", "Write countries as two capital letters"),
        ({"sources": ("*",)}, "campaigns.0.sources", "Name each channel."),
        ({"sources": ("pos",)}, "campaigns.0.sources", "The chapter on earning lets none of these channels earn."),
        ({"tags": ("STAFF",)}, "campaigns.0.tags", "Customers with these tags earn nothing"),
        ({"scope": "product"}, "campaigns.0.values", "No product can be meant"),
        ({"values": ("11",)}, "campaigns.0.scope", "Products are named below"),
        ({"scope": "product", "values": ("tea",)}, "campaigns.0.values", "Write numbers"),
        ({"scope": "vendor", "values": ("Potter",)}, "campaigns.0.values", "The chapter on earning excludes all"),
    ],
)  # fmt: skip
def test_impossible_campaigns_are_refused_with_field_and_remedy(
    changes: dict[str, Any], where: str, said: str
) -> None:
    shut = OrderRules(
        sources=("pos",),
        excluded_tags=("staff",),
        lines=(LineRule("x", "X", "vendor", ("potter",), "exclude"),),
    )
    one = campaign(changes.get("key", "double"), **{k: v for k, v in changes.items() if k != "key"})
    found = problems(running(one, orders=shut))
    assert [(field, sentence[: len(said)]) for field, sentence in found] == [(where, said)]
    assert problems(running(campaign(), orders=shut)) == []


def test_two_of_the_same_key_and_too_much_at_once_are_refused() -> None:
    assert problems(running(campaign(), campaign())) == [
        ("campaigns", "Give every campaign a key of its own.")
    ]
    big = campaign("big", name="Big", multiplier=Ratio(60), starts="2026-03-20", ends="2026-05-01")
    later = replace(big, starts="2026-04-01")
    for stacking, others, refused in (
        ("multiply", big, True), ("multiply", later, False), ("add", big, False), ("best", big, False),
    ):  # fmt: skip
        found = problems(running(campaign(), others, stacking=stacking))  # type: ignore[arg-type]
        assert [field for field, _ in found] == (["campaign_stacking"] if refused else [])
    assert "Double points and Big overlap" in problems(running(campaign(), big, stacking="multiply"))[0][1]


def test_too_many_are_refused() -> None:
    many = [campaign(f"c{n}", multiplier=Ratio(11, 10)) for n in range(101)]
    assert problems(running(*many[:10], stacking="multiply")) == []
    found = problems(running(*many[:11], stacking="multiply"))
    assert {field for field, _ in found} == {"campaign_stacking"}
    assert "More than 10 campaigns multiply at once" in found[0][1]
    assert problems(running(*many[:11], stacking="add")) == []
    assert problems(running(*many)) == [
        ("campaigns", "At most 100 campaigns. Take out some that have ended.")
    ]


def test_keys_of_campaigns_are_not_taken_by_earning_rules() -> None:
    by = programme(earning=(EarningRule(Rate(1, 100), "campaign_double"),), tiers=(Tier("bronze", "B", 0),))
    assert problems(by) == [("earning.0.key", "This key is taken. Choose another one.")]
