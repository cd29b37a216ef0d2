"""Deployments: an illegal one cannot be made, and shares are honoured."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightloop.errors import Conflict
from sightloop.values.deployment import Deployment, Member, Role


def deployment(*members: tuple[Role, int, float]) -> Deployment:
    return Deployment(
        project="digits",
        revision=1,
        members=tuple(Member(role=role, version=version, share=share) for role, version, share in members),
    )


@pytest.mark.parametrize(
    "members",
    [
        [],
        [(Role.CANARY, 1, 1.0)],
        [(Role.CHAMPION, 1, 0.5), (Role.CHAMPION, 2, 0.5)],
        [(Role.CHAMPION, 1, 0.5), (Role.CANARY, 1, 0.5)],
        [(Role.CHAMPION, 1, 0.9)],
        [(Role.CHAMPION, 1, 1.0), (Role.SHADOW, 2, 0.1)],
        [(Role.CHAMPION, 1, 1.0), (Role.CANARY, 2, 0.0)],
        [(Role.CHAMPION, 1, 1.5), (Role.CANARY, 2, -0.5)],
    ],
)
def test_an_illegal_deployment_cannot_exist(members: list[tuple[Role, int, float]]) -> None:
    with pytest.raises(Conflict):
        deployment(*members)


@given(share=st.floats(0.01, 0.99), ticket=st.floats(0, 1, exclude_max=True))
def test_a_ticket_below_the_champions_share_is_the_champions(share: float, ticket: float) -> None:
    both = deployment((Role.CHAMPION, 1, share), (Role.CANARY, 2, 1 - share))
    assert both.choose(ticket).version == (1 if ticket < share else 2)


def test_a_shadow_never_answers() -> None:
    shadowed = deployment((Role.CHAMPION, 1, 1.0), (Role.SHADOW, 2, 0.0))
    assert {shadowed.choose(ticket / 100).version for ticket in range(100)} == {1}
