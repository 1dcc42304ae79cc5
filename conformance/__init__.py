"""How our verdicts compare with those of others, case by case: `python -m conformance ../shared/oracle`.

The cases are facts from the test suites of other projects; they are read from a folder beside the project and are no
part of it. What is kept here is their ids, and our own words on each where we differ on purpose.
"""
