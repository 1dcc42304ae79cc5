"""Owns the content: an article and the event that tells of it are committed together."""
