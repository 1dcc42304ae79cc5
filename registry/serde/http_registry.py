"""A schema registry over HTTP as fallback, by the REST interface that Confluent's registry has and others copy."""

import json
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlsplit
from urllib.request import Request, urlopen

from registry.serde.bundle import BundledVersion
from registry.serde.errors import SerdeError

_MAX_BYTES: Final = 16 << 20
_MAX_REFERENCES: Final = 1000


class HttpRegistry:
    """Asks a registry for schemas that were registered elsewhere. Avro only.

    ``url`` is where it answers; ``headers`` go with each request (``Authorization``); ``timeout`` is in seconds, for
    each request. A version found here has no number: it is read by Avro's own resolution. Raises :class:`SerdeError`
    for a URL that is none.
    """

    def __init__(self, url: str, *, headers: Mapping[str, str] | None = None, timeout: float = 5.0) -> None:
        if urlsplit(url).scheme not in ("http", "https"):
            raise SerdeError(f"{url!r} is no address of a registry", help="it begins with http:// or https://")
        self._url = url.rstrip("/")
        self._headers = dict(headers or {})
        self._timeout = timeout

    def find(self, event: str, writer: int | str) -> BundledVersion | None:
        """The schema with this id or GUID, or ``None`` where the registry has none, or one of another event.

        Raises :class:`SerdeError` where it does not answer, or not as a registry does.
        """
        by_id = isinstance(writer, int)
        found = self._read(f"/schemas/ids/{writer}" if by_id else f"/schemas/guids/{quote(str(writer), safe='')}")
        if found is None:
            return None
        if found.get("schemaType", "AVRO") != "AVRO":
            raise SerdeError(
                f"{self._url}: schema {writer} is in {found['schemaType']}, and only Avro is read from a registry",
                help="run `contracts gen`: its stubs carry what is needed",
            )
        text = _schema_text(found, self._url)
        if _name_of(text) != event:
            return None
        files = {"schema.avsc": text} | self._read_references(found)
        return BundledVersion(
            number=0,
            schema_id=writer if isinstance(writer, int) else 0,
            guid="" if isinstance(writer, int) else writer,
            root="schema.avsc",
            files=files,
        )

    def find_number(self, event: str, number: int) -> BundledVersion | None:
        """``None``: a registry counts its subjects' versions in its own way."""
        return None

    def _read_references(self, found: Mapping[str, Any]) -> dict[str, str]:
        files: dict[str, str] = {}
        waiting = _references(found)
        while waiting:
            subject, version = waiting.pop()
            # Two subjects may differ in what no file name can hold: the whole of it is the name.
            path = f"{quote(subject, safe='')}/{version}.avsc"
            if path in files:
                continue
            if len(files) == _MAX_REFERENCES:
                raise SerdeError(f"{self._url}: a schema refers to more than {_MAX_REFERENCES} others")
            referred = self._read(f"/subjects/{quote(subject, safe='')}/versions/{version}")
            if referred is None:
                raise SerdeError(f"{self._url}: has no version {version} of {subject}, which a schema refers to")
            files[path] = _schema_text(referred, self._url)
            waiting += _references(referred)
        return files

    def _read(self, path: str) -> Mapping[str, Any] | None:
        request = Request(
            self._url + path, headers={"Accept": "application/vnd.schemaregistry.v1+json, application/json"}
        )
        for name, value in self._headers.items():
            # They are for this registry alone: where it redirects to, nobody shall learn its password.
            request.add_unredirected_header(name, value)
        try:
            with urlopen(request, timeout=self._timeout) as answer:
                held = answer.read(_MAX_BYTES + 1)
        except HTTPError as error:
            error.close()
            if error.code == 404:
                return None
            raise SerdeError(f"{self._url}{path}: answers {error.code} {error.reason}") from None
        except (URLError, OSError, ValueError, HTTPException) as error:
            raise SerdeError(f"{self._url}: does not answer: {error or type(error).__name__}") from None
        try:
            found = json.loads(held) if len(held) <= _MAX_BYTES else None
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise SerdeError(f"{self._url}{path}: answers something else than a schema")
        return found


def _references(found: Mapping[str, Any]) -> list[tuple[str, int]]:
    listed = found.get("references") or []
    pairs = [(each.get("subject"), each.get("version")) for each in listed if isinstance(each, dict)]
    return [(subject, version) for subject, version in pairs if isinstance(subject, str) and isinstance(version, int)]


def _schema_text(found: Mapping[str, Any], url: str) -> str:
    text = found.get("schema")
    if not isinstance(text, str):
        raise SerdeError(f"{url}: answers without a schema")
    return text


def _name_of(text: str) -> str:
    """The full name of the record that a schema defines; empty for other schemas."""
    try:
        schema = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(schema, dict) or not isinstance(schema.get("name"), str):
        return ""
    name, namespace = schema["name"], schema.get("namespace")
    return name if "." in name or not isinstance(namespace, str) or not namespace else f"{namespace}.{name}"
