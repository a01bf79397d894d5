"""Tests of what merchants look at."""
