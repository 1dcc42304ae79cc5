"""Observers: what Prometheus counts, and what OpenTelemetry follows."""
