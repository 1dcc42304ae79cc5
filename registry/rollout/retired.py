"""The edit of ownership.yaml that a rollout ends with: the old version is retired, and nobody names it any more."""

from collections.abc import Iterable, Iterator

from registry.contract import Terms


def render_retired(terms: Terms, number: int) -> str:
    """What a person puts into a pull request, line by line, with the place; empty where it is there already."""
    return "".join(f"{line}\n" for line in _find_lines(terms, number))


def _find_lines(terms: Terms, number: int) -> Iterator[str]:
    place = f"{terms.at.path}, {terms.event} (entity {terms.entity})"
    if number not in terms.retired:
        if terms.retired:
            yield f"- {place}: {_spell('retired', terms.retired)}"
        yield f"+ {place}: {_spell('retired', sorted({*terms.retired, number}))}"
    if number in terms.writes:
        yield f"- {place}: {_spell('writes', terms.writes)}"
        yield f"+ {place}: {_spell('writes', [each for each in terms.writes if each != number])}"
    for subscriber in terms.subscribers:
        if number in subscriber.reads:
            at = f"{place}, subscriber {subscriber.service}"
            yield f"- {at}: {_spell('reads', subscriber.reads)}"
            yield f"+ {at}: {_spell('reads', [each for each in subscriber.reads if each != number])}"


def _spell(key: str, numbers: Iterable[int]) -> str:
    return f"{key}: {list(numbers)}"
