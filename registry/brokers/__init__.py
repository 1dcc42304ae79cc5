"""Kafka on a laptop: a cluster in this process, or a real one where Java or a container engine is at hand."""
