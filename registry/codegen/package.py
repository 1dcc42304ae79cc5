"""A package of stubs: the modules of a service's events, and the door that imports them when they are asked for."""

from collections.abc import Iterator, Sequence
from typing import Final

from registry.codegen.module import Module, finish, render_header, render_module
from registry.codegen.names import meeting
from registry.codegen.plan import StubPlan
from registry.codegen.quoting import quote, quote_doc
from registry.errors import Flaw, InvalidSchema
from registry.frozen import replace

_DOOR: Final = '''
else:
    from importlib import import_module as _import_module

    _MODULES = {modules}

    def __getattr__(name):
        """The class, with its module imported now."""
        if name not in _MODULES:
            raise AttributeError(f"module {{__name__!r}} has no attribute {{name!r}}")
        found = getattr(_import_module(f"{{__name__}}.{{_MODULES[name]}}"), name)
        globals()[name] = found
        return found

    def __dir__():
        """All that can be imported."""
        return sorted({{*globals(), *_MODULES}})
'''


def render_package(service: str, plans: Sequence[StubPlan], header: str = "") -> dict[str, str]:
    """Path inside the package to text: a module for each event, ``__init__.py`` and ``py.typed``; a header names the
    command that makes it.

    Raises :class:`registry.errors.InvalidSchema` for names that meet, and for what no class can stand for.
    """
    header = header or render_header(service)
    modules = [(plan, render_module(plan, header)) for plan in plans]
    flaws = [flaw for _, module in modules for flaw in module.flaws]
    flaws += _find_meetings(modules)
    if flaws:
        raise InvalidSchema(flaws)
    files = {f"{module.name}.py": module.text for _, module in modules}
    return {"__init__.py": _render_door(service, header, [module for _, module in modules]), "py.typed": "", **files}


def _find_meetings(modules: Sequence[tuple[StubPlan, Module]]) -> Iterator[Flaw]:
    """Events that would share a module, or a name in the package."""
    seen: dict[str, StubPlan] = {}
    for plan, module in modules:
        for name in (f"module {module.name}", *(f"class {each}" for each in module.exports)):
            other = seen.setdefault(name, plan)
            if other is not plan:
                at, other_at = (each.versions[-1].schema.root.at for each in (plan, other))
                flaw = meeting(f"the {name}", other.event, other_at, plan.event, at)
                help_ = f"give each a package of its own: contracts gen --only {plan.event} --package NAME"
                yield replace(flaw, help=f"{help_}, and --only for the others")
                break


def _render_door(service: str, header: str, modules: Sequence[Module]) -> str:
    names = {module.name for module in modules}
    # A class that is called as a module of the package is reached through its module: the package has one such name.
    homes = {name: module.name for module in modules for name in module.exports if name not in names}
    lines = [*quote_doc(f"The events of {service}; the module of each is imported on first use."), ""]
    if not homes:
        return finish(header, "\n".join(lines))
    exports = sorted(homes, key=_sort_key)
    lines += ["import typing as _typing", "", "__all__ = ["]
    lines += [f"    {quote(name)}," for name in exports]
    lines += ["]", "", "if _typing.TYPE_CHECKING:"]
    for module in sorted(modules, key=lambda each: each.name):
        offered = sorted((name for name in module.exports if name in homes), key=_sort_key)
        if offered:
            lines.append(f"    from .{module.name} import (")
            lines += [f"        {name}," for name in offered]
            lines.append("    )")
    table = [f"        {quote(name)}: {quote(homes[name])}," for name in exports]
    door = _DOOR.format(modules="\n".join(["{", *table, "    }"]))
    return finish(header, "\n".join(lines) + door)


def _sort_key(name: str) -> tuple[int, str]:
    return (0 if name.isupper() and len(name) > 1 else 1 if name[:1].isupper() else 2), name
