"""The soak goes on where it stopped, starts anew where it must, and writes down what it found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bench.soak import Progress, load, proof, save, soak, steps
from plugin.store.db import Database
from tests.oracle.conftest import FreshDatabase

START = Progress("abc", 7, want_steps=1500, want_kills=0)


def test_a_stopped_soak_goes_on_with_the_next_world(fresh: FreshDatabase, tmp_path: Path) -> None:
    def play(engine: str, run: object) -> list[str]:
        assert callable(run)
        with fresh() as db:
            assert isinstance(db, Database)
            found = run(db)
        assert isinstance(found, list)
        return found

    through, stopped = replace(START, wrong=[]), replace(START, wrong=[])
    soak(through, tmp_path / "one.json", play)
    assert (through.wrong, through.finished) == ([], True)
    assert through.steps >= 1500
    steps(stopped, play)
    save(tmp_path / "two.json", stopped)
    resumed = load(tmp_path / "two.json", replace(START, wrong=[]), anew=False)
    assert resumed == stopped
    soak(resumed, tmp_path / "two.json", play)
    assert resumed == through, "the same worlds, whether it was stopped or not"


def test_another_commit_and_a_finished_soak_start_anew(tmp_path: Path) -> None:
    path = tmp_path / "soak.json"
    save(path, replace(START, steps=200))
    assert load(path, START, anew=False).steps == 200
    assert load(path, START, anew=True).steps == 0
    assert load(path, replace(START, commit="def"), anew=False).steps == 0
    save(path, replace(START, steps=1500))
    assert load(path, START, anew=False).steps == 0


def test_a_disagreement_ends_the_soak_and_stands_in_the_proof(tmp_path: Path) -> None:
    progress = replace(START, wrong=[])
    soak(progress, tmp_path / "soak.json", lambda engine, run: ["member 1: wrong"])
    assert progress.worlds == 1
    assert progress.wrong[0].startswith("world(")
    page = proof(progress, "2026-11-22")
    assert "FAILED" in page
    assert "member 1: wrong" in page
    assert "no disagreement" in proof(replace(START, steps=1500), "2026-11-22")
