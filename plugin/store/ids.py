"""Makes ids: 63-bit, ordered by time, unique across processes without asking the database."""

from __future__ import annotations

import os
import threading
import time

# 41 bits of milliseconds since 2026, 12 bits drawn per process, 10 bits counting within the millisecond.
# Two processes clash only if they draw the same 12 bits and count alike in the same millisecond;
# the primary key would then refuse the second row, and the row is tried again.
_EPOCH_MS = 1_767_225_600_000
_lock = threading.Lock()
_state = {"ms": 0, "count": 0, "node": int.from_bytes(os.urandom(2), "big") & 0xFFF}
os.register_at_fork(after_in_child=lambda: _state.update(node=int.from_bytes(os.urandom(2), "big") & 0xFFF))


def new_id() -> int:
    """A fresh id, larger than every id this process made before."""
    with _lock:
        ms = max(time.time_ns() // 1_000_000 - _EPOCH_MS, _state["ms"])
        if ms == _state["ms"]:
            _state["count"] += 1
            if _state["count"] > 0x3FF:
                ms += 1
                _state["count"] = 0
        else:
            _state["count"] = 0
        _state["ms"] = ms
        return (ms << 22) | (_state["node"] << 10) | _state["count"]
