"""What merchants look at: computed from what is stored, changing nothing."""
