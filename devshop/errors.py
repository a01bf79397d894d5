"""What the development shop refuses, in words a person can act on."""

from __future__ import annotations


class DevshopError(Exception):
    """A request the shop does not carry out. `code` is stable, the text says what to do next."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class CheckoutRefused(DevshopError):
    """The checkout would not take a discount code; the order was not placed."""
