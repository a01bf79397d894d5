"""Tests of the door for people: the storefront API, the install door and the admin."""
