"""One event there and back: what `bench/serde_costs.py` starts in a fresh process."""

from serde_ours import ASKED, make_bundle

from registry.serde import Meta, Serde


def run(language: str, descriptors: bytes = b"") -> None:
    """Encode and decode once."""
    serde = Serde(make_bundle(language, "content", descriptors))
    serde.decode(serde.encode(ASKED[language]["content"], Meta())[0])
