"""The independent judge of the ledger, the worlds it judges, and the proof that it notices faults."""
