"""A development shop that behaves like the platform at every door. Not part of a deployment."""
