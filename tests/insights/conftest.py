"""The scene of the page tests, for readings over what a whole app has stored."""

from tests.pages.conftest import scene

__all__ = ["scene"]
