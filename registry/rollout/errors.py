"""What stops a command of a rollout."""

from registry.errors import RegistryError


class RolloutError(RegistryError):
    """A rollout cannot do what was asked; nothing was changed."""


class WrongState(RolloutError):
    """The verb is not allowed where the rollout stands."""


class LostRace(RolloutError):
    """Somebody else changed the same subject first; nothing was published. Exit 4."""


class SplitBrain(RolloutError):
    """The control topic says more than git knows: nothing is published until a person has looked."""


class BrokerUnavailable(RolloutError):
    """A cluster does not answer a question, or refuses to."""


class BrokerSilent(BrokerUnavailable):
    """A cluster does not answer at all: to ask it anything else would only cost time."""


class Fenced(RolloutError):
    """Another operator has taken the right to publish; what this one decided is repaired by ``reconcile``."""
