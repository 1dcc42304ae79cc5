"""Moments, and the spans between them."""

from datetime import datetime, timedelta


def seconds_between(earlier: datetime, later: datetime) -> float:
    """The span between two moments; never negative, as clocks differ."""
    return max((later - earlier).total_seconds(), 0.0)


def render_due(began: datetime, seconds: float) -> str:
    """When so many seconds will have passed: ``2026-03-03 12:00 UTC``."""
    return f"{began + timedelta(seconds=seconds):%Y-%m-%d %H:%M %Z}".strip()
