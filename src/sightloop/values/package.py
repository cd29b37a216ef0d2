"""The model package: a folder with `model.onnx`, `golden.npz` and `package.json`, which every trainer ends in.

The graph takes raw input (uint8 RGB pixels (N, H, W, 3), or float32 landmarks (N, 21, 3)) under the name `input` and
gives its answer and `embedding` (N, dims), both float32. A classifier's answer is `probabilities` (N, classes); a
detector's is `detections` (N, K, 6): x1, y1, x2, y2 in pixels of the input, score, and the class's index, the surest
first, filled up with rows of score 0. Normalisation, calibration, the decoding of boxes and the suppression of
overlapping ones are inside. `golden.npz` holds a few inputs with the answers that they must get, as arrays of the same
three names.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

from sightloop.errors import PackageRefused
from sightloop.values.recipe import Input
from sightloop.values.sample import digest_of
from sightloop.values.scores import DetectionScores, Scores

GRAPH = "model.onnx"
GOLDEN = "golden.npz"
CARD = "package.json"
INPUT, PROBABILITIES, DETECTIONS, EMBEDDING = "input", "probabilities", "detections", "embedding"


class Parity(Struct, frozen=True, kw_only=True):
    """How far the package's answers were from the framework's on real samples; above `limit` it is refused."""

    samples: int
    max_difference: float
    limit: float


class Package(Struct, frozen=True, kw_only=True):
    """What `package.json` says of a model; `files` maps the names of the other files to their SHA-256.

    `scores` are a classifier's, `detection` a detector's; boxes of a lower score than `threshold` are not answered.
    `answer` is the name of the graph's answer.
    """

    project: str
    task: str
    classes: tuple[str, ...]
    input: Input
    trainer: str
    embedding: int
    temperature: float
    parity: Parity
    files: dict[str, str]
    scores: Scores | None = None
    detection: DetectionScores | None = None
    threshold: float = 0.0
    answer: str = PROBABILITIES
    commands: dict[str, str] = {}
    dataset: str = ""
    code: str = ""
    seed: int = 0
    epochs: int = 0
    licence: str = "Apache-2.0"
    reproducible: str = ""
    created: str = ""
    format: int = 1

    @property
    def numbers(self) -> dict[str, float]:
        """The scores by name; none where the model was not scored."""
        scores = self.scores or self.detection
        return {} if scores is None else scores.flat()

    def refuse_licence(self, allowed: frozenset[str]) -> None:
        """Raise PackageRefused where licences are `allowed` and the weights' is none of them."""
        if allowed and self.licence not in allowed:
            raise PackageRefused(
                f"the licence of this model of {self.project} is not allowed here",
                expected=" or ".join(sorted(allowed)),
                got=self.licence,
                hint="Train it with another trainer, or add the licence to SIGHTLOOP_ALLOWED_LICENCES.",
            )

    def scored(self, scores: Scores | DetectionScores) -> Package:
        """The card with these scores."""
        if isinstance(scores, Scores):
            return msgspec.structs.replace(self, scores=scores)
        return msgspec.structs.replace(self, detection=scores)

    def to_bytes(self) -> bytes:
        """The card as JSON, indented for people."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2)

    @classmethod
    def from_bytes(cls, data: bytes) -> Package:
        """The card in JSON bytes. Raises PackageRefused for anything else."""
        try:
            return msgspec.json.decode(data, type=cls)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise PackageRefused(f"{CARD} cannot be read: {error}") from error

    @property
    def digest(self) -> str:
        """The package's name: the SHA-256 of its card, which carries the SHA-256 of every other file."""
        return digest_of(self.to_bytes())


class Sealed(Struct, frozen=True):
    """A whole package in memory, every file checked against the card."""

    card: Package
    graph: bytes
    golden: bytes

    def __post_init__(self) -> None:
        """Refuse files that are not the ones the card speaks of."""
        for name, data in ((GRAPH, self.graph), (GOLDEN, self.golden)):
            expected, got = self.card.files.get(name), digest_of(data)
            if expected != got:
                raise PackageRefused(
                    f"{name} is not the file that {CARD} names",
                    expected=f"SHA-256 {expected}",
                    got=got,
                    hint="The package was altered or damaged; train or import it again.",
                )

    @classmethod
    def read(cls, folder: Path) -> Sealed:
        """The package in a folder, checked."""
        try:
            card = Package.from_bytes((folder / CARD).read_bytes())
            return cls(card, (folder / GRAPH).read_bytes(), (folder / GOLDEN).read_bytes())
        except FileNotFoundError as error:
            raise PackageRefused(f"{folder} is no model package: {error.filename} is missing") from error

    def write(self, folder: Path) -> None:
        """Write the package as a folder of three files."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / GRAPH).write_bytes(self.graph)
        (folder / GOLDEN).write_bytes(self.golden)
        (folder / CARD).write_bytes(self.card.to_bytes())
