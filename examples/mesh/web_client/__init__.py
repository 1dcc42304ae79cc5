"""Shows pages, and drops those that it is told are stale. It writes no events."""
