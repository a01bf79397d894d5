"""Plays a world while the process that drains the inbox is killed with SIGKILL at random moments and started again."""

from __future__ import annotations

import multiprocessing
import signal
import time
from datetime import datetime
from multiprocessing.connection import Connection

from plugin.store import queues
from plugin.store.db import Database
from tests.oracle.events import World
from tests.oracle.oracle import judge
from tests.oracle.rig import Rig
from webhooks.drain import drain

# Forked from a server that has everything imported, so that a kill lands in the drain and not in an interpreter's
# start; a server of its own, because forking a process with threads (a test runner's) may hang.
_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["tests.oracle.killing"])


class KilledRig(Rig):
    """A rig whose inbox is drained by another process, killed until `kills` kills have hit unfinished work."""

    def __init__(self, db: Database, seed: int, kills: int) -> None:
        super().__init__(db, seed)
        self.left = kills

    def drain(self, now: datetime) -> None:
        """Kills and restarts the drainer, then lets it finish. A kill counts only when webhooks still waited."""
        while self._waiting():
            doomed = self.left > 0
            if self._run(now, self.rng.uniform(0, 0.02) if doomed else None) and doomed and self._waiting():
                self.left -= 1

    def _waiting(self) -> int:
        with self.db.read() as tx:
            return queues.inbox_counts(tx, self.shop.shop_id)["waiting"]

    def _run(self, now: datetime, kill_after_s: float | None) -> bool:
        """One life of the drainer. True when it was killed rather than finished."""
        here, there = _SERVER.Pipe()
        child = _SERVER.Process(target=_victim, args=(self.db.url, now, self.rng.choice((1, 3, 20)), there))
        child.start()
        there.close()
        with here:
            here.recv_bytes()  # it is about to take its first batch
            if kill_after_s is None:
                here.recv_bytes()  # nothing is left to drain
                here.send_bytes(b"go")
            else:
                time.sleep(kill_after_s)
                child.kill()  # SIGKILL; it cannot have gone by itself, because nobody told it to go
            child.join()
        if child.exitcode != (0 if kill_after_s is None else -signal.SIGKILL):
            raise RuntimeError(f"the drainer ended with {child.exitcode}")
        return kill_after_s is not None


def _victim(url: str, now: datetime, batch: int, parent: Connection) -> None:
    db = Database.open(url)
    parent.send_bytes(b"ready")
    while True:
        drained = drain(db, now, batch=batch)
        with db.read() as tx:
            if not any(queues.inbox_waiting(tx, shop_id, now, 1) for shop_id in queues.inbox_shops(tx, now)):
                break
        if not drained.total:
            time.sleep(0.002)  # on PostgreSQL the lock of the one who was killed goes a moment after it
    db.close()
    parent.send_bytes(b"done")
    parent.recv_bytes()


def check_killed(db: Database, world: World, kills: int) -> tuple[list[str], int]:
    """Plays a world with up to `kills` kills; returns what is wrong, and how many kills hit unfinished work."""
    rig = KilledRig(db, world.seed, kills)
    rig.play(world.steps)
    wrong = rig.disagreements(world, judge(world.steps, world.end.isoformat())) + rig.troubles()
    return wrong, kills - rig.left
