"""A dataset version: which samples with which labels on which side, fixed for ever and named by its content."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from sightloop.errors import BadData
from sightloop.values.sample import Place, Side, digest_of


class Entry(Struct, frozen=True, kw_only=True):
    """One sample of a dataset version, with the class that it had when the version was frozen."""

    digest: str
    label: str
    side: Side
    place: Place


class Manifest(Struct, frozen=True, kw_only=True):
    """All samples of a version, ordered by digest, so that the same samples and labels give the same bytes."""

    project: str
    classes: tuple[str, ...]
    entries: tuple[Entry, ...]

    def __post_init__(self) -> None:
        """Refuse disorder, since the manifest's bytes are its name."""
        digests = [entry.digest for entry in self.entries]
        if digests != sorted(set(digests)):
            raise BadData("a manifest lists each sample once, ordered by digest")

    def to_bytes(self) -> bytes:
        """The manifest as JSON, always the same bytes for the same content."""
        return msgspec.json.encode(self)

    @classmethod
    def from_bytes(cls, data: bytes) -> Manifest:
        """The manifest in the bytes of `to_bytes`."""
        return msgspec.json.decode(data, type=cls)

    @property
    def digest(self) -> str:
        """The SHA-256 of the manifest's bytes."""
        return digest_of(self.to_bytes())

    def on(self, side: Side) -> tuple[Entry, ...]:
        """The entries on one side."""
        return tuple(entry for entry in self.entries if entry.side == side)


class DatasetVersion(Struct, frozen=True, kw_only=True):
    """A frozen version: its number in the project, the blob of its manifest, and how many samples each side has."""

    project: str
    number: int
    manifest: str
    counts: dict[str, int]
    at: str
