"""Owns the cached pages: what was published makes some of them stale, which is an event of its own."""
