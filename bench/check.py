"""How long `contracts check` takes, beside `buf breaking` on the same trees, in one run: `make bench`.

Each round runs both commands one after the other, so that a machine whose speed drifts is as unfair to the one as to
the other; the ratio is taken round by round. Times are wall seconds of whole processes; memory is the largest resident
set of the process.
"""

import os
import shutil
import statistics
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import governance

BIN = Path(sysconfig.get_path("scripts"))
ROUNDS = 9
FIELDS = "".join(f"  string field_{number} = {number};\n" for number in range(3, 20))


@dataclass(frozen=True)
class Run:
    """One process: wall seconds, peak memory in MB, exit code."""

    seconds: float
    megabytes: float
    code: int


def run(command: list[str], folder: Path) -> Run:
    """Run a command to its end and ask the system what it used."""
    start = perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    return Run(seconds, usage.ru_maxrss / 1024, process.returncode)


def git(folder: Path, *arguments: str) -> None:
    """Run git in a folder, whoever the user is."""
    identity = ["-c", "user.name=bench", "-c", "user.email=bench@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def make_tree(folder: Path, files: int) -> None:
    """A tree of Protobuf files in which each imports another, committed, with three files changed."""
    proto = folder / "proto"
    proto.mkdir(parents=True)
    for number in range(files):
        parent = number // 10
        wanted = f'import "m{parent}.proto";\n' if parent != number else ""
        uses = f"  p{parent}.Message{parent} parent = 20;\n" if wanted else ""
        body = f"message Message{number} {{\n  string id = 1;\n  int64 amount = 2;\n{FIELDS}{uses}}}\n"
        (proto / f"m{number}.proto").write_text(f'syntax = "proto3";\npackage p{number};\n{wanted}\n{body}')
    (folder / "buf.yaml").write_text("version: v2\nmodules:\n  - path: proto\n")
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=before")
    for number in (files - 1, files - 2, files - 3):
        path = proto / f"m{number}.proto"
        path.write_text(path.read_text().replace("int64 amount", "string amount"))


def compare(files: int, folder: Path) -> None:
    """Print one row: both tools on a tree of so many files."""
    make_tree(folder, files)
    ours = [str(BIN / "contracts"), "check", "--only", "compat", "--root", "proto", "--against", "main"]
    theirs = [str(BIN / "buf"), "breaking", "--against", ".git#branch=main"]
    run(ours, folder), run(theirs, folder)
    rounds = [(run(ours, folder), run(theirs, folder)) for _ in range(ROUNDS)]
    codes = {(our.code, their.code) for our, their in rounds}
    if codes != {(1, 100)}:
        sys.exit(f"both must find the change; exit codes were {codes}")
    our, their = zip(*rounds, strict=True)
    ratio = statistics.median(a.seconds / b.seconds for a, b in rounds)
    print(
        f"{files:>6} {_ms(our):>12} {_mb(our):>9} {_ms(their):>12} {_mb(their):>9} {ratio:>9.2f}",
        flush=True,
    )


def _ms(runs: tuple[Run, ...]) -> str:
    return f"{statistics.median(each.seconds for each in runs) * 1000:.0f} ms"


def _mb(runs: tuple[Run, ...]) -> str:
    return f"{max(each.megabytes for each in runs):.0f} MB"


def measure_registry(folder: Path) -> None:
    """The full check, with ownership, on 1,000 contracts of which three changed; and where its time goes."""
    files = governance.make_registry(folder, 1000)
    git(folder, "init", "--quiet", "--initial-branch=main")
    subprocess.run([BIN / "contracts", "release"], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=before")
    for file in files[10:13]:
        governance.change(file)
    command = [str(BIN / "contracts"), "check", "--against", "main"]
    cold = run(command, folder)
    runs = tuple(run(command, folder) for _ in range(ROUNDS))
    if {each.code for each in (cold, *runs)} != {0}:
        sys.exit("the registry's change is a good one")
    print(f"\ncontracts check with ownership: 1,000 contracts, each released, 3 changed; median of {ROUNDS}")
    print(f"  {_ms(runs)}, {_mb(runs)} ({_ms((cold,))} with an empty cache); of one run in process:", flush=True)
    subprocess.run([sys.executable, governance.__file__, folder], check=True)


def main() -> None:
    """Print the tables."""
    buf = subprocess.run([BIN / "buf", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    print(f"contracts check --only compat, 3 changed files, beside buf breaking {buf}; median of {ROUNDS} rounds")
    print(f"{'files':>6} {'contracts':>12} {'memory':>9} {'buf':>12} {'memory':>9} {'ratio':>9}")
    with tempfile.TemporaryDirectory() as top:
        os.environ["XDG_CACHE_HOME"] = f"{top}/cache"
        for files in (10, 100, 1000):
            compare(files, Path(top) / str(files))
            shutil.rmtree(Path(top) / str(files))
        measure_registry(Path(top) / "registry")


if __name__ == "__main__":
    main()
