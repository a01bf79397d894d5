"""The development shop for people: storefront, checkout, accounts, order admin, admin frame, log."""

from devshop.faces.site import register

__all__ = ["register"]
