"""How long stubs take: 100 schemas of a dozen fields, read and written as text in one process."""

import gc
from time import perf_counter

import governance

from registry.codegen import StubPlan, StubVersion, render_package
from registry.formats import FORMATS, load_format

MANY = 100
ENVELOPE = {"correlation_id": ("correlation_id",), "schema_version": ("schema_version",)}


def make_texts(language: str) -> list[tuple[str, str, dict[str, str]]]:
    """Event, path, and the texts it needs."""
    make = {"avro": governance.avro, "protobuf": governance.proto}[language]
    shared = {"common/Author.avsc": governance.AUTHOR} if language == "avro" else {}
    names = [f"Event{number}" for number in range(MANY)]
    paths = [f"events/{name}{FORMATS[language]}" for name in names]
    return [
        (f"bench.events.{name}", path, {path: make(name), **shared}) for name, path in zip(names, paths, strict=True)
    ]


def generate(language: str, texts: list[tuple[str, str, dict[str, str]]]) -> tuple[float, float, int]:
    """Seconds to read and to write, and characters written."""
    format_ = load_format(language)
    start = perf_counter()
    schemas = [format_.parse(files, [path], event, strict=False) for event, path, files in texts]
    parsed = perf_counter()
    plans = [
        StubPlan(
            event=event,
            language=language,
            service="bench",
            owner="bench",
            contact="team bench",
            topic="bench",
            key="key_id",
            reads=(1,),
            writes=(1,),
            versions=(StubVersion(1, number, f"{number:032x}", path, files, schema, ENVELOPE),),
        )
        for number, ((event, path, files), schema) in enumerate(zip(texts, schemas, strict=True), 1)
    ]
    rendered = render_package("bench", plans)
    return parsed - start, perf_counter() - parsed, sum(map(len, rendered.values()))


def print_generation(rounds: int = 3) -> bool:
    """One row for each language; whether each is within the time that is asked."""
    print(f"\nseconds to make stubs of {MANY} schemas, producers and consumers with them; best of {rounds}")
    good = True
    for language in FORMATS:
        texts = make_texts(language)
        gc.disable()
        best = min((generate(language, texts) for _ in range(rounds)), key=lambda each: each[0] + each[1])
        gc.enable()
        reading, writing, size = best
        good &= reading + writing < 0.5
        verdict = "OK" if reading + writing < 0.5 else "short"
        print(
            f"  {language:9} read {reading:6.3f}   write {writing:6.3f}   {size:>9,} characters   {verdict}", flush=True
        )
    return good


if __name__ == "__main__":
    print_generation()
