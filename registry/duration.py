"""Spans of time as people write them: ``500ms``, ``10s``, ``5m``, ``24h``, ``7d``."""

import re
from typing import Final

UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
"""Seconds in one of each unit of time that a file or an option may name."""
LONGEST: Final = 36_500 * 86_400.0
"""Seconds of a hundred years: what is longer has no place in a calendar."""
SPAN: Final = re.compile(f"(0|[1-9][0-9]{{0,8}})({'|'.join(UNITS)})")


def parse_duration(text: str) -> float:
    """Seconds: ``500ms`` is 0.5. Nothing is 0.0, and so is what is no duration."""
    found = SPAN.fullmatch(text)
    return int(found[1]) * UNITS[found[2]] if found else 0.0
