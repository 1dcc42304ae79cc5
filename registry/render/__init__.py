"""Report -> text. A new output is one function in a module of its own, and one row here."""

from collections.abc import Callable
from typing import Final

from registry.finding import Report


def _text(report: Report) -> str:
    from registry.render.text import render_text

    return render_text(report)


def _json(report: Report) -> str:
    from registry.render.json_report import render_json

    return render_json(report)


def _github(report: Report) -> str:
    from registry.render.github import render_github

    return render_github(report)


def _markdown(report: Report) -> str:
    from registry.render.markdown import render_summary_markdown

    return render_summary_markdown(report)


RENDERERS: Final[dict[str, Callable[[Report], str]]] = {
    "text": _text,
    "json": _json,
    "github": _github,
    "markdown": _markdown,
}
"""Each output by the name that ``--format`` takes; its module is imported when it is asked for."""


def render(report: Report, output: str, *, colour: bool = False) -> str:
    """The report in the named output, a key of :data:`RENDERERS`; ``colour`` is for text, the others have none."""
    if output == "text" and colour:
        from registry.render.text import render_text

        return render_text(report, colour=True)
    return RENDERERS[output](report)
