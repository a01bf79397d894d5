"""The tests: folders mirror the rooms; `make test` runs them all."""
