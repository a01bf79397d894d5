"""Arranges: load, decide, write. A flow takes a transaction and never commits."""
