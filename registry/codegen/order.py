"""In which order classes are written."""

from collections.abc import Iterable, Mapping


def sort_records(root: str, uses: Mapping[str, Iterable[str]]) -> list[str]:
    """``root`` and all that it uses, directly or not, each after what it uses; a circle is cut where it closes."""
    order: dict[str, None] = {}
    entered = {root}
    stack = [(root, iter(uses[root]))]
    while stack:
        name, rest = stack[-1]
        for each in rest:
            if each not in entered:
                entered.add(each)
                stack.append((each, iter(uses[each])))
                break
        else:
            order[name] = None
            stack.pop()
    return list(order)
