"""The API for other programs, from outside: keys, every resource, and attacks on both."""
