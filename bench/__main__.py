"""Runs every benchmark, or the named ones: python -m bench [intake] [drain] [storefront] … (see --help)."""

from __future__ import annotations

import subprocess
import sys

import click

ALL = ("intake", "drain", "storefront", "memory", "faces", "tiers", "expiry", "backfill", "asking")


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(ALL))
def main(names: tuple[str, ...]) -> None:
    failed = []
    for name in names or ALL:
        # A process each: what one leaves in memory must not burden the next.
        if subprocess.call([sys.executable, "-m", f"bench.{name}"]) != 0:
            failed.append(name)
    if failed:
        raise SystemExit(f"these did not finish or missed their limit: {', '.join(failed)}")


if __name__ == "__main__":
    main()
