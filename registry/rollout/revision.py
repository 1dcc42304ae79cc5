"""One commit of the repository, read for rollouts: the facts of any contract are made from it."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cached_property
from hashlib import sha256

from registry.catalog import Layout, Shelf, layout_of, read_released
from registry.change import Reader, read_texts, read_upgrade, read_version
from registry.contract import Catalog, Contract, Ownership, Policy, Terms, Version
from registry.environment import Cluster, Environment
from registry.errors import InvalidSchema, Refused
from registry.formats import format_of
from registry.frozen import replace
from registry.git import Repo, Snapshot
from registry.kafka.consuming.dead_letters import dead_letter_topic
from registry.policy import PLACE
from registry.rollout.broker import Wanted
from registry.rollout.facts import Facts
from registry.rollout.keys import explain_key
from registry.rollout.lazy import Late, LateSet, Lazy
from registry.rollout.readings import Parsed, explain_reading
from registry.rules.parties import nearest
from registry.rules.pins import UPGRADE, find_writers
from registry.serde.bundle import BundledVersion


def read_revision(
    repo: Repo, variables: Mapping[str, str], *, root: str = "contracts", ref: str = "HEAD"
) -> "Revision":
    """What a commit has signed and released. A released version is one that is committed: the work tree is not read.

    ``variables`` are the process's, for the place of the cache. Raises :class:`registry.errors.RegistryError` for a
    revision that is not there, a repository without ownership.yaml, and files that cannot be read.
    """
    layout = layout_of(root)
    commit = repo.resolve(ref)
    snapshot = repo.read_revision(commit, ref, layout.under)
    shelf = Shelf(repo, variables)
    catalog = read_released(shelf, snapshot, layout)
    if flaws := (*catalog.ownership.flaws, *catalog.policy.flaws):
        raise InvalidSchema(flaws)
    if not catalog.ownership.present:
        help_ = "go to the repository of the contracts, or begin one with: contracts init"
        raise Refused(f"there is no ownership.yaml in {ref}, so nobody writes or reads anything", help_)
    return Revision(snapshot, shelf, layout, catalog)


class Revision:
    """One commit; keep its repository open as long as facts are asked of it."""

    def __init__(self, snapshot: Snapshot, shelf: Shelf, layout: Layout, catalog: Catalog) -> None:
        self._snapshot = snapshot
        self._shelf = shelf
        self._layout = layout
        self._catalog = catalog
        self._reader = Reader(shelf)

    @property
    def commit(self) -> str:
        """Its full id."""
        return self._snapshot.commit

    @property
    def ownership(self) -> Ownership:
        """Who writes and reads what."""
        return self._catalog.ownership

    @property
    def policy(self) -> Policy:
        """The law, with the environments that are declared."""
        return self._catalog.policy

    @property
    def contracts(self) -> Mapping[str, Contract]:
        """Every event with its versions, by full name; their heads are not read."""
        return self._catalog.contracts

    def find_event(self, name: str) -> str:
        """The full name of an event, given in full or short. Raises :class:`Refused` for none, and for several."""
        if name in self.contracts:
            return name
        short = [full for full in self.contracts if full.rpartition(".")[2] == name]
        if len(short) == 1:
            return short[0]
        if short:
            raise Refused(f"{name} is the short name of {len(short)} events", f"write {short[0]} in full")
        near = {full.rpartition(".")[2]: full for full in self.contracts} | {full: full for full in self.contracts}
        raise Refused(f"{name} is no event of ownership.yaml", nearest(name, near, "contracts owners  lists them"))

    def find_environment(self, name: str, brokers: str = "") -> Environment:
        """The environment as the policy declares it; otherwise with the defaults, and ``brokers`` as cluster ``main``.

        Raises :class:`Refused` for a name that no path can hold, and for one that looks like a slip.
        """
        declared = self.policy.environments
        if name in declared:
            found = declared[name]
            return _with_brokers(found, brokers)
        if not re.fullmatch(PLACE, name):
            raise Refused(f"{name!r} cannot be an environment", "letters, digits, '.', '_' and '-': production")
        if near := get_close_matches(name, declared, 1, 0.8):
            help_ = f"did you mean {near[0]!r}? Otherwise declare it: `environments: {{{name}: {{}}}}`"
            raise Refused(f"{name} is no environment of {self.policy.at.path}", help_)
        return _with_brokers(Environment(name), brokers)

    def read_facts(self, event: str, environment: Environment) -> Facts:
        """What is to be known of one contract, by its full name.

        Raises :class:`InvalidSchema` for a released version that is damaged. What readings, keys and bundled versions
        raise when they are asked for is the same.
        """
        contract = self.contracts.get(event)
        if contract is None:
            raise Refused(f"{event} is no event of ownership.yaml", nearest(event, self.contracts, ""))
        if flaws := [flaw for version in contract.readable for flaw in version.flaws]:
            raise InvalidSchema(flaws)
        versions = {version.number: version for version in contract.readable}
        numbers = tuple(versions)
        terms = contract.terms
        parsed = Lazy(numbers, lambda number: self._parse(event, versions[number]))
        return Facts(
            contract=event,
            environment=environment,
            terms=terms,
            services=self.ownership.services,
            versions={number: _fingerprint(version) for number, version in versions.items()},
            readings=Lazy(
                [(reader, writer) for reader in numbers for writer in numbers],
                lambda pair: explain_reading(*pair, numbers, parsed.__getitem__, self.policy),
            ),
            keys=Lazy(numbers, lambda each: explain_key(terms.key if terms else "", each, numbers, parsed.__getitem__)),
            bundled=Lazy(numbers, lambda number: self._bundle(parsed[number])),
            wanted=self._find_wanted(contract),
            dead_letters=_find_dead_letters(terms),
            parties=self._find_parties(contract),
            commit=self.commit,
        )

    @cached_property
    def _neighbours(self) -> Mapping[str, list[str]]:
        """Topic to the events that are written to it."""
        found: dict[str, list[str]] = defaultdict(list)
        for event, terms in self.ownership.terms.items():
            if terms.topic:
                found[terms.topic].append(event)
        return found

    def _find_events(self, contract: Contract) -> list[Contract]:
        """The contract, and the others of its topic."""
        topic = contract.terms.topic if contract.terms else ""
        return [contract, *(self.contracts[n] for n in self._neighbours.get(topic, ()) if n != contract.name)]

    def _find_parties(self, contract: Contract) -> frozenset[str]:
        signed = [each.terms for each in self._find_events(contract) if each.terms]
        writers = {writer for terms in signed for writer in find_writers(self.ownership, terms)}
        return frozenset(writers | {each.service for terms in signed for each in terms.subscribers})

    def _find_wanted(self, contract: Contract) -> Wanted:
        """Its own versions, the retired ones too while their folders are there, and what else the topic holds.

        A record that is framed as a single object names its schema by what each of them has to be parsed for.
        """
        own, *others = self._find_events(contract)
        numbers = Late(lambda: dict(self._find_writers(own)))
        return Wanted(
            contract.name,
            numbers,
            LateSet(lambda: {key for each in others for key, _ in self._find_writers(each)} - numbers.keys()),
        )

    def _find_writers(self, contract: Contract) -> Iterator[tuple[int | str, int]]:
        """What a record may name as its schema, and the number of that version."""
        crcs: dict[str, list[int]] = defaultdict(list)
        for version in contract.versions:
            if version.flaws:
                continue
            yield version.schema_id, version.number
            yield version.guid.lower(), version.number
            if format_of(version.root) == "avro":
                crcs[self._find_crc(contract.name, version)].append(version.number)
        # Versions that differ in defaults alone share theirs: such a record is of no version that anybody could name.
        yield from ((crc, numbers[0]) for crc, numbers in crcs.items() if len(numbers) == 1)

    def _find_crc(self, event: str, version: Version) -> str:
        """Avro's own fingerprint, as 16 hex digits."""
        from registry.formats.avro import crc64, parsing_canonical_form

        return f"{crc64(parsing_canonical_form(self._parse(event, version).schema)):016x}"

    def _parse(self, event: str, version: Version) -> Parsed:
        folder = self._layout.join("versions", event, str(version.number))
        self._shelf.fetch(self._snapshot, [f"{folder}/{path}" for path in version.files])
        read = read_version(self._reader, self._layout, event, version)
        if read.schema is None:
            raise InvalidSchema(read.flaws)
        upgrade = None
        if UPGRADE in version.files:
            upgrade = read_upgrade(self._shelf, f"{folder}/{UPGRADE}", version.files[UPGRADE])
        return Parsed(version, read.schema, upgrade)

    def _bundle(self, parsed: Parsed) -> BundledVersion:
        version, descriptors = parsed.version, b""
        if parsed.schema.format == "protobuf":
            from registry.codegen.protobuf import strip_sources

            descriptors = strip_sources(parsed.schema.descriptors)
        return BundledVersion(
            number=version.number,
            schema_id=version.schema_id,
            guid=version.guid,
            root=version.root,
            files=read_texts(self._shelf, version),
            descriptors=descriptors,
            upgrade=parsed.upgrade.text if parsed.upgrade else "",
        )


def _with_brokers(environment: Environment, brokers: str) -> Environment:
    """What is declared was reviewed, the want of a cluster too: no option of a command replaces it."""
    if environment.clusters or environment.brokerless or not brokers:
        return environment
    return replace(environment, clusters=(Cluster("main", brokers),))


def _fingerprint(version: Version) -> str:
    """Of all that the folder holds: an edit of a comment, of converters or of version.yaml is an edit."""
    facts = [f"{version.fingerprint} {version.guid} {version.schema_id} {version.root}"]
    return sha256("\n".join([*facts, *(f"{blob} {path}" for path, blob in version.files.items())]).encode()).hexdigest()


def _find_dead_letters(terms: Terms | None) -> tuple[str, ...]:
    services = dict.fromkeys(subscriber.service for subscriber in terms.subscribers) if terms else {}
    return tuple(dead_letter_topic(service) for service in services)
