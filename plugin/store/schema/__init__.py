"""Describes every table once, for both engines, a file per room; migrations create it, raw statements use it."""

from plugin.store.schema import api, installation, ledger, members, moving, programmes, queues, rewards, voice
from plugin.store.schema.columns import metadata

__all__ = [
    "api",
    "installation",
    "ledger",
    "members",
    "metadata",
    "moving",
    "programmes",
    "queues",
    "rewards",
    "voice",
]
