"""Typed events on Kafka: what the generated producers and consumers run on, over confluent-kafka.

A door: each name is loaded from its module when it is first asked for, so that a service pays for what it uses.
"""
