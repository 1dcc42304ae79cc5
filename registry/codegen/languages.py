"""What makes the classes of a version, by schema language; its module is imported when it is asked for."""

from importlib import import_module
from typing import Final, cast

from registry.codegen.classes import FindClasses

LANGUAGES: Final[dict[str, str]] = {
    "avro": "registry.codegen.avro",
    "protobuf": "registry.codegen.protobuf",
}
"""Each language with the module that has its ``find_classes``."""


def load_language(name: str) -> FindClasses:
    """The function of a language, a key of :data:`LANGUAGES`."""
    return cast(FindClasses, import_module(LANGUAGES[name]).find_classes)
