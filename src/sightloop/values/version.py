"""A model version: a package under a number in its project, with where it came from and what was decided of it."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from sightloop.values.package import Package


class Verdict(StrEnum):
    """What the gate decided: accepted versions may serve, refused ones are kept with the reason."""

    ACCEPTED = "accepted"
    REFUSED = "refused"


class ModelVersion(Struct, frozen=True, kw_only=True):
    """A registered version; `package` is the digest under which the package's card lies in the blob store."""

    project: str
    number: int
    package: str
    card: Package
    verdict: Verdict
    reason: str
    run: str | None
    at: str
