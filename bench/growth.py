"""How the cost of reading and judging a pair of schemas grows with its size: a part of `make bench`.

Records of 100, 1,000 and 10,000 fields, nesting of up to 20 levels, unions of up to 50 branches; each pair differs in
every tenth place. The collector of garbage is off, as it is in the command. Times are the best of some rounds; what
counts is the last column: the time for one part of the schema, beside that of the smallest schema of the same shape.
A straight line is 1 all the way.
"""

import gc
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter

from registry.formats import load_format
from registry.formats.mismatch import Pair

Texts = tuple[str, str]
SUFFIX = {"avro": "avsc", "protobuf": "proto"}


def avro_fields(size: int) -> Texts:
    """A record of so many fields, of which every tenth changes its type."""
    old = [{"name": f"field_{n}", "type": ["null", "string"] if n % 3 else "long"} for n in range(size)]
    new = [{**field, "type": "int"} if n % 10 == 0 else field for n, field in enumerate(old)]
    return tuple(json.dumps({"type": "record", "name": "a.R", "fields": fields}) for fields in (old, new))  # type: ignore[return-value]


def avro_nesting(depth: int) -> Texts:
    """Records within records; the innermost field changes its type."""

    def nest(innermost: str) -> str:
        text = f'"{innermost}"'
        for level in range(depth):
            inner = f'{{"name": "in", "type": {text}}}, {{"name": "beside", "type": "string"}}'
            text = f'{{"type": "record", "name": "R{depth - level}", "fields": [{inner}]}}'
        return text

    return nest("long"), nest("string")


def avro_union(size: int) -> Texts:
    """A union of so many records of one field, of which every tenth changes its field's type."""

    def unite(changed: str) -> str:
        kinds = [changed if n % 10 == 0 else "long" for n in range(size)]
        fields = [[{"name": "value", "type": kind}] for kind in kinds]
        return json.dumps([{"type": "record", "name": f"B{n}", "fields": each} for n, each in enumerate(fields)])

    return unite("long"), unite("string")


def proto_fields(size: int) -> Texts:
    """A message of so many fields, of which every tenth changes its type."""

    def message(changed: str) -> str:
        numbers = [n for n in range(1, size + 1001) if not 19_000 <= n < 20_000][:size]
        kinds = (changed if n % 10 == 0 else "int64" for n in numbers)
        fields = (f"  {kind} field_{n} = {n};\n" for n, kind in zip(numbers, kinds, strict=True))
        return f'syntax = "proto3";\nmessage M {{\n{"".join(fields)}}}\n'

    return message("int64"), message("string")


def proto_nesting(depth: int) -> Texts:
    """Messages within messages; the innermost field changes its type."""

    def nest(innermost: str) -> str:
        body = f"{innermost} value = 1;"
        for level in range(depth):
            body = f"message M{depth - level} {{ {body} }} M{depth - level} in = 2; string beside = 3;"
        return f'syntax = "proto3"; message Top {{ {body} }}'

    return nest("int64"), nest("string")


def proto_oneof(size: int) -> Texts:
    """A oneof of so many messages, of which every tenth changes its field's type."""

    def choose(changed: str) -> str:
        kinds = [changed if n % 10 == 0 else "int64" for n in range(1, size + 1)]
        messages = "".join(f"message B{n} {{ {kind} value = 1; }}\n" for n, kind in enumerate(kinds, 1))
        members = "".join(f"  B{n} b{n} = {n};\n" for n in range(1, size + 1))
        return f'syntax = "proto3";\n{messages}message M {{ oneof one {{\n{members}}} }}\n'

    return choose("int64"), choose("string")


SHAPES: tuple[tuple[str, str, Callable[[int], Texts], tuple[int, ...]], ...] = (
    ("avro", "fields", avro_fields, (100, 1000, 10_000)),
    ("avro", "levels", avro_nesting, (5, 10, 20)),
    ("avro", "branches", avro_union, (5, 50, 500)),
    ("protobuf", "fields", proto_fields, (100, 1000, 10_000)),
    ("protobuf", "levels", proto_nesting, (5, 10, 20)),
    ("protobuf", "members", proto_oneof, (5, 50, 500)),
)


def best_of(rounds: int, work: Callable[[], object]) -> float:
    """Milliseconds of the quickest round."""

    def once() -> float:
        start = perf_counter()
        work()
        return (perf_counter() - start) * 1000

    return min(once() for _ in range(rounds))


def measure(language: str, texts: Texts, rounds: int) -> tuple[float, float, int]:
    """Milliseconds to parse both, to judge both ways, and how much was found."""
    format_ = load_format(language)
    old, new = f"old.{SUFFIX[language]}", f"new.{SUFFIX[language]}"

    def parse(path: str, text: str) -> object:
        return format_.parse({path: text}, [path])

    before, after = format_.parse({old: texts[0]}, [old]), format_.parse({new: texts[1]}, [new])
    found = 0

    def judge() -> None:
        nonlocal found
        found = sum(1 for pair in (Pair(after, before), Pair(before, after)) for _ in format_.find_mismatches(pair))

    parsing = best_of(rounds, lambda: (parse(old, texts[0]), parse(new, texts[1])))
    return parsing, best_of(rounds, judge), found


def print_growth() -> None:
    """One row for each size of each shape."""
    print("\nreading and judging one pair of schemas, in one process; x: time for one part, the smallest is 1")
    print(f"{'':>21} {'parse':>12} {'x':>6} {'judge both ways':>17} {'x':>6} {'found':>7}")
    for language, part, make, sizes in SHAPES:
        first: tuple[float, float] | None = None
        for size in sizes:
            parsing, judging, found = measure(language, make(size), 3 if size >= 10_000 else 9)
            each = parsing / size, judging / size
            first = first or each
            grows = f"{each[0] / first[0]:>6.2f}", f"{each[1] / first[1]:>6.2f}"
            row = f"{language:<9} {size:>6,} {part:<8}"
            print(f"{row:<26}{parsing:>7.1f} ms {grows[0]} {judging:>14.1f} ms {grows[1]} {found:>7,}", flush=True)


def find_largest(folder: Path, most: int = 2) -> Iterator[tuple[str, str, Texts, int]]:
    """The largest pairs of the conformance cases that are one text each, with their length."""
    for file in ("avro_java", "avro_karapace", "avro_py", "apicurio", "proto_karapace"):
        cases = json.loads((folder / f"{file}.json").read_text("utf-8"))
        plain = [
            case
            for case in cases
            if isinstance(case["old"], str) and "references" not in case and case.get("compiles", True)
            if "expect_error" not in case
        ]
        for case in sorted(plain, key=lambda case: -len(case["old"] + case["new"]))[:most]:
            yield case["id"], case["format"], (case["old"], case["new"]), len(case["old"] + case["new"])


def print_largest(folder: Path) -> None:
    """The cost of a kilobyte of the largest conformance cases."""
    if not folder.is_dir():
        print(f"skipped: the largest conformance cases ({folder} is absent)")
        return
    print("\nthe largest conformance cases")
    print(f"{'characters':>12} {'parse':>12} {'judge':>11} {'us/kB':>8}  case")
    for case, language, texts, length in sorted(find_largest(folder), key=lambda row: row[3]):
        parsing, judging, _ = measure(language, texts, 9)
        cost = (parsing + judging) * 1000 / (length / 1000)
        print(f"{length:>12,} {parsing:>9.2f} ms {judging:>8.2f} ms {cost:>8.0f}  {case}", flush=True)


if __name__ == "__main__":
    gc.disable()
    print_growth()
    print_largest(Path(sys.argv[1]))
