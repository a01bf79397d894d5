"""The worker beside the web process: started again after a growing pause, ended for good, never in the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from plugin.worker import beside
from plugin.worker.beside import NICE, WorkerBeside


def test_a_worker_that_keeps_ending_is_started_again_after_longer_pauses(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    starts, paused = tmp_path / "starts", list[float]()
    dying = [sys.executable, "-c", f"open({str(starts)!r}, 'a').write('x'); raise SystemExit(3)"]

    def wait(seconds: float) -> bool:
        paused.append(seconds)
        return len(paused) == 7

    WorkerBeside(dying, wait).join(60)
    assert paused == [1, 2, 4, 8, 16, 30, 30]
    assert starts.read_text() == "x" * 7
    assert "the worker ended with status 3; it is started again in 16 s" in caplog.text


def test_one_that_ran_steadily_is_started_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beside, "STEADY_S", 0.0)
    paused: list[float] = []

    def wait(seconds: float) -> bool:
        paused.append(seconds)
        return len(paused) == 3

    WorkerBeside([sys.executable, "-c", ""], wait).join(60)
    assert paused == [1, 1, 1]


def test_stopping_lets_it_finish_and_starts_no_other(tmp_path: Path) -> None:
    said, ready = tmp_path / "said", tmp_path / "ready"
    os.mkfifo(ready)
    patient = (
        "import pathlib, signal, sys\n"
        f"def end(*_): pathlib.Path({str(said)!r}).write_text('finished'); sys.exit(0)\n"
        f"signal.signal(signal.SIGTERM, end); pathlib.Path({str(ready)!r}).write_text('x'); signal.pause()"
    )
    worker = WorkerBeside([sys.executable, "-c", patient])
    ready.read_text()
    worker.stop()
    assert said.read_text() == "finished"
    assert worker._process.returncode == 0
    assert not worker._thread.is_alive()


def test_a_killed_one_is_replaced(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    os.mkfifo(ready)
    code = f"import pathlib, signal; pathlib.Path({str(ready)!r}).write_text('x'); signal.pause()"
    worker = WorkerBeside([sys.executable, "-c", code], lambda _seconds: False)
    ready.read_text()
    first = worker._process.pid
    os.kill(first, signal.SIGKILL)
    ready.read_text()  # written by its successor
    worker.stop()
    assert worker._process.pid != first


def test_a_worker_ends_with_the_process_that_started_it() -> None:
    stop = threading.Event()
    beside.end_with(os.getppid(), stop, look_again_s=0.001)
    assert not stop.wait(0.1)  # it is still there
    beside.end_with(os.getppid() + 1, stop, look_again_s=0.001)
    assert stop.wait(60)


def test_the_worker_lowers_its_priority_and_lives_where_it_may_not(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import os; from plugin.worker import beside; old = os.nice(0); beside.give_way(); print(os.nice(0) - old)"
    lowered = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(lowered.stdout) == min(NICE, 19 - os.nice(0))

    def forbidden(_by: int) -> int:
        raise PermissionError

    monkeypatch.setattr(os, "nice", forbidden)
    beside.give_way()
