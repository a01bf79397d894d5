"""Tests against what Shopify publishes: schemas, libraries and its command line tool."""
