"""What rollouts ask of a real Kafka, by confluent-kafka: :mod:`registry.rollout.broker` implemented.

One module is one question: groups, access, spans, the scan, control, dead letters. confluent-kafka is imported when the
first one is asked.
"""
