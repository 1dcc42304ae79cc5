"""Converters: how events of one version become events of the next, and back (``<Event>.upgrade.yaml``).

A document is JSON here. It has four parts:

``up``
    A list of operations (:mod:`registry.serde.conversion.operations`), from the older version to the newer one.
``down``
    ``derived``: their inverses, in reverse order; so where nothing is said. ``none``: there is no way back. Or a list
    of operations of its own, from the newer version to the older one.
``loss``
    The fields that do not come through whole, by direction.
``unrepresentable``
    What is to be done with events that the other version cannot express, by direction: ``hold``, ``dead-letter`` or
    ``substitute``.

What an operation names is as it stands when its turn comes. Losses and cases name fields of the version that is read;
the loss of a field that an operation renames goes by the name on that side. A lost field that no operation names is
left out. Fields that nothing names are the schema's business: the target's defaults fill in for them.
"""

from registry.serde.conversion.conversion import Conversion, compile_conversion, load_conversion
from registry.serde.conversion.errors import BadConversion, Inconvertible

__all__ = ["BadConversion", "Conversion", "Inconvertible", "compile_conversion", "load_conversion"]
