"""Door for time: performs effects at the platform, runs the clock, reconciles with what the platform says."""
