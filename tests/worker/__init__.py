"""Tests of the door for time: effects, crashes, outages, reconciliation."""
