"""event-contracts: schemas of events as contracts, kept and enforced in git.

People and CI use the command ``contracts``; Python callers use :mod:`registry.api`. Nothing is imported here, because
services import :mod:`registry.serde` in production and pay only for what they use.
"""
