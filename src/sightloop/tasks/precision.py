"""Average precision of boxes, as COCO defines it (Lin et al., 2014): matched by pycocotools, averaged with weights.

A weight for each picture makes the bootstrap over pictures quick: they are matched once, and averaged a thousand times.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightloop.errors import BadData
from sightloop.tasks.detection import MOST
from sightloop.values.scores import BoxScores, DetectionScores

THRESHOLDS = np.linspace(0.5, 0.95, 10)
"""The overlaps (intersection over union) from which a box counts as found."""
_RECALLS = np.linspace(0, 1, 101)
_AP50 = 0

Rows = NDArray[np.float32]
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Found:
    """The answered boxes of one class in all pictures, the surest first.

    `picture` (D,) is where each is, `score` (D,), `hit` (10, D) whether it found a true box at each of THRESHOLDS;
    `truths` (pictures,) counts the true boxes.
    """

    picture: NDArray[np.int64]
    score: Floats
    hit: NDArray[np.bool_]
    truths: NDArray[np.int64]


def match(found: Sequence[Rows], truth: Sequence[Rows], classes: int) -> list[Found]:
    """The boxes of each class, matched. `found` has (K, 6) rows for each picture, `truth` (M, 5): corners and class.

    Raises BadData where there is nothing to score on, and where the two are not of the same pictures.
    """
    if len(found) != len(truth):
        raise BadData("answers and truth do not fit together", expected=str(len(truth)), got=str(len(found)))
    if not any(len(boxes) for boxes in truth):
        raise BadData("there are no boxes to score on", hint="Label more, or give the split a larger share.")
    evaluation = _evaluated(found, truth, classes)
    pictures = len(found)
    return [
        _of_class(evaluation.evalImgs[place * pictures : (place + 1) * pictures], truth, place)
        for place in range(classes)
    ]


def average(found: Found, weights: Floats | None = None) -> Floats:
    """The average precision at each of THRESHOLDS (10,), with each picture counted as often as it weighs."""
    weight = np.ones(len(found.truths)) if weights is None else weights
    truths = float((weight * found.truths).sum())
    if not truths:
        return np.full(len(THRESHOLDS), np.nan)
    each = weight[found.picture]
    right = np.cumsum(found.hit * each, axis=1)
    answered = np.cumsum(each)
    precision = right / np.maximum(answered, np.finfo(float).tiny)
    # The best precision at this recall or a higher one; 0 where the recall is never reached.
    envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
    padded = np.concatenate([envelope, np.zeros((len(envelope), 1))], axis=1)
    wanted = _RECALLS * truths - 1e-9
    return np.array([row[np.searchsorted(hits, wanted)].mean() for row, hits in zip(padded, right, strict=True)])


def mean(found: Sequence[Found], weights: Floats | None = None) -> tuple[float, float]:
    """mAP50 and mAP over the classes that have a true box."""
    with np.errstate(invalid="ignore"):
        each = np.array([average(one, weights) for one in found])
    there = each[~np.isnan(each[:, _AP50])]
    return (float(there[:, _AP50].mean()), float(there.mean())) if len(there) else (0.0, 0.0)


def score(found: Sequence[Found], classes: Sequence[str], threshold: float) -> DetectionScores:
    """The scores of matched boxes; precision and recall are of boxes of at least this score, at an overlap of 0.5."""
    per_class = {label: _scored(one, threshold) for label, one in zip(classes, found, strict=True)}
    there = [one for one in per_class.values() if one.support]
    return DetectionScores(
        samples=len(found[0].truths),
        map50=float(np.mean([one.ap50 for one in there])),
        map=float(np.mean([one.ap for one in there])),
        precision=float(np.mean([one.precision for one in there])),
        recall=float(np.mean([one.recall for one in there])),
        per_class=per_class,
    )


def overlaps(some: Rows, others: Rows) -> Rows:
    """The intersection over union of each of some boxes (N, 4 or more) with each of others (M, 4 or more): (N, M)."""
    low = np.maximum(some[:, None, :2], others[None, :, :2])
    high = np.minimum(some[:, None, 2:4], others[None, :, 2:4])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    areas = [np.clip(rows[:, 2:4] - rows[:, :2], 0, None).prod(axis=1) for rows in (some, others)]
    return np.asarray(shared / np.maximum(areas[0][:, None] + areas[1][None] - shared, 1e-9), np.float32)


def _scored(found: Found, threshold: float) -> BoxScores:
    each, support = np.nan_to_num(average(found)), int(found.truths.sum())
    sure = found.score >= threshold
    hits = int(found.hit[_AP50, sure].sum())
    return BoxScores(
        ap50=float(each[_AP50]),
        ap=float(each.mean()),
        precision=hits / max(int(sure.sum()), 1),
        recall=hits / max(support, 1),
        support=support,
    )


def _evaluated(found: Sequence[Rows], truth: Sequence[Rows], classes: int) -> Any:
    """What pycocotools makes of it; it prints as it goes, which is nobody's business."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    categories = [{"id": place + 1} for place in range(classes)]
    pictures = [{"id": picture} for picture in range(len(truth))]
    with contextlib.redirect_stdout(io.StringIO()):
        sides = []
        for boxes in (truth, found):
            side = COCO()
            side.dataset = {"images": pictures, "categories": categories, "annotations": _annotations(boxes)}
            side.createIndex()
            sides.append(side)
        evaluation = COCOeval(*sides, iouType="bbox")
        evaluation.params.areaRng, evaluation.params.areaRngLbl = [[0, 1e10]], ["all"]
        evaluation.params.maxDets = [MOST]
        evaluation.evaluate()
    return evaluation


def _annotations(pictures: Sequence[Rows]) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    for picture, boxes in enumerate(pictures):
        for x1, y1, x2, y2, *rest in boxes.astype(np.float64).tolist():
            width, height = x2 - x1, y2 - y1
            told.append(
                {
                    "id": len(told) + 1,
                    "image_id": picture,
                    "category_id": int(rest[-1]) + 1,
                    "bbox": [x1, y1, width, height],
                    "area": width * height,
                    "iscrowd": 0,
                    "score": rest[0],
                }
            )
    return told


def _of_class(pictures: Sequence[dict[str, Any] | None], truth: Sequence[Rows], place: int) -> Found:
    scores, hits, where = [], [], []
    for picture, one in enumerate(pictures):
        if one is None:
            continue
        scores.append(np.asarray(one["dtScores"], np.float64))
        hits.append(np.asarray(one["dtMatches"]) > 0)
        where.append(np.full(len(one["dtScores"]), picture, np.int64))
    score = np.concatenate([*scores, np.zeros(0)])
    order = np.argsort(-score, kind="stable")
    return Found(
        picture=np.concatenate([*where, np.zeros(0, np.int64)])[order],
        score=score[order],
        hit=np.concatenate([*hits, np.zeros((len(THRESHOLDS), 0), bool)], axis=1)[:, order],
        truths=np.array([int((boxes[:, 4] == place).sum()) for boxes in truth], np.int64),
    )
