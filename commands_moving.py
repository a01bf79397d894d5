"""The commands of moving in, out and around: thin, with a progress bar where a person looks on."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress

from app import Installation, assemble
from plugin.config import from_environment
from plugin.flows import backfills as backfill_flow
from plugin.flows import imports as import_flow
from plugin.flows import merchants, moves, programme_documents
from plugin.pages import uploads
from plugin.store import audit, backfills, exports, imports, programmes, shops
from plugin.store.imports import Import, Policy
from plugin.store.migrate import migrate
from plugin.store.shops import Shop
from plugin.worker import backfill as working

ACTOR = "command"
ASK_AGAIN_S = 2.0
_shop = click.option("--shop", "domain", required=True, help="The shop, such as tea-shop.myshopify.com.")


def add_to(main: click.Group) -> None:
    """Adds these commands to the command line."""
    for command in (export, import_, programme, backfill):
        main.add_command(command)


@contextmanager
def _opened(domain: str) -> Iterator[tuple[Installation, Shop]]:
    config = from_environment()
    migrate(config.database_url)
    installation = assemble(config)
    try:
        with installation.db.read() as tx:
            shop = shops.by_domain(tx, domain)
        if shop is None:
            raise click.ClickException(f"There is no shop {domain} in this installation.")
        yield installation, shop
    finally:
        installation.close()


def _progress() -> Progress:
    return Progress(console=Console(stderr=True), transient=True)


@click.command(help="Write everything of one shop to a SQLite file, or one list of it as CSV.")
@_shop
@click.option(
    "--list", "what", type=click.Choice(sorted(exports.LISTS)), help="Write this list as CSV instead."
)
@click.argument("file", type=click.Path(path_type=Path))
def export(domain: str, what: str | None, file: Path) -> None:
    with _opened(domain) as (installation, shop):
        if what is None:
            with installation.db.read() as tx:
                counts = exports.write_shop(tx, shop.shop_id, file)
            click.echo(f"wrote {sum(counts.values()):,} rows of {len(counts)} tables ({file})")
            return
        if file.exists():
            raise click.ClickException(f"{file} exists already. Choose another name, or move it away first.")
        with installation.db.read() as tx, file.open("w", encoding="utf-8", newline="") as out:
            rows = sum(bool(out.write(line)) for line in exports.lines(tx, shop.shop_id, what)) - 1
        click.echo(f"wrote {rows:,} rows ({file})")


@click.command("import", help="Take in a list of members of another app, or a shop's own SQLite file.")
@_shop
@click.option("--dry-run", is_flag=True, help="Say what would happen, and change nothing.")
@click.option(
    "--policy", type=click.Choice(["add", "set"]), help="Add the points of the list, or set balances to them."
)
@click.option("--from", "app", help="The app that the list is from, when it is not told by its columns.")
@click.option(
    "--adjust", is_flag=True, help="A list of adjustments: points below zero take, reasons are kept."
)
@click.option("--reason", help="With --adjust: the reason of rows that state none.")
@click.option(
    "--errors", type=click.Path(path_type=Path), help="Write rows that cannot be used to this CSV file."
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def import_(
    domain: str, dry_run: bool, policy: Policy | None, app: str | None, adjust: bool, reason: str | None,
    errors: Path | None, file: Path,
) -> None:  # fmt: skip
    with _opened(domain) as (installation, shop):
        if exports.is_shop_file(file):
            _import_shop(installation, shop, file, dry_run)
            return
        if policy is None:
            raise click.ClickException("Say what the points of the list mean: --policy add, or --policy set.")
        now = installation.now()
        one = uploads.look_at(
            installation.db, shop, file.read_bytes(), file.name, purpose="adjustment" if adjust else "members",
            policy=policy, app=app, reason=reason, actor=ACTOR, now=now,
        )  # fmt: skip
        _say(f"{file.name}, from {one.app}:", one.foreseen)
        if not dry_run:
            one = _take(installation, shop, one, now)
            _say("done:", one.figures)
        if errors is not None:
            errors.write_text(
                "".join(uploads.error_lines(installation.db, shop, one.import_id)),
                encoding="utf-8",
                newline="",
            )
            click.echo(f"rows that cannot be used: {errors}")


def _say(title: str, figures: dict[str, int]) -> None:
    click.echo(title)
    for words, number in uploads.said(figures):
        click.echo(f"  {number:>10,} {words}")


def _take(installation: Installation, shop: Shop, one: Import, now: datetime) -> Import:
    """Takes the list to its end; a worker may help, and after a kill goes on alone."""
    with installation.db.write(shop.shop_id) as tx:
        import_flow.begin(tx, shop, one.import_id, ACTOR, now)
    with _progress() as progress:
        bar = progress.add_task("moving in", total=one.rows)
        while one.state != "done":
            with installation.db.write(shop.shop_id) as tx:
                import_flow.carry_on(tx, shop, installation.now())
                one = imports.by_id(tx, shop.shop_id, one.import_id) or one
            progress.update(bar, completed=one.figures.get("done", 0))
    return one


def _import_shop(installation: Installation, shop: Shop, file: Path, dry_run: bool) -> None:
    if dry_run:
        click.echo(f"{file.name} is the data of a shop; without --dry-run it is read into {shop.domain}")
        return
    with installation.db.write(shop.shop_id) as tx:
        counts = exports.read_shop(tx, shop.shop_id, file)
        moves.arrived(tx, shop, installation.now())
    with installation.db.read() as tx:
        differences = list(audit.audit(tx, shop.shop_id))
    for line in differences:
        click.echo(line)
    click.echo(f"read {sum(counts.values()):,} rows of {len(counts)} tables ({file})")
    if differences:
        raise click.ClickException("The audit finds differences. Were they in the file's shop as well?")


@click.command(help="Read the orders of before the install; history only, unless told that they earn.")
@_shop
@click.option("--earn", is_flag=True, help="They earn points by the first version of the programme.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="Only orders placed since this day (UTC).")
def backfill(domain: str, earn: bool, since: datetime | None) -> None:
    with _opened(domain) as (installation, shop):
        with installation.db.write(shop.shop_id) as tx:
            one = backfills.under_way(tx, shop.shop_id)
            if one is None:
                since = since and since.replace(tzinfo=UTC)
                backfill_flow.begin(tx, shop, "earn" if earn else "history", since, ACTOR, installation.now())
        with _progress() as progress:
            bar = progress.add_task("Shopify collects the orders", total=None)
            while True:
                for _ in working.backfill(installation.bench, shop):
                    with installation.db.read() as tx:
                        one = backfills.newest(tx, shop.shop_id, 1)[0]
                    progress.update(
                        bar, description="past orders", total=one.total or None, completed=one.orders
                    )
                with installation.db.read() as tx:
                    one = backfills.newest(tx, shop.shop_id, 1)[0]
                if one.finished_at is not None:
                    break
                time.sleep(ASK_AGAIN_S)
        if one.reason is not None:
            raise click.ClickException(f"The reading ended early after {one.orders:,} orders: {one.reason}")
        click.echo(f"read {one.orders:,} orders: {one.points:,} points, {one.skipped:,} could not be read")


@click.group(help="Take a programme from shop to shop as one JSON or TOML document.")
def programme() -> None:
    pass


@programme.command("export", help="Write the programme in force; the file's name ends in .json or .toml.")
@_shop
@click.argument("file", type=click.Path(path_type=Path))
def programme_export(domain: str, file: Path) -> None:
    form = file.suffix.removeprefix(".")
    if form not in ("json", "toml"):
        raise click.ClickException("Choose a name that ends in .json or .toml.")
    if file.exists():
        raise click.ClickException(f"{file} exists already. Choose another name, or move it away first.")
    with _opened(domain) as (installation, shop):
        with installation.db.read() as tx:
            latest = programmes.versions(tx, shop.shop_id).latest
        if latest is None:
            raise click.ClickException("The shop has no programme yet.")
        file.write_text(programme_documents.written(latest, form), encoding="utf-8")
        click.echo(f"wrote version {latest.version} ({file})")


@programme.command("import", help="Check a document and publish it as the shop's next version.")
@_shop
@click.option("--dry-run", is_flag=True, help="Only check it.")
@click.option("--as-currency", help="The amounts are meant in this currency, the shop's own.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def programme_import(domain: str, dry_run: bool, as_currency: str | None, file: Path) -> None:
    with _opened(domain) as (installation, shop):
        draft = programme_documents.read(file.read_bytes(), shop.currency, as_currency=as_currency)
        if dry_run:
            click.echo(json.dumps({"ok": True, "currency": draft.currency, "rewards": len(draft.rewards)}))
            return
        with installation.db.write(shop.shop_id) as tx:
            published = merchants.publish(tx, shop, draft, ACTOR, installation.now())
        click.echo(f"published version {published.version}")
