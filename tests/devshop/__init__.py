"""The development shop: what it does, and how far it is Shopify."""
