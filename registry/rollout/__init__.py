"""The rolling upgrade: readers learn the new version, the writer switches, the old version is retired.

:mod:`registry.rollout.states` is the table of what may follow what; :mod:`registry.rollout.gates` what must be proven
first, as pure functions; :mod:`registry.rollout.journal` the branch of git that remembers; and
:mod:`registry.rollout.operator` what a command does, step by step.
"""
