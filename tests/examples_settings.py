"""How many examples the property tests try: quick in every run, many when ``CONTRACTS_EXAMPLES`` says so.

``CONTRACTS_EXAMPLES=10000`` is what `make test-long` sets. The quick run tries the same examples every time, so that a
red build is the fault of the change and not of the dice; the long run looks for what nobody thought of.
"""

import os
from typing import Any, Final

import hypothesis

QUICK: Final = 400
EXAMPLES: Final = int(os.environ.get("CONTRACTS_EXAMPLES") or QUICK)
"""Examples per property."""


def settings(examples: int = EXAMPLES, **more: Any) -> hypothesis.settings:
    """The settings of one property; ``examples`` only where a property is far dearer than the others."""
    return hypothesis.settings(
        max_examples=examples, derandomize=EXAMPLES <= QUICK, database=None, deadline=None, **more
    )
