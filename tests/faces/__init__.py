"""Tests of the development shop's pages for people."""
