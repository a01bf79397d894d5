"""One test for each thing that shops of this kind are known to get wrong, with the known failure as its input."""
