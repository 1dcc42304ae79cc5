"""The tables of an outbox in PostgreSQL."""

from typing import Final

DDL: Final = """\
CREATE TABLE IF NOT EXISTS {table} (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  topic text NOT NULL,
  partition integer,
  key bytea,
  value bytea,
  headers bytea,
  contract text,
  version integer,
  timestamp timestamptz,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  attempts integer NOT NULL DEFAULT 0,
  error text,
  retry_at timestamptz
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
CREATE INDEX IF NOT EXISTS {index} ON {table} (topic, key, retry_at, id) WHERE retry_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS {discarded} (
  id bigint PRIMARY KEY,
  topic text NOT NULL,
  partition integer,
  key bytea,
  value bytea,
  headers bytea,
  contract text,
  version integer,
  timestamp timestamptz,
  created_at timestamptz NOT NULL,
  attempts integer NOT NULL,
  error text,
  retry_at timestamptz,
  reason text NOT NULL,
  discarded_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
"""
"""Rows live for a moment, so that the space of those that are gone is to be swept by their number, not by their share
of a table that is mostly empty."""
