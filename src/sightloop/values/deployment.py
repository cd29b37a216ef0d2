"""A deployment: which versions of a project's models answer, and what share of the requests each has."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from sightloop.errors import Conflict


class Role(StrEnum):
    """What a version does in a deployment."""

    CHAMPION = "champion"
    CANARY = "canary"
    SHADOW = "shadow"


class Member(Struct, frozen=True, kw_only=True):
    """A version's role and its share of the answers (0 to 1; a shadow answers nobody and has none)."""

    role: Role
    version: int
    share: float


class Deployment(Struct, frozen=True, kw_only=True):
    """One revision of who answers for a project: exactly one champion, shares that add up to 1. Revisions only grow."""

    project: str
    revision: int
    members: tuple[Member, ...]
    actor: str = ""
    reason: str = ""
    at: str = ""

    def __post_init__(self) -> None:
        """Refuse two champions, none, one version twice, and shares that do not add up."""
        champions = [member for member in self.members if member.role is Role.CHAMPION]
        if len(champions) != 1:
            raise Conflict("a deployment has exactly one champion", got=str(len(champions)))
        if len({member.version for member in self.members}) != len(self.members):
            raise Conflict("a version stands twice in one deployment")
        if any(
            (member.share == 0) != (member.role is Role.SHADOW) or not 0 <= member.share <= 1 for member in self.members
        ):
            raise Conflict("a shadow has share 0, every other member a share above 0 and at most 1")
        if abs(sum(member.share for member in self.members) - 1) > 1e-9:
            raise Conflict("the shares of a deployment add up to 1")

    @property
    def champion(self) -> Member:
        """The version that the project stands behind."""
        return next(member for member in self.members if member.role is Role.CHAMPION)

    def choose(self, ticket: float) -> Member:
        """The member that answers the request with this ticket, a number in [0, 1) drawn evenly."""
        upto = 0.0
        for member in self.members:
            upto += member.share
            if ticket < upto:
                return member
        return self.champion
