"""Webhook bodies become facts: one file per noun, and the only place that knows a webhook's JSON keys.

`webhooks/topics.py` says which reader understands which topic.
"""

from webhooks.payloads.reading import PayloadError

__all__ = ["PayloadError"]
