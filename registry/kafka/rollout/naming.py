"""What an instance is called: its service, its environment, and itself."""

import os
import socket
from typing import Final

from registry.kafka.errors import SettingsError

ENVIRONMENT_VARIABLE: Final = "CONTRACTS_ENVIRONMENT"
BUILD_VARIABLE: Final = "CONTRACTS_BUILD"


def demand_name(name: str, given: str, variable: str = ENVIRONMENT_VARIABLE) -> str:
    """What was given, if it can be a part of a key. Raises :class:`registry.kafka.SettingsError`."""
    if not given or "/" in given:
        raise SettingsError(
            f"the {name} is {given!r}", help=f"Rollouts(..., {name}=...), or {variable}: a name without a slash"
        )
    return given


def name_instance() -> str:
    """The machine or pod, the process, and something that no other process has."""
    host = socket.gethostname().replace("/", "-") or "host"
    return f"{host}-{os.getpid()}-{os.urandom(3).hex()}"
