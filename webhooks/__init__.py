"""Door for Shopify: receive a webhook, store it, and drain the inbox into points."""
