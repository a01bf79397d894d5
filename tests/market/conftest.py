"""Fixtures of the market's tests: the books of the flows and the scene of the pages."""

from tests.books_fixtures import books, installation, mallory, shared
from tests.pages.conftest import light, scene

__all__ = ["books", "installation", "light", "mallory", "scene", "shared"]
