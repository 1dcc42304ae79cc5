"""edge-cache: keeps rendered pages, and says which of them are stale."""
