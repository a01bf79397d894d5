"""Tests of what arranges, on both engines."""
