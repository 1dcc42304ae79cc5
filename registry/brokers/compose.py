"""A compose file for those who have a container engine."""

from collections.abc import Sequence
from typing import Final

from registry.brokers.container import IMAGE, image_settings
from registry.brokers.settings import environment_of

_TOPICS: Final = "/opt/kafka/bin/kafka-topics.sh --bootstrap-server kafka:19092"


def render_compose(topics: Sequence[str], partitions: int, port: int) -> str:
    """Apache Kafka on a port of this machine, and a service that creates the topics and ends."""
    lines = [
        "# Apache Kafka for a laptop, with the topics of the catalog; written by `contracts dev --print-compose`.",
        f"# docker compose up: bootstrap.servers is 127.0.0.1:{port} here, and kafka:19092 for other containers.",
        "services:",
        "  kafka:",
        f"    image: {IMAGE}",
        "    hostname: kafka",
        f'    ports: ["127.0.0.1:{port}:9092"]',
        "    environment:",
        *(f'      {name}: "{value}"' for name, value in _environment(port).items()),
    ]
    if topics:
        lines += [
            "",
            "  topics:",
            f"    image: {IMAGE}",
            "    depends_on: [kafka]",
            '    restart: "no"',
            '    entrypoint: ["/bin/bash", "-euc"]',
            "    command:",
            "      - |",
            f"        until {_TOPICS} --list > /dev/null; do sleep 1; done",
            "        for topic in \\",
            *(f"          {topic} \\" for topic in topics),
            "        ; do",
            f'          {_TOPICS} --create --if-not-exists --topic "$$topic" --partitions {partitions}',
            "        done",
        ]
    return "\n".join(lines) + "\n"


def _environment(port: int) -> dict[str, str]:
    return environment_of(image_settings("kafka", f"127.0.0.1:{port}"))
