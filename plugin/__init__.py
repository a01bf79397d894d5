"""Regulars: the app itself, from pure decisions (domain) to doors for people and for time."""
