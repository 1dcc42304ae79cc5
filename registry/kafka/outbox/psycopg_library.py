"""psycopg, on first use."""

from typing import Any

from registry.kafka.errors import MissingLibrary


def load_psycopg() -> Any:
    """The module. Raises :class:`MissingLibrary` where it is not installed."""
    try:
        import psycopg
    except ImportError:
        raise MissingLibrary(
            "psycopg is not installed, which an outbox in PostgreSQL needs",
            help="pip install 'event-contracts[postgres]'",
        ) from None
    return psycopg
