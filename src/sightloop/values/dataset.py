"""A dataset version: which samples with which labels on which side, fixed for ever and named by its content."""

from __future__ import annotations

from collections import Counter

import msgspec
from msgspec import Struct

from sightloop.errors import BadData
from sightloop.values.box import Box, described
from sightloop.values.sample import Place, Side, digest_of


class Entry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One sample of a dataset version, with the class or the boxes that it had when the version was frozen.

    `boxes` is None for a sample that has a class; a manifest without boxes has the bytes that it always had.
    """

    digest: str
    label: str
    side: Side
    place: Place
    boxes: tuple[Box, ...] | None = None

    @property
    def said(self) -> str:
        """The class, or how many boxes of each."""
        return self.label if self.boxes is None else described(self.boxes)

    @property
    def labels(self) -> tuple[str, ...]:
        """The sample's class, or the class of each of its boxes."""
        return (self.label,) if self.boxes is None else tuple(box.label for box in self.boxes)


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


class Relabelled(Struct, frozen=True, kw_only=True):
    """A sample that two versions have under different labels, or with different boxes."""

    digest: str
    was: str
    now: str


class Difference(Struct, frozen=True, kw_only=True):
    """What changed from one version to another, each part ordered by digest."""

    added: tuple[Entry, ...]
    removed: tuple[Entry, ...]
    relabelled: tuple[Relabelled, ...]

    @classmethod
    def between(cls, old: Manifest, new: Manifest) -> Difference:
        """The difference that makes `new` of `old`."""
        before = {entry.digest: entry for entry in old.entries}
        after = {entry.digest: entry for entry in new.entries}
        return cls(
            added=tuple(entry for digest, entry in after.items() if digest not in before),
            removed=tuple(entry for digest, entry in before.items() if digest not in after),
            relabelled=tuple(
                Relabelled(digest=digest, was=before[digest].said, now=entry.said)
                for digest, entry in after.items()
                if digest in before and (before[digest].label, before[digest].boxes) != (entry.label, entry.boxes)
            ),
        )

    def by_class(self) -> dict[str, dict[str, int]]:
        """For each class that changed, how many samples were added, removed, and relabelled from and to it."""
        counts = {
            "added": Counter(entry.said for entry in self.added),
            "removed": Counter(entry.said for entry in self.removed),
            "relabelled_from": Counter(sample.was for sample in self.relabelled),
            "relabelled_to": Counter(sample.now for sample in self.relabelled),
        }
        changed = sorted(set().union(*counts.values()))
        return {label: {kind: count[label] for kind, count in counts.items()} for label in changed}


class DatasetVersion(Struct, frozen=True, kw_only=True):
    """A frozen version: its number in the project, the blob of its manifest, and how many samples each side has.

    `archive` is the MD5 under which DVC has its packed content, or None where nobody asked for that.
    """

    project: str
    number: int
    manifest: str
    counts: dict[str, int]
    at: str
    archive: str | None = None
