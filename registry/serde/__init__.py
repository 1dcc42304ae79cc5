"""The production side."""
