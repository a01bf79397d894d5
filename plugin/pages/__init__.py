"""Door for people: storefront API, survey link and the embedded admin."""
