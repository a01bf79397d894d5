"""One file for each revision, numbered; a revision that was released never changes."""
