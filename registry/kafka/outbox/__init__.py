"""Events that are published with a database transaction, or not at all."""
