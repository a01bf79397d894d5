"""Benchmarks: ratios against Shopify's Node stack and against ourselves; `make bench` runs them."""
