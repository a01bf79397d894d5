"""The figures of mutation testing: what counts as noticed, and that nothing untried passes for it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.mutation import modules, table


def test_only_what_a_test_noticed_counts(tmp_path: Path) -> None:
    folder = tmp_path / "plugin" / "domain"
    folder.mkdir(parents=True)
    outcomes = {"a.x_1": 1, "a.x_2": 0, "a.x_3": None, "a.x_4": 33, "a.x_5": 36}  # killed … timeout
    (folder / "a.py.meta").write_text(json.dumps({"exit_code_by_key": outcomes}))
    (folder / "empty.py.meta").write_text(json.dumps({"exit_code_by_key": {}}))
    [found] = modules(tmp_path)
    assert (found.path, found.percent) == ("plugin/domain/a.py", 40)
    assert found.unnoticed == ["a.x_2", "a.x_3", "a.x_4"]
    assert table([found]).splitlines()[-1] == "| `plugin/domain/a.py` | 5 | 2 | 40 |"
