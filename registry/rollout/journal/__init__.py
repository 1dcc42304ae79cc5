"""The room that remembers: rollouts and deployments on a branch of git, changed by compare-and-swap.

:mod:`registry.rollout.journal.journal` says what a journal is; :mod:`registry.rollout.journal.git_journal` keeps it on
the branch ``contracts-state``; :mod:`registry.rollout.journal.documents` and
:mod:`registry.rollout.journal.events` are its texts.
"""
