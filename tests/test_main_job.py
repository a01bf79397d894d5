"""The main job through every real door, on both engines: from the install to the answered survey, figure by figure."""

from __future__ import annotations

from app import DemoApp
from devshop import demo

EXPECTED = {
    "installed": {"status": 200, "programme": 1},
    "joined": {"available": 50},
    # 2 x 24.50 + 79.00 = 128.00 francs, a point each
    "paid": {"available": 50, "pending": 128},
    "delivered": {"opens_in_days": 14, "opens": 128},
    "available": {"available": 178, "pending": 0},
    # 79.00 - 5.00 for 100 points
    "code_used": {"code": "used", "available": 78, "pending": 74},
    # 20.00 of 74.00 given back: 54 points stand, and floor(100 x 20 / 74) = 27 of the spent ones return
    "partly_refunded": {"available": 105, "pending": 54},
    "audited": {"differences": []},
}


def test_the_main_job_holds_at_every_step(blank_database_url: str) -> None:
    result = demo.main_job(DemoApp.open, blank_database_url)
    steps = {step["step"]: step for step in result["steps"]}
    assert [name for name, step in steps.items() if not step["held"]] == []
    assert result["ok"] is True
    assert {name: steps[name]["figures"] for name in EXPECTED} == EXPECTED
    assert steps["redeemed"]["figures"]["state"] == "made"
    assert steps["redeemed"]["figures"]["available"] == 78
    assert steps["answered"]["figures"] == {"score": 9, "asked_again": None}
    text = demo.as_text(result)
    assert text.endswith("every step held")
    assert "NO " not in text


def test_a_step_that_does_not_hold_is_told(blank_database_url: str) -> None:
    class Unpaid(DemoApp):
        """An app whose ledger was tampered with before anyone looked."""

        def look(self, redemption_id: int | None = None) -> dict[str, object]:
            return {**super().look(redemption_id), "differences": ["member 1: cached (1, 1, 1)"]}

    result = demo.main_job(Unpaid.open, blank_database_url)
    assert result["ok"] is False
    assert [step["step"] for step in result["steps"] if not step["held"]] == ["audited"]
    assert "a step did not hold" in demo.as_text(result)
