"""One environment as policy.yaml declares it: the clusters that are asked, and how long to wait for what."""

from registry.frozen import dataclass

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Cluster:
    """One Kafka cluster of an environment. The first one is written to; the others are mirrors of it."""

    name: str
    brokers: str
    """``host:port``, several with commas between; credentials are never here."""
    topic: str = "{topic}"
    """What a topic is called there: ``main.{topic}`` for a mirror that adds a prefix."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What rollouts in one environment must prove, and for how long. All times are seconds."""

    name: str
    clusters: tuple[Cluster, ...] = ()
    brokerless: bool = False
    """``broker: none``: nobody asks Kafka here, by reviewed declaration, and git alone is the evidence."""
    soak: float = 0.0
    """How long all of G1 must have been yes before the writer switches."""
    settle: float = 0.0
    """How long a rollout must have been SWITCHED before G3."""
    quiet: float = 7 * DAY
    """How long nobody may have been served the new version as the old one before G4."""
    revert_window: float = 7 * DAY
    """How long after SWITCHED a revert stays possible: until then G4 is no, and the next step may not switch."""
    heartbeat: float = 10.0
    """The period of heartbeats."""
    margin: float = 5.0
    """What is added to a period where everybody must have been heard."""
    age: float = 300.0
    """Beyond this age evidence proves nothing; heartbeats are stale after three periods and the margin."""
    trust: str = "git"
    """The least that the evidence of G1 must come from: ``git``, ``ci``, ``heartbeat`` or ``broker``."""
    super_users: tuple[str, ...] | None = None
    """Principals that the broker lets do everything, which no ACL shows; ``None`` where nobody says."""
    everyone: bool | None = None
    """``allow.everyone.if.no.acl.found`` of the brokers; ``None`` where nobody says."""
    acls: bool = True
    """False (``acls: none``): these clusters have no authorizer, by reviewed declaration."""
