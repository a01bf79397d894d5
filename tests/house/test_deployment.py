"""Dockerfile, compose.yaml and Makefile name only commands, options, routes and files that exist."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from typing import Any

import click
import pytest
import yaml
from cryptography.fernet import Fernet
from werkzeug.test import Client

from plugin.config import Config
from tests.house.sources import ROOT
from tests.house.test_files import commands

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
OURS = {name: service for name, service in COMPOSE["services"].items() if service["image"] == "regulars"}


def instruction(name: str) -> list[str]:
    """The argument of the last `NAME …` of the Dockerfile's final stage that is written as a JSON list."""
    final = DOCKERFILE.split("FROM ")[-1]
    found = re.findall(rf"^\s*{name} (\[.*\])$", final, re.MULTILINE)
    words: list[str] = json.loads(found[-1])
    return words


def parses(words: list[str]) -> click.Context:
    """Reads a command line as click would, without running it. Raises UsageError when it would refuse."""
    return commands()[words[0]].make_context(words[0], list(words[1:]))


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_service_runs_a_command_that_exists(name: str) -> None:
    assert parses(OURS[name]["command"]).params is not None


def test_an_option_that_does_not_exist_is_refused() -> None:
    with pytest.raises(click.UsageError):
        parses(["serve", "--no-such-option"])


def test_web_runs_without_a_worker_and_the_worker_beside_it() -> None:
    assert "--no-worker" in OURS["web"]["command"]
    assert OURS["worker"]["command"] == ["worker"]
    assert OURS["migrate"]["command"] == ["migrate"]
    for name in ("web", "worker"):
        assert OURS[name]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}


def test_the_database_is_a_supported_postgresql_with_its_data_on_a_volume() -> None:
    postgres = COMPOSE["services"]["postgres"]
    assert int(postgres["image"].split(":")[1]) >= 15
    volume = postgres["volumes"][0].split(":")[0]
    assert volume in COMPOSE["volumes"]
    assert postgres["healthcheck"]["test"][0] == "CMD"
    for service in OURS.values():
        assert service["environment"]["DATABASE_URL"].startswith("postgresql://regulars:")


def test_the_image_starts_the_web_process_as_nobody_special() -> None:
    final = DOCKERFILE.split("FROM ")[-1]
    assert re.search(r"^USER regulars$", final, re.MULTILINE)
    assert instruction("ENTRYPOINT") == ["regulars"]
    parses(instruction("CMD"))


def test_the_health_check_asks_a_route_that_answers(sqlite_url: str) -> None:
    from app import create_app

    probe = re.findall(r"http://127\.0\.0\.1:8000(/\w+)'", DOCKERFILE)
    assert len(probe) == 1
    config = Config(
        database_url=sqlite_url,
        api_key="key",
        api_secret="secret",
        app_url="https://regulars.example.com",
        token_keys=(Fernet.generate_key().decode(),),
    )
    assert Client(create_app(config)).get(probe[0]).status_code == 200


def test_everything_copied_into_the_image_exists() -> None:
    for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source


def test_the_image_leaves_out_what_is_private_or_for_development() -> None:
    ignored = set((ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n"))
    assert {".*", "devshop", "tests", "var", "**/node_modules"} <= ignored


def test_every_make_target_is_listed_and_ci_runs_make_test() -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    named = {line.split()[1] for line in listed.splitlines() if line.startswith("make ")}
    assert {"setup", "demo", "test", "lint", "bench", "soak"} <= named
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    ran = [shlex.split(line) for line in script.splitlines() if "make" in line and not line.startswith("#")]
    assert ran == [["exec", "make", "test", "</dev/null"]]
