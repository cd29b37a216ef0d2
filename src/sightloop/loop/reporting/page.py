"""The page of an evaluation: one HTML file that fetches nothing, for a browser, a mail, or MLflow's artifacts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from sightloop.errors import MissingExtra
from sightloop.loop.judging.decision import Decision
from sightloop.loop.reporting import figures
from sightloop.loop.reporting.pictures import HardPicture, hardest_pictures
from sightloop.loop.samples.arrays import targets
from sightloop.store.blobs import Blobs
from sightloop.tasks import scoring, thumbnails
from sightloop.values.dataset import Entry, Manifest
from sightloop.values.package import Package
from sightloop.values.scores import Bin, DetectionScores

POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; sandbox"
)
"""The Content-Security-Policy to serve a page with: no script, nothing fetched; styles stand in its figures too."""

_MISTAKES = 24
_PICTURES = 6
_SHARED = (("precision", "precision"), ("recall", "recall"))
_COLUMNS = (*_SHARED, ("f1", "F1"))
_TILES = (("accuracy", "accuracy"), *_COLUMNS, ("ece", "calibration error"), ("loss", "log loss"))
_BOXED_COLUMNS = (("ap50", "AP at overlap 0.5"), ("ap", "AP, 0.5 to 0.95"), *_SHARED)
_BOXED_TILES = (("map50", "mAP at overlap 0.5"), ("map", "mAP, 0.5 to 0.95"), *_SHARED)


@dataclass(frozen=True, eq=False)
class Evaluated:
    """What a page tells of: a package's answers (N, classes) to these entries (N), and where all of it came from.

    A detector's answers are None; its `boxes` (M, 7) are as in `BoxReport.sure`, None where nobody kept them.

    `data` are the samples of all sides. `facts` are further lines on the origin. `rival` are the champion's scores on
    the same samples, by name.
    """

    name: str
    card: Package
    scores: figures.Judged
    answers: NDArray[np.float32] | None
    entries: Sequence[Entry]
    data: Manifest
    facts: Mapping[str, object]
    curves: figures.Curves = ()
    decision: Decision | None = None
    boxes: NDArray[np.float32] | None = None
    rival: Mapping[str, float] = field(default_factory=dict)


class Mistake(Struct, frozen=True, kw_only=True):
    """A wrong answer: the sample as a picture (a `data:` URL), its class, what was answered instead, and how sure."""

    sample: str
    picture: str
    label: str
    answer: str
    confidence: float
    given: float


def render(evaluated: Evaluated, blobs: Blobs) -> str:
    """The page; what people named, as classes, is escaped. Raises MissingExtra without Jinja or matplotlib."""
    try:
        from jinja2 import Environment, StrictUndefined
        from markupsafe import Markup

        drawn = figures.inline(evaluated.scores, evaluated.curves, evaluated.data, _bins(evaluated))
    except ImportError as error:
        raise MissingExtra(f"a report needs {error.name}", hint="Install `sightloop[train]`.") from error
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    template = resources.files("sightloop.loop.reporting").joinpath("page.html").read_text(encoding="utf-8")
    boxed = isinstance(evaluated.scores, DetectionScores)
    return environment.from_string(template).render(
        it=evaluated,
        policy=POLICY.partition("; frame-ancestors")[0],  # the rest counts in a header only
        facts=_facts(evaluated),
        figures={name: Markup(svg) for name, svg in drawn.items()},  # noqa: S704 - matplotlib escapes its texts
        mistakes=hardest(evaluated, blobs, _MISTAKES),
        wrong=_wrong(evaluated),
        hard=_hard(evaluated, blobs),
        tiles=_BOXED_TILES if boxed else _TILES,
        columns=_BOXED_COLUMNS if boxed else _COLUMNS,
    )


def hardest(evaluated: Evaluated, blobs: Blobs, most: int) -> list[Mistake]:
    """The wrong answers that gave the true class the least, the worst first; samples of no known class are left out."""
    card, answers = evaluated.card, evaluated.answers
    if answers is None:
        return []
    truth = targets(evaluated.entries, card.classes)
    given = answers[np.arange(len(truth)), truth]
    wrong = np.flatnonzero((truth >= 0) & (answers.argmax(axis=1) != truth))
    found = []
    for row in wrong[np.argsort(given[wrong], kind="stable")][:most]:
        entry, answer = evaluated.entries[row], int(answers[row].argmax())
        content = blobs.read(entry.place, entry.digest)
        found.append(
            Mistake(
                sample=entry.digest,
                picture=thumbnails.url(content, card.input.kind),
                label=entry.label,
                answer=card.classes[answer],
                confidence=float(answers[row, answer]),
                given=float(given[row]),
            )
        )
    return found


def _hard(evaluated: Evaluated, blobs: Blobs) -> list[HardPicture] | None:
    if evaluated.boxes is None:
        return None
    return hardest_pictures(evaluated.boxes, evaluated.entries, evaluated.card.classes, blobs, _PICTURES)


def _bins(evaluated: Evaluated) -> list[Bin]:
    if evaluated.answers is None:
        return []
    truth = targets(evaluated.entries, evaluated.card.classes)
    return scoring.reliability(evaluated.answers[truth >= 0], truth[truth >= 0])


def _wrong(evaluated: Evaluated) -> int | None:
    if evaluated.answers is None:
        return None
    return int((evaluated.answers.argmax(axis=1) != targets(evaluated.entries, evaluated.card.classes)).sum())


def _facts(evaluated: Evaluated) -> dict[str, object]:
    card = evaluated.card
    told = dict(evaluated.facts) | {
        "Trained on": f"manifest {card.dataset}" if card.dataset else "",
        "Trainer": f"{card.trainer}, epochs {card.epochs}, seed {card.seed}",
        "Code": card.code,
        "Packaged": card.created[:19],
        "Temperature": f"{card.temperature:.4g}",
        "Parity": f"{card.parity.max_difference:.2g} at most from its framework, on {card.parity.samples} samples",
        "Not reproducible": card.reproducible,
        "Licence of the weights": card.licence,
    }
    return {name: fact for name, fact in told.items() if fact}
