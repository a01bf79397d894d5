"""The worker beside the web process: started by `regulars serve`, started again when it ends, and second to it."""

from __future__ import annotations

import logging
import os
import subprocess
import threading
import time
from collections.abc import Callable, Sequence

log = logging.getLogger(__name__)
NICE = 5
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
STEADY_S = 60.0


def give_way() -> None:
    """Lowers this process's claim to the CPU: the web process has five seconds to answer, the worker has hours."""
    try:
        os.nice(NICE)
    except (AttributeError, OSError):  # no such thing on Windows; forbidden in some containers
        log.info("the worker keeps its CPU priority: lowering it is not possible here")


def end_with(parent: int, stop: threading.Event, look_again_s: float = 1.0) -> None:
    """Tells a worker to stop once the process that started it is gone, killed perhaps: it would block the next one."""

    def look() -> None:
        while not stop.wait(look_again_s):
            if os.getppid() != parent:
                stop.set()

    threading.Thread(target=look, name="worker-parent", daemon=True).start()


class WorkerBeside:
    """A worker process for as long as the app is served: whenever it ends, it is started again.

    After a pause of 1, 2, 4 … 30 s, from the beginning again once it ran for a minute. `wait(seconds)` is the pause;
    it returns True when there is nothing more to wait for.
    """

    def __init__(self, command: Sequence[str], wait: Callable[[float], bool] | None = None) -> None:
        self._command = command
        self._stopping, self._guard = threading.Event(), threading.Lock()
        self._wait = wait or self._stopping.wait
        self._process = self._started()
        self._thread = threading.Thread(target=self._watch, name="worker-beside", daemon=True)
        self._thread.start()

    def stop(self, timeout_s: float = 30.0) -> None:
        """Lets the worker finish what it is doing, and waits for it."""
        with self._guard:
            self._stopping.set()
            self._process.terminate()
        self.join(timeout_s)

    def join(self, timeout_s: float) -> None:
        """Waits until there is no worker any more."""
        self._thread.join(timeout_s)

    def _watch(self) -> None:
        pause = FIRST_PAUSE_S
        while True:
            started = time.monotonic()
            status = self._process.wait()
            if self._stopping.is_set():
                return
            if time.monotonic() - started > STEADY_S:
                pause = FIRST_PAUSE_S
            # After a kill its lease on SQLite stands for up to 15 s, and its successors end too until that is over.
            log.error("the worker ended with status %s; it is started again in %.0f s", status, pause)
            if self._wait(pause):
                return
            pause = min(LONGEST_PAUSE_S, 2 * pause)
            with self._guard:
                if self._stopping.is_set():
                    return
                self._process = self._started()

    def _started(self) -> subprocess.Popen[bytes]:
        # A group of its own: a terminal's Ctrl-C reaches the web process alone, which then lets the worker finish.
        return subprocess.Popen(self._command, process_group=0)
