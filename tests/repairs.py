"""A tree of one schema, mended: for the tests of `contracts check --fix`."""

import os
import subprocess
from datetime import date

from registry.check import Options, check
from registry.repair import Repairs, find_repairs, render_patch, write_repairs
from tests.repo import ENVIRONMENT, Repository

TODAY = date(2026, 11, 23)
A = '{"type": "record", "name": "A", "fields": [%s]}\n'
"""A record with room for its fields."""
ID = '{"name": "id", "type": "string"}'
NULLABLE = A % f'{ID}, {{"name": "b", "type": ["null", "int"]}}'
"""With a new field that wants a default."""


def repairs_of(here: Repository, options: Options | None = None) -> Repairs:
    options = options or Options()
    report = check(here.path, options, os.environ, TODAY)
    return find_repairs(report, here.path, options, os.environ, TODAY)


def mend(here: Repository, path: str, was: str, now: str) -> tuple[list[str], str]:
    """What was done, and the text afterwards: as --fix writes it, and as `git apply` makes it of --diff."""
    here.commit("was", {path: was})
    here.write({path: now})
    found = repairs_of(here)
    patch = render_patch(found)
    assert (here.path / path).read_bytes() == now.encode()
    write_repairs(found)
    mended = (here.path / path).read_bytes()
    here.write({path: now})
    if patch:
        command = ["git", "-C", os.fspath(here.path), "apply", "-"]
        subprocess.run(command, input=patch.encode("utf-8", "surrogateescape"), env=ENVIRONMENT, check=True)
    assert (here.path / path).read_bytes() == mended
    assert repairs_of(here).repairs == ()
    return [repair.done for repair in found.repairs], mended.decode()
