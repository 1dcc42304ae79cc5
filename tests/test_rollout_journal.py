"""The law of journals, told to the one in memory and to the one in git, with a remote and without one."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.errors import Refused
from registry.frozen import replace
from registry.rollout.errors import LostRace
from registry.rollout.journal.events import find_events_path
from registry.rollout.journal.git_journal import open_journal
from registry.rollout.journal.journal import TRIES, Book, Entry, Journal
from registry.rollout.states import State
from tests.examples_settings import EXAMPLES, settings
from tests.repo import Repository
from tests.rollout_documents import FULL, POD, STEP, enter, enter_deployment, find_contracts, plan
from tests.rollout_journal import MemoryJournal

Open = Callable[[], Journal]
"""Another operator's journal of the same state."""


@pytest.fixture(params=["memory", "git, shared by a remote", "git, two processes of one clone"])
def operator(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    if request.param == "memory":
        first = MemoryJournal()
        yield lambda: MemoryJournal(shared=first)
        return
    with ExitStack() as stack:
        here = Repository(tmp_path / "here")
        here.git("config", "user.name", "Ana")
        here.git("config", "user.email", "ana@example.org")
        here.commit("first")
        if "remote" in request.param:
            here.git("clone", "--quiet", "--bare", str(here.path), str(tmp_path / "remote.git"))
            here.git("remote", "add", "origin", str(tmp_path / "remote.git"))
            clones = (tmp_path / f"clone-{number}" for number in range(100))

            def open_clone() -> Journal:
                clone = Repository(tmp_path / "remote.git").clone(next(clones))
                clone.git("config", "user.name", "Ana")
                clone.git("config", "user.email", "ana@example.org")
                return stack.enter_context(open_journal(clone.path))

            yield open_clone
        else:
            yield lambda: stack.enter_context(open_journal(here.path))


def test_a_journal_that_nobody_wrote_to_is_empty(operator: Open) -> None:
    journal = operator()
    book = journal.read()
    assert book.commit == "" and not book.contents
    assert list(book.find_rollouts()) == [] and list(book.find_deployments("production")) == []
    assert book.find_rollout(STEP) is None
    assert journal.read_lines(find_events_path(STEP.path)) == ""


def test_what_one_writes_another_reads(operator: Open) -> None:
    ana, bo = operator(), operator()
    written = ana.write(ana.read(), enter(FULL))
    assert written.find_rollout(STEP) == FULL
    read = bo.read()
    assert (read.commit, read.contents) == (written.commit, written.contents)
    assert read.find_rollout(STEP) == FULL
    assert bo.read_lines(find_events_path(STEP.path)).count("\n") == 1


def test_a_book_stays_as_it_was_read(operator: Open) -> None:
    journal = operator()
    first = journal.write(journal.read(), enter(plan("a.A")))
    second = journal.write(first, enter(plan("b.B")))
    assert find_contracts(first) == ["a.A"]
    assert find_contracts(second) == ["a.A", "b.B"]


def test_events_are_put_at_the_end(operator: Open) -> None:
    journal = operator()
    book = journal.write(journal.read(), enter(plan("a.A")))
    book = journal.write(book, enter(plan("b.B")))
    journal.write(book, enter(plan("a.A", state=State.EXPANDING), State.PLANNED))
    lines = journal.read_lines(find_events_path(plan("a.A").step.path)).splitlines()
    assert ['"to": "planned"' in lines[0], '"from": "planned", "to": "expanding"' in lines[1]] == [True, True]
    assert len(lines) == 2
    assert not any(path.startswith("events/") for path in journal.read().contents)


def test_a_document_can_be_removed(operator: Open) -> None:
    journal = operator()
    book = journal.write(journal.read(), enter(plan("a.A")))
    book = journal.write(book, enter_deployment(POD))
    book = journal.write(book, Entry({POD.path: None}, {}, "edge-cache is no more"))
    assert list(book.contents) == list(journal.read().contents) == [plan("a.A").step.path]


def test_somebody_elses_subject_does_not_stand_in_the_way(operator: Open) -> None:
    ana, bo = operator(), operator()
    seen = ana.read()
    bo.write(bo.read(), enter(plan("b.B")))
    bo.write(bo.read(), enter(plan("c.C")))
    assert find_contracts(ana.write(seen, enter(plan("a.A")))) == ["a.A", "b.B", "c.C"]
    assert find_contracts(bo.read()) == ["a.A", "b.B", "c.C"]


def test_of_two_who_write_the_same_subject_one_wins(operator: Open) -> None:
    """S5: two operators at once."""
    ana, bo = operator(), operator()
    start = ana.write(ana.read(), enter(plan("a.A")))
    seen = bo.read()
    assert seen.commit == start.commit
    won = ana.write(start, enter(plan("a.A", state=State.EXPANDING)))
    with pytest.raises(LostRace) as caught:
        bo.write(seen, enter(plan("a.A", state=State.ABORTED)))
    message = caught.value.message
    assert message.startswith("rollouts/a.A/1-2/production.json was changed meanwhile by ")
    assert "ana@example.org" in message
    assert message.endswith("a.A 1 -> 2 in production: expanding by ana@example.org")
    assert caught.value.help.startswith("nothing was written or published")
    assert bo.read().commit == won.commit
    assert len(bo.read_lines(find_events_path(plan("a.A").step.path)).splitlines()) == 2


def test_two_who_write_the_very_same_do_not_both_win(operator: Open) -> None:
    ana, bo = operator(), operator()
    seen, also = ana.read(), bo.read()
    ana.write(seen, enter(plan("a.A")))
    with pytest.raises(LostRace):
        bo.write(also, enter(plan("a.A")))


@pytest.mark.parametrize(
    ("rival", "lost"),
    [
        (enter(plan("a.A", "staging")), True),
        (enter(plan("a.AB")), False),
        (enter_deployment(POD), False),
    ],
    ids=["another environment of the contract", "a contract whose name begins so", "a deployment"],
)
def test_what_a_decision_was_made_on_must_not_have_changed(operator: Open, rival: Entry, lost: bool) -> None:
    ana, bo = operator(), operator()
    seen = ana.read()
    bo.write(bo.read(), rival)
    entry = enter(plan("a.A"), depends="rollouts/a.A/")
    if lost:
        with pytest.raises(LostRace, match=r"rollouts/a\.A/1-2/staging\.json was changed meanwhile"):
            ana.write(seen, entry)
    else:
        ana.write(seen, entry)
    assert ("a.A" in [each.step.contract for each in bo.read().find_rollouts(environment="production")]) is not lost


def test_a_removal_is_a_change_too(operator: Open) -> None:
    ana, bo = operator(), operator()
    seen = ana.write(ana.read(), enter_deployment(POD))
    bo.write(bo.read(), Entry({POD.path: None}, {}, "edge-cache is no more"))
    with pytest.raises(LostRace, match=r"edge-cache\.json was changed meanwhile by .*: edge-cache is no more"):
        ana.write(seen, replace(enter(plan("a.A")), depends=lambda path: path.startswith("deployments/")))


def test_the_book_of_yesterday_can_be_written_on(operator: Open) -> None:
    """What is compared is what was read and what is there, however many entries lie between them."""
    ana, bo = operator(), operator()
    first = ana.write(ana.read(), enter(plan("a.A")))
    for state in (State.EXPANDING, State.ABORTED, State.PLANNED):
        bo.write(bo.read(), enter(replace(plan("b.B"), state=state)))
    changed = bo.write(bo.read(), enter(plan("a.A", state=State.EXPANDING)))
    bo.write(changed, enter(plan("a.A")))  # and back: the same bytes again
    assert ana.write(first, enter(plan("a.A", state=State.ABORTED))).commit


@pytest.mark.parametrize(
    "path",
    [
        "rollouts/a.A/1-2/prod/eu.json",
        "rollouts/a.A/1-2/../production.json",
        "rollouts/a.A/1-2/.json",
        "rollouts/a.A/1-2/.hidden.json",
        "rollouts/a.A/one-2/production.json",
        "/rollouts/a.A/1-2/production.json",
        "rollouts/a.A/1-2/pro\nduction.json",
        "rollouts/a.A/1-2/production.json\n",
        "rollouts/a.A/1-2/prod\\eu.json",
        "deployments/production/.git/config.json",
        "events/rollouts/a.A/1-2/production.jsonl",
        "README.md",
        "",
    ],
)
def test_what_is_no_file_of_a_journal_is_refused(path: str) -> None:
    journal = MemoryJournal()
    with pytest.raises(Refused, match="can be no file of the journal"):
        journal.write(journal.read(), Entry({path: b"{}"}, {}, "no"))
    with pytest.raises(Refused, match="can be no file of the journal"):
        journal.write(journal.read(), Entry({}, {path.replace(".jsonl", ".json"): "{}"}, "no"))
    assert journal.history == ()


def test_names_in_other_alphabets_and_with_at_signs_are_files(operator: Open) -> None:
    journal = operator()
    rollout = plan("größe.Ereignis", "staging@eu, the second")
    assert journal.write(journal.read(), enter(rollout)).find_rollout(rollout.step) == rollout
    assert operator().read().find_rollout(rollout.step) == rollout


# The one in memory alone ----------------------------------------------------------------------------------------------


def test_a_rival_can_be_let_in_before_a_write() -> None:
    ana = MemoryJournal()
    bo = MemoryJournal("bo@example.org", shared=ana)
    ana.before_write = lambda: bo.write(bo.read(), enter(plan("a.A")))
    with pytest.raises(LostRace, match="by bo@example"):
        ana.write(ana.read(), enter(plan("a.A")))
    ana.write(ana.read(), enter(plan("a.A", state=State.EXPANDING)))
    assert len(ana.history) == 2


def test_a_crash_before_a_write_leaves_nothing_and_one_after_it_all() -> None:
    def crash() -> None:
        raise KeyboardInterrupt

    ana = MemoryJournal()
    ana.before_write = crash
    with pytest.raises(KeyboardInterrupt):
        ana.write(ana.read(), enter(plan("a.A")))
    assert ana.history == ()
    ana.after_write = crash
    with pytest.raises(KeyboardInterrupt):
        ana.write(ana.read(), enter(plan("a.A")))
    assert find_contracts(ana.read()) == ["a.A"]


def test_others_who_are_always_faster_are_given_way_to() -> None:
    ana = MemoryJournal()
    bo = MemoryJournal(shared=ana)
    names = iter(range(1000))
    ana.on_write = lambda: bo.write(bo.read(), enter(plan(f"b.B{next(names)}")))
    with pytest.raises(LostRace, match=f"others wrote to the journal {TRIES} times"):
        ana.write(ana.read(), enter(plan("a.A")))
    assert len(ana.history) == TRIES


# Both side by side ----------------------------------------------------------------------------------------------------

_actions = st.tuples(
    st.integers(0, 1),  # who
    st.sampled_from(["read", "write", "remove"]),
    st.sampled_from(["a.A", "a.B", "b.B"]),
    st.sampled_from(["staging", "production"]),
    st.sampled_from(list(State)),
    st.sampled_from(["", "rollouts/a.A/", "rollouts/", "deployments/"]),
)


@given(st.lists(_actions, min_size=2, max_size=12))
@settings(EXAMPLES // 20)
def test_git_and_memory_come_to_the_same(actions: list[tuple[int, str, str, str, State, str]]) -> None:
    """Two operators do as they like, often on a book of yesterday: the same entries win in both journals."""
    with TemporaryDirectory() as folder, ExitStack() as stack:
        place = Repository(Path(folder)).path
        memory = MemoryJournal()
        law: list[Journal] = [memory, MemoryJournal(shared=memory)]
        real: list[Journal] = [stack.enter_context(open_journal(place)) for _ in law]
        books = [[journal.read() for journal in each] for each in (law, real)]
        for who, what, contract, environment, state, depends in actions:
            entry = enter(plan(contract, environment, state=state), depends=depends)
            if what == "remove":
                entry = replace(entry, changes=dict.fromkeys(entry.changes))
            outcomes = []
            for journal, held in ((law[who], books[0]), (real[who], books[1])):
                try:
                    held[who] = journal.read() if what == "read" else journal.write(held[who], entry)
                    outcomes.append("done")
                except LostRace as error:
                    outcomes.append(error.message.partition(" by ")[0])
            assert outcomes[0] == outcomes[1]
            assert books[0][who].contents == books[1][who].contents
        assert law[0].read().contents == real[0].read().contents
        for path in (find_events_path(path) for path in law[0].read().contents):
            assert law[0].read_lines(path) == real[1].read_lines(path)


# Books ----------------------------------------------------------------------------------------------------------------


def test_a_book_finds_by_contract_and_environment_in_order() -> None:
    journal = MemoryJournal()
    book = journal.read()
    chain = [replace(plan("a.A"), step=replace(STEP, contract="a.A", old=old, new=old + 1)) for old in (9, 10, 1)]
    for rollout in (plan("b.B"), *chain, plan("a.A", "staging"), plan("a.Aa")):
        book = journal.write(book, enter(rollout))
    found = [str(each.step) for each in book.find_rollouts("a.A")]
    assert found == [
        "a.A 1 -> 2 in production",
        "a.A 1 -> 2 in staging",
        "a.A 9 -> 10 in production",
        "a.A 10 -> 11 in production",
    ]
    assert [each.step.contract for each in book.find_rollouts(environment="staging")] == ["a.A"]
    assert find_contracts(book)[-2:] == ["a.Aa", "b.B"]


def test_documents_are_parsed_when_they_are_asked_for() -> None:
    """A broken document of another contract stops nobody."""
    book = Book(
        "1", {plan("a.A").step.path: b"{", plan("b.B").step.path: enter(plan("b.B")).changes[plan("b.B").step.path]}
    )
    assert [each.step.contract for each in book.find_rollouts("b.B")] == ["b.B"]
