"""What follows a prediction: its correction by a person, and the question why that model answered."""

import time

from fastapi import APIRouter
from msgspec import Struct
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from sightloop.api.answers import answer, returns
from sightloop.api.service import Here, Service
from sightloop.data import prints
from sightloop.data.splits import side_of
from sightloop.errors import BadData, Conflict, NotFound
from sightloop.loop.samples import sides
from sightloop.loop.samples.collect import checked
from sightloop.loop.why import Why, explain
from sightloop.store import annotations, predictions
from sightloop.store.predictions import Recorded
from sightloop.store.samples import NewSample
from sightloop.values.annotation import Annotation
from sightloop.values.box import Box, described
from sightloop.values.moment import age, new_id, now
from sightloop.values.prediction import Detections, is_right
from sightloop.values.recipe import Recipe
from sightloop.values.table import nearest

PATIENCE = 3.0
"""How long a correction waits for its prediction to be recorded, in seconds."""
_PAUSE = 0.05
_FRESH = 120.0  # seconds in which what was predicted has been recorded, or never will be

router = APIRouter(tags=["feedback"])


class Drawn(BaseModel):
    """A box in pixels of the picture as it was sent."""

    model_config = ConfigDict(extra="forbid")

    label: str
    x1: float
    y1: float
    x2: float
    y2: float
    score: float = Field(default=1.0, description="Passed over: what a person draws is certain.")


class Correction(BaseModel):
    """The right answer, a class or boxes, and who gives it."""

    model_config = ConfigDict(extra="forbid")

    label: str | None = Field(default=None, description="The class that the input is of.")
    boxes: list[Drawn] | None = Field(default=None, description="All boxes of the picture; an empty list for nothing.")
    author: str = Field(default="", max_length=200, description="Who says so.")


class Corrected(Struct, frozen=True, kw_only=True):
    """What became of a correction: the sample that now carries it, and whether the prediction was right.

    For boxes, `label` and `predicted` say how many there are of each class, and a prediction was right where each box
    has one of its class with an overlap of at least a half, and none is left over.
    """

    prediction: str
    project: str
    sample: str
    label: str
    predicted: str
    agrees: bool


@router.post(
    "/v1/predictions/{id}/feedback",
    summary="Correct a prediction",
    status_code=201,
    responses=returns(Corrected, "Stored.", 201),
)
def correct(service: Here, id: str, correction: Correction) -> Response:
    """Store the right answer of a prediction: its input becomes a sample with this label."""
    found = _wait_for(service, id)
    recipe = service.parts.recipe(found.project)
    label, boxes = _said(recipe, found, correction)
    sample = _store(service, recipe, found, label, boxes, correction.author)
    stored = Corrected(
        prediction=id,
        project=found.project,
        sample=sample,
        label=label if boxes is None else described(boxes),
        predicted=found.answer.label,
        agrees=is_right(found.answer, label, boxes),
    )
    return answer(stored, 201)


@router.get(
    "/v1/predictions/{id}/why",
    summary="Explain who answered",
    responses=returns(Why, "The model that answered, and why it was serving."),
)
def why(service: Here, id: str) -> Response:
    """Say which model answered a request, and why it was serving at that moment."""
    _wait_for(service, id)
    with service.database.read() as connection:
        return answer(explain(connection, id))


def _said(recipe: Recipe, found: Recorded, correction: Correction) -> tuple[str, tuple[Box, ...] | None]:
    """The label, or the boxes, that a person gives. Raises BadData where they are not what the answer was."""
    answer = found.answer
    if isinstance(answer, Detections):
        if correction.boxes is None or correction.label is not None:
            raise BadData(f"{recipe.name} finds boxes", expected="`boxes`: all of the picture's, or an empty list")
        return "", tuple(checked(recipe, _box(one), answer.width, answer.height) for one in correction.boxes)
    if correction.label is None or correction.boxes is not None:
        raise BadData(f"{recipe.name} tells whole inputs apart", expected="`label`: the class of the input")
    label = recipe.label(correction.label)
    if label is None:
        raise BadData(f"the label {correction.label!r} is {nearest(correction.label, recipe.classes)}")
    return label, None


def _box(drawn: Drawn) -> Box:
    try:
        return Box(label=drawn.label, x1=drawn.x1, y1=drawn.y1, x2=drawn.x2, y2=drawn.y2)
    except ValueError as error:
        raise BadData(str(error)) from error


def _wait_for(service: Service, id: str) -> Recorded:
    """The recorded prediction; one that was just made may still be on its way to the database."""
    old = age(id)
    deadline = time.monotonic() + (PATIENCE if old is not None and old < _FRESH else 0)
    while True:
        with service.database.read() as connection:
            found = predictions.get(connection, id)
        if found is not None:
            return found
        if time.monotonic() >= deadline:
            raise NotFound(f"there is no prediction {id}", hint="Use the `id` of an answer of /predict.")
        service.recorder.hurry()
        time.sleep(_PAUSE)


def _store(
    service: Service, recipe: Recipe, found: Recorded, label: str, boxes: tuple[Box, ...] | None, author: str
) -> str:
    if found.digest is None or found.place is None:
        raise Conflict(
            "the input of this prediction was not kept, so it cannot become a sample",
            hint=f"Upload it with its label: POST /v1/{found.project}/samples.",
        )
    side = side_of(found.digest, recipe.split)
    sample = NewSample(digest=found.digest, side=side, place=found.place, origin=f"prediction {found.id}")
    said = Annotation(
        id=new_id(),
        sample=found.digest,
        label=label,
        author=author,
        source="feedback",
        at=now(),
        prediction=found.id,
        boxes=boxes,
    )
    print = prints.of(service.blobs.read(found.place, found.digest))
    with service.database.write() as connection:
        sides.add(connection, found.project, [sample], {found.digest: print} if print else {})
        annotations.add(connection, found.project, [said])
    return found.digest
