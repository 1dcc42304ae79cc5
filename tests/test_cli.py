"""The entry point itself: what is missing is named, and the process is left as it was."""

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from registry.cli import COMMANDS, LIBRARIES, main

SCHEMAS = {
    "a.proto": 'syntax = "proto3";\nmessage A { string id = 1; }\n',
    "b.proto": 'syntax = "proto3";\nmessage A { string id = 1; int32 n = 2; }\n',
}


@pytest.mark.parametrize("module", ["click", "grpc_tools"])
def test_a_missing_library_is_named_with_the_command_that_installs_it(tmp_path: Path, module: str) -> None:
    for name, text in SCHEMAS.items():
        (tmp_path / name).write_text(text)
    hide = f"import sys; sys.modules[{module!r}] = None; sys.argv = ['contracts', 'compare', 'a.proto', 'b.proto']; "
    run = [sys.executable, "-c", f"{hide}from registry.cli import main; main()"]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    error, help_ = done.stderr.splitlines()
    assert LIBRARIES[module] in error and "is not installed" in error
    assert help_ == "help: pip install 'event-contracts[tool]'"


def test_the_help_lists_every_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["contracts", "--help"])
    with pytest.raises(SystemExit) as end:
        main()
    out = capsys.readouterr().out
    assert end.value.code == 0 and all(f"  {name} " in out for name in COMMANDS)
    assert gc.isenabled()


def test_an_unknown_command_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["contracts", "chekc"])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 2
    assert "chekc" in capsys.readouterr().err
