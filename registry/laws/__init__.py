"""The laws that converters keep, asked of many events of both versions: ``contracts check``, ``release`` and
``contracts upgrade test`` rest on them.

:data:`registry.laws.law.LAWS` is the whole law; :func:`judge` asks it of one step, :func:`judge_chain` of several.
"""

from registry.laws.chain import Chain, find_steps, judge_chain
from registry.laws.law import LAWS, Law
from registry.laws.side import Side
from registry.laws.step import Step
from registry.laws.trial import BROKEN, EXAMPLES, HOLDS, NOT_ASKED, Counterexample, Outcome, Stop, judge

__all__ = [
    "BROKEN",
    "EXAMPLES",
    "HOLDS",
    "LAWS",
    "NOT_ASKED",
    "Chain",
    "Counterexample",
    "Law",
    "Outcome",
    "Side",
    "Step",
    "Stop",
    "find_steps",
    "judge",
    "judge_chain",
]
