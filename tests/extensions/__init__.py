"""Tests of what runs in the shop's theme: Shopify's checks, sizes, and the widget in a real browser."""
