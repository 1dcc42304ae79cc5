"""Whom to ask for a schema that the stubs do not carry."""

from typing import Protocol

from registry.serde.bundle import BundledVersion


class Fallback(Protocol):
    """A source of schemas outside the stubs: a folder of versions, a registry, the control record of a rollout."""

    def find(self, event: str, writer: int | str) -> BundledVersion | None:
        """The version of ``event`` with this schema id (a number) or GUID (a text), or ``None`` for no such.

        The answer is kept. May raise :class:`registry.serde.errors.SerdeError` where the source cannot be asked; that
        is not kept.
        """

    def find_number(self, event: str, number: int) -> BundledVersion | None:
        """The version of ``event`` with this number, or ``None`` for no such.

        Asked for those between the newest version of the stubs and one that was found: they may declare converters.
        """
