"""An entry of the ledger: what was decided or done, bound by its hash to all that was written before it."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec
from msgspec import Struct

from sightloop.values.sample import digest_of

START = "0" * 64
"""What the first entry names as the hash before it."""


class Kind(StrEnum):
    """What an entry records."""

    DECISION = "decision"
    REGISTRATION = "registration"
    DEPLOYMENT = "deployment"
    PROMOTION = "promotion"
    ROLLBACK = "rollback"


class LedgerEntry(Struct, frozen=True, kw_only=True):
    """One entry: its place in the chain, the moment, the project, the kind, the facts, and the two hashes."""

    seq: int
    at: str
    project: str
    kind: str
    data: dict[str, Any]
    previous: str
    hash: str


def canonical(data: Any) -> str:
    """The one way to write plain values as JSON: no spaces, keys in order."""
    return msgspec.json.encode(data, order="sorted").decode()


def fingerprint(*, seq: int, at: str, project: str, kind: str, data: str, previous: str) -> str:
    """The SHA-256 of the canonical JSON of an entry without its hash; `data` is taken in letter by letter."""
    facts = msgspec.Raw(data.encode())
    rest = {"seq": seq, "at": at, "project": project, "kind": kind, "data": facts, "previous": previous}
    return digest_of(msgspec.json.encode(rest, order="sorted"))
