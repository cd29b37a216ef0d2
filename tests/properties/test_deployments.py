"""Whatever is registered, promoted and rolled back in whatever order: one champion, always, and a way back."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from sightloop.errors import Conflict
from sightloop.store import deployments, versions
from sightloop.store.database import Database
from sightloop.values.deployment import Member, Role
from sightloop.values.package import Package, Parity
from sightloop.values.recipe import Input
from sightloop.values.version import Verdict

CARD = Package(
    project="digits",
    task="classification",
    classes=("0", "1"),
    input=Input(kind="image", height=28, width=28),
    trainer="keras",
    embedding=64,
    temperature=1.0,
    parity=Parity(samples=8, max_difference=0.0, limit=1e-4),
    files={},
)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A migrated database of either kind."""
    sqlite = request.param == "sqlite"
    database = Database(f"sqlite:///{tmp_path}/sightloop.db" if sqlite else request.getfixturevalue("postgres_url"))
    database.migrate()
    yield database
    database.close()


class Rollout(RuleBasedStateMachine):
    """A project beside a model of it: the champions that there were, without those that were rolled back from."""

    database: Database

    def __init__(self) -> None:
        super().__init__()
        self.project = f"p-{uuid.uuid4().hex}"
        self.verdicts: list[Verdict] = []
        self.champions: list[int] = []
        self.revision = 0

    @rule(verdict=st.sampled_from(Verdict))
    def register(self, verdict: Verdict) -> None:
        """A run ends with a version."""
        with self.database.write() as c:
            version = versions.register(c, self.project, CARD.digest, CARD, verdict, "the gate's reason")
        self.verdicts.append(verdict)
        assert version.number == len(self.verdicts)

    @precondition(lambda self: self.verdicts)
    @rule(data=st.data(), force=st.booleans())
    def promote(self, data: st.DataObject, force: bool) -> None:
        """A person, or the loop, promotes any version."""
        number = data.draw(st.integers(1, len(self.verdicts)))
        allowed = force or self.verdicts[number - 1] is Verdict.ACCEPTED
        try:
            with self.database.write() as c:
                deployments.promote(c, self.project, number, "ann", "", force=force, licences=frozenset())
        except Conflict:
            assert not allowed
        else:
            assert allowed
            self.champions += [number] if self.champions[-1:] != [number] else []

    @rule()
    def rollback(self) -> None:
        """A person goes back."""
        try:
            with self.database.write() as c:
                deployments.rollback(c, self.project, "ann", "")
        except Conflict:
            assert len(self.champions) < 2
        else:
            self.champions.pop()

    @precondition(lambda self: len(self.verdicts) > 1)
    @rule(roles=st.lists(st.sampled_from(Role), min_size=2, max_size=2))
    def deploy(self, roles: list[Role]) -> None:
        """Something puts two members in charge, sensibly or not."""
        shares = {Role.CHAMPION: 0.5, Role.CANARY: 0.5, Role.SHADOW: 0.0}
        members = [Member(role=role, version=place, share=shares[role]) for place, role in enumerate(roles, start=1)]
        try:
            with self.database.write() as c:
                deployments.deploy(c, self.project, members, "ann", "")
        except Conflict:
            assert sorted(roles) != [Role.CANARY, Role.CHAMPION]
        else:
            number = roles.index(Role.CHAMPION) + 1
            self.champions += [number] if self.champions[-1:] != [number] else []

    @invariant()
    def one_champion_answers(self) -> None:
        """Two champions or none cannot be, revisions only grow, and the champion is the expected one."""
        with self.database.read() as c:
            current = deployments.current(c, self.project)
            history = deployments.history(c, self.project)
        assert (current is None) == (not self.champions)
        assert [found.revision for found in history] == list(range(len(history), 0, -1))
        if current is not None:
            assert [m.version for m in current.members if m.role is Role.CHAMPION] == self.champions[-1:]
            assert current.revision >= self.revision
            self.revision = current.revision


def test_no_sequence_of_changes_leaves_two_champions_or_none(database: Database) -> None:
    class Here(Rollout):
        """The machine on this database."""

    Here.database = database
    run_state_machine_as_test(Here, settings=settings(max_examples=25, stateful_step_count=20, deadline=None))
