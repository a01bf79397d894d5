"""Tests of what decides: pure, without a disk."""
