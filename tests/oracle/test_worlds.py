"""Random worlds through the real inbox, drain and flows against the oracle: small ones in numbers, and a big one."""

from __future__ import annotations

from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugin.store.db import Database
from tests.oracle.conftest import FreshDatabase
from tests.oracle.events import World, world
from tests.oracle.oracle import judge
from tests.oracle.rig import Rig, check

SEEDS = st.integers(0, 2**32 - 1)
MANY = settings(max_examples=60, suppress_health_check=[*HealthCheck], deadline=None)


@MANY
@given(seed=SEEDS, customers=st.integers(2, 8), epochs=st.integers(2, 12), events=st.integers(3, 20))
def test_calm_worlds_agree_in_every_figure(
    fresh: FreshDatabase, seed: int, customers: int, epochs: int, events: int
) -> None:
    with fresh() as db:
        assert check(db, world(seed, customers=customers, epochs=epochs, events=events)) == []


@MANY
@given(seed=SEEDS, customers=st.integers(2, 8), epochs=st.integers(2, 8), events=st.integers(3, 25))
def test_wild_worlds_agree_in_what_is_posted(
    fresh: FreshDatabase, seed: int, customers: int, epochs: int, events: int
) -> None:
    with fresh() as db:
        assert check(db, world(seed, customers=customers, epochs=epochs, events=events, wild=True)) == []


@pytest.mark.slow
@pytest.mark.parametrize("wild", [False, True], ids=["calm", "wild"])
def test_ten_thousand_shuffled_doubled_and_interleaved_deliveries(sqlite_url: str, wild: bool) -> None:
    made = world(1, customers=400, epochs=16, events=360 if wild else 520, wild=wild)
    assert made.deliveries >= 10_000
    with closing(Database.open(sqlite_url)) as db:
        rig = Rig(db, made.seed, threads=16).play(made.steps)
        assert rig.disagreements(made, judge(made.steps, made.end.isoformat())) == []
        assert rig.troubles() == []
        # Every row of the inbox was worked off once; copies under a known webhook id never became rows.
        assert 0 < rig.drained.done < made.deliveries
        assert (rig.drained.skipped, rig.drained.parked, rig.drained.failed) == (0, 0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("wild", [False, True], ids=["calm", "wild"])
def test_a_thousand_of_them_on_both_engines(database: Database, wild: bool) -> None:
    made = world(7, customers=40, epochs=12, events=75, wild=wild)
    assert made.deliveries >= 1000
    assert check(database, made, threads=4) == []


def test_everything_delivered_again_changes_no_entry(database: Database) -> None:
    made = world(11, customers=12, epochs=8, events=25)
    rig = Rig(database, made.seed).play(made.steps)
    before = rig.entries()
    assert len(before) > 50
    again = {"do": "deliver", "at": made.end.isoformat(), "messages": messages_of(made)}
    rig.play([again, again])
    assert rig.entries() == before
    assert rig.troubles() == []


def messages_of(made: World) -> list[object]:
    """Every message of a world, in the order in which it first arrived."""
    return [message for step in made.steps if step["do"] == "deliver" for message in step["messages"]]


def test_a_seed_makes_the_same_world_every_time() -> None:
    assert (
        world(3, customers=5, epochs=4, events=10).steps == world(3, customers=5, epochs=4, events=10).steps
    )


def test_worlds_hold_what_they_are_meant_to_try() -> None:
    made = world(1, customers=400, epochs=16, events=420)
    topics = {message[0] for message in messages_of(made)}  # type: ignore[index]
    assert topics >= {
        "orders/create", "orders/paid", "orders/updated", "orders/edited", "orders/cancelled", "orders/delete",
        "orders/fulfilled", "refunds/create", "fulfillments/create", "fulfillments/update",
        "fulfillment_events/create", "customers/merge", "customers/update",
    }  # fmt: skip
    verdict = judge(made.steps, made.end.isoformat())
    figures = verdict.members.values()
    assert sum(figure.owed > 0 for figure in figures) > 3
    assert sum(figure.status == "unclaimed" for figure in figures) > 3
    assert len(verdict.redeemed) > 20
    assert len(set(verdict.tiers.values())) == 4
