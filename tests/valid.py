"""Whether a page is valid HTML, by an independent checker: html-validate, asked through one process for all tests."""

from __future__ import annotations

import atexit
import json
import re
import subprocess
import threading
from functools import cache
from pathlib import Path
from typing import cast

from tests.npm import environment, node, package

_LOCK = threading.Lock()
_WORDS = re.compile(r'(?<=nonce=")[^"]+|(?<=name="ticket" value=")[^"]+|(?<=ticket=)[^"&]+')


@cache
def _checker() -> subprocess.Popen[str]:
    package("html-validate")
    script = str(Path(__file__).with_name("validate.cjs"))
    running = subprocess.Popen(
        [str(node()), script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment()
    )
    atexit.register(running.kill)
    return running


def html_faults(html: str) -> tuple[str, ...]:
    """What is wrong with a document, as "line:column rule: sentence"; nothing when it is valid and accessible."""
    # The words that differ each time and mean nothing to the checker: a page asked for twice is judged once.
    return _judged(_WORDS.sub("x", html))


@cache
def _judged(html: str) -> tuple[str, ...]:
    checker = _checker()
    assert checker.stdin is not None
    assert checker.stdout is not None
    with _LOCK:
        checker.stdin.write(json.dumps(html) + "\n")
        checker.stdin.flush()
        answer = checker.stdout.readline()
    assert answer, "html-validate ended; its last words are above"
    return tuple(cast("list[str]", json.loads(answer)))
