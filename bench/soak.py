"""The long forms of the random tests: 100,000 deliveries against the oracle, 1,000 kills of the drainer. Resumable.

    make soak                       goes on where the last one stopped, or starts anew
    make soak ARGS=--fresh          starts anew, with a new seed
    make soak ARGS="--steps 5000 --kills 20 --seed 7"

Progress stands in var/soak.json, so that it may be stopped and started at will; a new commit starts anew. The end
is written to docs/proof.md. Exit status 1 when the oracle or the audit objected, with the seed that shows it.
"""

from __future__ import annotations

import argparse
import json
import random
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from plugin.store.db import Database
from plugin.store.migrate import migrate
from tests.oracle.events import World, world
from tests.oracle.killing import check_killed
from tests.oracle.rig import check
from tests.postgres import PgServer

ROOT = Path(__file__).resolve().parent.parent
PROGRESS = ROOT / "var" / "soak.json"
PROOF = ROOT / "docs" / "proof.md"
ENGINES = ("sqlite", "sqlite", "sqlite", "postgresql")  # every fourth world runs on PostgreSQL

# Opens a fresh, migrated database of an engine for the time of one call.
Playground = Callable[[str, Callable[[Database], list[str]]], list[str]]


@dataclass(slots=True)
class Progress:
    """How far a soak has come. `worlds` numbers the worlds, so that a resumed soak makes the next one."""

    commit: str
    seed: int
    want_steps: int
    want_kills: int
    worlds: int = 0
    steps: int = 0
    kill_worlds: int = 0
    kills: int = 0
    started_at: str = ""
    wrong: list[str] = field(default_factory=list)

    @property
    def finished(self) -> bool:
        """Everything was tried, or something is wrong."""
        return bool(self.wrong) or (self.steps >= self.want_steps and self.kills >= self.want_kills)


def load(path: Path, fresh: Progress, *, anew: bool) -> Progress:
    """The progress of a soak to go on with: of the same commit and size and not finished, else the fresh one."""
    if anew or not path.exists():
        return fresh
    old = Progress(**json.loads(path.read_text(encoding="utf-8")))
    same = (old.commit, old.want_steps, old.want_kills) == (fresh.commit, fresh.want_steps, fresh.want_kills)
    return fresh if old.finished or not same else old


def save(path: Path, progress: Progress) -> None:
    """Writes the progress so that a kill at any moment leaves the old or the new one."""
    path.parent.mkdir(exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps(asdict(progress), indent=1), encoding="utf-8")
    new.replace(path)


def steps(progress: Progress, play: Playground) -> None:
    """One more world against the oracle; its size, its sort and its engine follow from seed and number."""
    luck = random.Random(f"{progress.seed}:{progress.worlds}")
    sizes = {
        "customers": luck.choice((3, 8, 30, 120)),
        "epochs": luck.randint(4, 24),
        "events": luck.randint(5, 120),
    }
    seed, wild = luck.randrange(2**32), luck.random() < 0.4
    made = world(
        seed, customers=sizes["customers"], epochs=sizes["epochs"], events=sizes["events"], wild=wild
    )
    wrong = play(luck.choice(ENGINES), lambda db: check(db, made, threads=8))
    progress.worlds += 1
    progress.steps += made.deliveries
    progress.wrong += named(made, sizes, wrong)


def kills(progress: Progress, play: Playground) -> None:
    """One more world whose drainer is killed up to 100 times."""
    luck = random.Random(f"{progress.seed}:kill:{progress.kill_worlds}")
    sizes = {"customers": 60, "epochs": 10, "events": 150}
    made = world(luck.randrange(2**32), customers=60, epochs=10, events=150)
    hits = 0

    def run(db: Database) -> list[str]:
        nonlocal hits
        wrong, hits = check_killed(db, made, min(100, progress.want_kills - progress.kills))
        return wrong

    wrong = play(luck.choice(ENGINES), run)
    progress.kill_worlds += 1
    progress.kills += hits
    progress.wrong += named(made, sizes, wrong)


def named(made: World, sizes: dict[str, int], wrong: list[str]) -> list[str]:
    """What is wrong, with the call that makes the world again."""
    arguments = ", ".join(f"{name}={value}" for name, value in sizes.items())
    return [f"world({made.seed}, {arguments}, wild={made.wild}): {line}" for line in wrong[:5]]


def soak(progress: Progress, path: Path, play: Playground) -> None:
    """Goes on until everything was tried or something is wrong, saving after every world."""
    while not progress.finished:
        (steps if progress.steps < progress.want_steps else kills)(progress, play)
        save(path, progress)
        print(f"{progress.steps:,} deliveries, {progress.kills:,} kills", flush=True)


def proof(progress: Progress, today: str) -> str:
    """The page that keeps the last run."""
    result = "no disagreement, audit clean" if not progress.wrong else "FAILED: " + "; ".join(progress.wrong)
    return f"""# Proof: the last long run of the random tests

`make soak` writes this page. A run plays random worlds (orders, edits, refunds, parcels, merges, redemptions, clock)
through the real inbox, drain and flows, in shuffled, doubled, late and interleaved deliveries, and compares every
member's posted, available, pending and owed points, tier and every order with an independent oracle
(`tests/oracle/oracle.py`). In "wild" worlds, two in five, anything may happen to a member at once; which lot a debit
took then depends on what arrived first, so there only posted points and orders are compared. Then it kills the process
that drains, with SIGKILL at random moments, and compares again.

| what | value |
|---|---|
| date | {today} |
| commit | {progress.commit} |
| seed | {progress.seed} |
| deliveries against the oracle | {progress.steps:,} in {progress.worlds} worlds |
| kills that hit unfinished work | {progress.kills:,} in {progress.kill_worlds} worlds |
| engines | SQLite, and PostgreSQL for a quarter of the worlds |
| result | {result} |

The same worlds again: `make soak ARGS="--fresh --seed {progress.seed}"`.
"""


def commit() -> str:
    """The commit that is checked out, with a mark when files differ from it."""

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--", "plugin", "webhooks", "tests/oracle")
        return git("rev-parse", "--short=12", "HEAD") + (" with changes" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def playground(folder: Path, server: PgServer) -> Playground:
    """Fresh databases on both engines, copied from migrated ones."""
    template = folder / "template.db"
    migrate(f"sqlite:///{template}")
    server.execute("CREATE DATABASE migrated TEMPLATE template0")
    migrate(server.url("migrated"))

    def play(engine: str, run: Callable[[Database], list[str]]) -> list[str]:
        if engine == "postgresql":
            name = server.create("migrated")
            with closing(Database.open(server.url(name))) as db:
                wrong = run(db)
            server.drop(name)
            return wrong
        with tempfile.TemporaryDirectory(dir=folder) as fresh:
            for part in folder.glob("template.db*"):
                shutil.copyfile(part, Path(fresh) / part.name)
            with closing(Database.open(f"sqlite:///{fresh}/template.db")) as db:
                return run(db)

    return play


def main(arguments: list[str]) -> int:
    """Runs or resumes a soak; returns the exit status."""
    parser = argparse.ArgumentParser(prog="make soak", description="the long forms of the random tests")
    parser.add_argument("--steps", type=int, default=100_000, help="deliveries against the oracle")
    parser.add_argument("--kills", type=int, default=1_000, help="kills that hit unfinished work")
    parser.add_argument("--seed", type=int, default=None, help="what all luck follows from")
    parser.add_argument("--fresh", action="store_true", help="start anew")
    parser.add_argument("--no-proof", action="store_true", help="leave docs/proof.md alone")
    options = parser.parse_args(arguments)
    seed = options.seed if options.seed is not None else secrets.randbelow(2**32)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    fresh = Progress(commit(), seed, options.steps, options.kills, started_at=now)
    progress = load(PROGRESS, fresh, anew=options.fresh or options.seed is not None)
    print(f"seed {progress.seed}, commit {progress.commit}, {progress.steps:,} deliveries done before")
    server = PgServer()
    server.start()
    try:
        with tempfile.TemporaryDirectory(prefix="regulars-soak-") as folder:
            soak(progress, PROGRESS, playground(Path(folder), server))
    finally:
        server.remove()
    if not options.no_proof:
        PROOF.write_text(proof(progress, datetime.now(UTC).date().isoformat()), encoding="utf-8")
    for line in progress.wrong:
        print(line)
    print("no disagreement, audit clean" if not progress.wrong else "The ledger and the oracle disagree.")
    return 1 if progress.wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
