"""The catalogue that every table enters, and the columns they are made of."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, MetaData, SmallInteger, Text, text

metadata = MetaData()


def big_column(name: str, *, null: bool = False, default: int | None = None) -> Column[int]:
    """A whole number of 64 bits."""
    server_default = None if default is None else text(str(default))
    return Column(name, BigInteger, nullable=null, server_default=server_default)


def small_column(name: str, default: int = 0) -> Column[int]:
    """A small whole number that is never NULL."""
    return Column(name, SmallInteger, nullable=False, server_default=text(str(default)))


def text_column(name: str, *, null: bool = False, default: str | None = None) -> Column[str]:
    """Text without a limit."""
    server_default = None if default is None else text(f"'{default}'")
    return Column(name, Text, nullable=null, server_default=server_default)
