"""content-api: the service that owns ContentItem, and alone publishes its events."""
