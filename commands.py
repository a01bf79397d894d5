"""The command line `regulars`: every command is thin and asks a room."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import click

import commands_moving
from app import DemoApp, Installation, assemble
from plugin.config import from_environment
from plugin.errors import RegularsError, trace
from plugin.store import audit as audits
from plugin.store import ledger, shops
from plugin.store.clock import Clock
from plugin.store.db import Database
from plugin.store.migrate import migrate
from plugin.worker.beside import WorkerBeside, end_with, give_way

# A web process that does not end when told to is killed: what it acknowledged is on disk.
WEB_KILL_S = 10


class _Sentences(click.Group):
    """Shows every expected failure as its sentence instead of a traceback."""

    def invoke(self, context: click.Context) -> object:
        try:
            return super().invoke(context)
        except RegularsError as error:
            raise click.ClickException(error.message) from error


@click.group(
    cls=_Sentences,
    help="Regulars: loyalty points that can be proved right, and one question once the parcel is there.",
)
def main() -> None:
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    for name in ("httpx", "alembic"):
        logging.getLogger(name).setLevel(logging.WARNING)


@main.command(help="Serve the app; runs a worker beside it unless told not to.")
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, envvar="PORT")
@click.option("--processes", default=1, show_default=True, help="Web processes; SQLite takes exactly one.")
@click.option("--no-worker", is_flag=True, help="Run workers elsewhere with `regulars worker`.")
def serve(host: str, port: int, processes: int, no_worker: bool) -> None:
    from granian import Granian
    from granian.constants import Interfaces

    config = from_environment()
    if config.database_url.startswith("sqlite") and processes != 1:
        raise click.ClickException(
            "SQLite takes one web process. Use PostgreSQL for more, or leave --processes away."
        )
    migrate(config.database_url)
    beside = (
        None
        if no_worker
        else WorkerBeside(
            [sys.executable, str(Path(__file__).resolve()), "worker", "--beside", str(os.getpid())]
        )
    )
    try:
        Granian(
            "app:create_app",
            factory=True,
            interface=Interfaces.WSGI,
            address=host,
            port=port,
            workers=processes,
            blocking_threads=16,
            log_enabled=False,
            websockets=False,
            respawn_failed_workers=True,
            workers_kill_timeout=WEB_KILL_S,
        ).serve()
    finally:
        if beside is not None:
            beside.stop()


@main.command(help="Run a worker: drain webhooks, perform effects, run the clock, reconcile.")
@click.option("--beside", type=int, help="End with the process of this number; `serve` says it to its child.")
def worker(beside: int | None) -> None:
    config = from_environment()
    migrate(config.database_url)
    installation = assemble(config)
    give_way()
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda _number, _frame: stop.set())
    if beside is not None:
        end_with(beside, stop)
    try:
        installation.worker().run(stop)
    except RegularsError:
        raise
    except Exception as error:  # noqa: BLE001 (Python would print its text, which may quote personal data)
        logging.getLogger("regulars.worker").critical("the worker ends: %s", trace(error))
        sys.exit(1)
    finally:
        installation.close()


@main.command("migrate", help="Create or upgrade the tables. Safe to run twice, and beside another one.")
def migrate_command() -> None:
    click.echo(f"the database is at version {migrate(from_environment().database_url)}")


@main.command(help="Recompute every shop's ledger and caches; exit 1 on any difference. Changes nothing.")
@click.option("--shop", "domain", help="Only this shop, such as tea-shop.myshopify.com.")
@click.option(
    "--repair-caches", is_flag=True, help="Set wrong cached sums right from the entries, then audit again."
)
def audit(domain: str | None, repair_caches: bool) -> None:
    db = Database.open(from_environment().database_url)
    differences, looked = 0, [0, 0, 0, 0]
    with db.read() as tx:
        chosen = [shop for shop in shops.every(tx) if domain in (None, shop.domain)]
    if domain is not None and not chosen:
        raise click.ClickException(f"There is no shop {domain} in this installation.")
    for shop in chosen:
        if repair_caches:
            with db.write(shop.shop_id) as tx:
                wrong = audits.repair_caches(tx, shop.shop_id)
            if wrong:
                click.echo(f"{shop.domain}: set {wrong} members' cached sums right")
        with db.read() as tx:
            for line in audits.audit(tx, shop.shop_id):
                differences += 1
                click.echo(f"{shop.domain}: {line}")
            looked = [a + b for a, b in zip(looked, (1, *ledger.counts(tx, shop.shop_id)), strict=True)]
    names = ("shop", "member", "entry", "lot")
    what = ", ".join(_counted(number, name) for number, name in zip(looked, names, strict=True))
    result = _counted(differences, "difference") if differences else "everything agrees"
    click.echo(f"checked {what}: {result}")
    db.close()
    sys.exit(1 if differences else 0)


def _counted(number: int, name: str) -> str:
    plural = "entries" if name == "entry" else f"{name}s"
    return f"{number:,} {name if number == 1 else plural}"


@main.command("rotate-keys", help="Encrypt every stored token with the first key of TOKEN_KEYS.")
def rotate_keys() -> None:
    installation = assemble(from_environment())
    try:
        changed = installation.tokens.rotate_tokens()
    finally:
        installation.close()
    click.echo(
        f"encrypted the tokens of {_counted(changed, 'shop')} anew; older keys may go from TOKEN_KEYS now"
    )


@main.command(
    help="Feed recorded webhooks (a JSON object a line) through the real intake and drain; print counts."
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--shop", "domain", help="Replay for this shop instead of the recorded ones.")
@click.option(
    "--install", is_flag=True, help="Development only: install the shops first, without a platform."
)
def replay(file: Path, domain: str | None, install: bool) -> None:
    from webhooks import replay as replaying

    config = from_environment()
    migrate(config.database_url)
    installation = assemble(config)
    try:
        records = list(replaying.recorded(file))
        if install:
            _install_without_platform(installation, {domain or str(record.get("shop")) for record in records})
        result = replaying.replay(
            records, installation.wsgi(), installation.db, config.api_secret, installation.now, shop=domain
        )
    finally:
        installation.close()
    click.echo(json.dumps(result, indent=2))


def _install_without_platform(installation: Installation, domains: set[str]) -> None:
    from plugin.flows import merchants

    if not installation.config.development:
        raise click.ClickException("--install needs DEVSHOP_URL: a real shop installs the app by opening it.")
    for domain in sorted(domains):
        with installation.db.write() as tx:
            shop = merchants.install(tx, domain, "", installation.now())
            if shop.currency is None:
                merchants.set_up(
                    tx,
                    shop,
                    name=domain,
                    currency="EUR",
                    timezone="Etc/UTC",
                    platform_gid="",
                    installation_gid="",
                    scopes="",
                    now=installation.now(),
                )


@main.command(help="Development only: move the clock of every process, such as +15d, +6h or +30m.")
@click.argument("by")
def clock(by: str) -> None:
    config = from_environment()
    if not config.development:
        raise click.ClickException("The clock moves only in development: set DEVSHOP_URL.")
    migrate(config.database_url)
    db = Database.open(config.database_url)
    try:
        now = Clock(db, movable=True).move(Clock.span(by))
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    finally:
        db.close()
    click.echo(f"it is now {now:%Y-%m-%d %H:%M} UTC")


@main.command(help="Write the whole installation to one SQLite file.")
@click.argument("file", type=click.Path(path_type=Path))
def backup(file: Path) -> None:
    from plugin.store import backup as backups

    _print_counts("wrote", lambda: backups.backup(from_environment().database_url, file), file)


@main.command(help="Fill an empty database from a backup.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def restore(file: Path) -> None:
    from plugin.store import backup as backups

    _print_counts("restored", lambda: backups.restore(from_environment().database_url, file), file)


def _print_counts(verb: str, act: Callable[[], dict[str, int]], file: Path) -> None:
    counts = act()
    click.echo(f"{verb} {sum(counts.values()):,} rows of {len(counts)} tables ({file})")


@main.command(
    help="Look the installation over and say what to do about what is not well; exit 1 on a problem."
)
def doctor() -> None:
    from plugin.worker.doctor import examine

    config = from_environment()
    db = Database.open(config.database_url)
    findings = list(examine(config, db, Clock(db, movable=config.development).now))
    for finding in findings:
        click.echo(f"{finding.level:8} {finding.what}")
    db.close()
    sys.exit(1 if any(finding.level == "problem" for finding in findings) else 0)


@main.command(help="Run the development shop with the app installed; or the main job once, headless.")
@click.option(
    "--once", is_flag=True, help="Run the main job on a fresh database and print each step's figures."
)
@click.option("--json", "as_json", is_flag=True, help="With --once: one JSON object.")
@click.option("--fresh", is_flag=True, help="Start over instead of keeping the data of the last start.")
@click.option("--port", default=8000, show_default=True)
@click.option("--shop-port", default=8001, show_default=True)
@click.option(
    "--people", default=240, show_default=True, help="Customers of the history, at the first start."
)
@click.option("--days", default=90, show_default=True, help="Days of the history, at the first start.")
def demo(once: bool, as_json: bool, fresh: bool, port: int, shop_port: int, people: int, days: int) -> None:
    from devshop import demo as demonstration
    from devshop import demo_server

    if once:
        result = demonstration.main_job(DemoApp.open)
        click.echo(json.dumps(result, indent=2) if as_json else demonstration.as_text(result))
        sys.exit(0 if result["ok"] else 1)
    demo_server.serve_demo(
        Path("var/demo"),
        _prepare,
        lambda at: [sys.executable, str(Path(__file__).resolve()), "serve", "--port", str(at)],
        DemoApp.open,
        port=port,
        shop_port=shop_port,
        fresh=fresh,
        people=people,
        days=days,
    )


def _prepare(settings: Mapping[str, str]) -> Clock:
    config = from_environment(settings)
    migrate(config.database_url)
    return Clock(Database.open(config.database_url), movable=config.development)


commands_moving.add_to(main)

if __name__ == "__main__":
    main()
