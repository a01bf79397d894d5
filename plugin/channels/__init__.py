"""Speaks to everyone but Shopify."""
