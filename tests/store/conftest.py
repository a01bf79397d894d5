"""Fixtures of the store tests."""

from tests.books_fixtures import books, installation, mallory, shared

__all__ = ["books", "installation", "mallory", "shared"]
