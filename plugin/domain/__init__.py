"""Decides: pure functions over value types. No SQL, HTTP, clock or randomness."""
