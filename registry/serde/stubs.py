"""What a stub module asks when it is imported: does the library know its format, and is this the service it is for?"""

from os import environ

from registry.serde.bundle import STUB_FORMAT, Bundle
from registry.serde.errors import NotOwner, SerdeError, UnfitStub

SERVICE_VARIABLE = "CONTRACTS_SERVICE"
"""Environment variable by which a service names itself once."""


def check_stub(
    stub_format: int,
    made_by: str,
    *,
    event: str,
    service: str,
    owner: str,
    contact: str = "",
    produces: bool = False,
    **_later: object,
) -> None:
    """Called by generated modules, before their classes.

    ``stub_format`` is :data:`registry.serde.bundle.STUB_FORMAT` of the generator and ``made_by`` its version;
    ``produces`` where the module holds a producer. What a later generator says more is let pass: its format is another,
    and that is told. Raises :class:`UnfitStub` for stubs of another format, and
    :class:`NotOwner` where ``CONTRACTS_SERVICE`` names another service than the producer is for.
    """
    if stub_format != STUB_FORMAT:
        newer = "the library is older than its stubs" if stub_format > STUB_FORMAT else "its stubs are older"
        raise UnfitStub(
            f"the stubs of {event} have format {stub_format}, made by event-contracts {made_by}; "
            f"the library here reads format {STUB_FORMAT}: {newer}",
            help="pip install --upgrade event-contracts" if stub_format > STUB_FORMAT else "run `contracts gen`",
        )
    named = environ.get(SERVICE_VARIABLE)
    if produces and named and named != service:
        raise NotOwner(
            render_not_owner(event, owner, contact),
            help=f"this is {named} ({SERVICE_VARIABLE}): its own stubs come from `contracts gen --service {named}`",
        )


def name_service(service: str | None) -> str:
    """The service that runs here: the argument, else ``CONTRACTS_SERVICE``, else empty.

    Raises :class:`SerdeError` where the two contradict each other.
    """
    named = environ.get(SERVICE_VARIABLE, "")
    if service and named and service != named:
        raise SerdeError(f"the service is {service} by argument and {named} by {SERVICE_VARIABLE}", help="name it once")
    return service or named


def check_writer(bundle: Bundle, service: str | None) -> str:
    """The name of this service, if it may write the event.

    Raises :class:`NotOwner` if it may not, and :class:`SerdeError` if nobody says which service this is.
    """
    named = name_service(service)
    if not named:
        raise SerdeError(
            f"which service is it that writes {bundle.event}?",
            help=f"pass service={bundle.owner!r}, or set {SERVICE_VARIABLE}",
        )
    if named != bundle.owner or not bundle.writes:
        raise NotOwner(
            render_not_owner(bundle.event, bundle.owner, bundle.contact),
            help=f"this is {named}: subscribe to the event instead, or ask its owner to publish what is needed",
        )
    return named


def check_reader(bundle: Bundle, service: str | None) -> str:
    """The name of this service, which must be the one that the stubs were made for.

    Raises :class:`UnfitStub` for another; a service that is not named at all is taken for it.
    """
    named = name_service(service) or bundle.service
    if named != bundle.service:
        raise UnfitStub(
            f"the stubs of {bundle.event} were made for {bundle.service}, and this is {named}",
            help=f"subscribe in ownership.yaml, and run `contracts gen --service {named}`",
        )
    return named


def render_not_owner(event: str, owner: str, contact: str) -> str:
    """``ContentPublished is written only by content-api (team content, #team-content)``."""
    return f"{event.rpartition('.')[2]} is written only by {owner}{f' ({contact})' if contact else ''}"
