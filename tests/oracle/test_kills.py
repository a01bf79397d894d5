"""A drainer that is killed again and again loses nothing and doubles nothing."""

from __future__ import annotations

import pytest

from plugin.store.db import Database
from tests.oracle.events import world
from tests.oracle.killing import check_killed


@pytest.mark.slow
def test_a_drainer_killed_ten_times_leaves_the_ledger_right(database: Database) -> None:
    made = world(5, customers=30, epochs=8, events=60)
    wrong, kills = check_killed(database, made, kills=10)
    assert wrong == []
    assert kills == 10, "the world must hold enough work for every kill to hit some"
