"""What a client sent to have predicted or stored: images or hands, in whichever of the accepted forms."""

from __future__ import annotations

import binascii

import msgspec
from msgspec import UNSET, Struct, UnsetType

from sightloop.api.form import Part, named, parts
from sightloop.errors import BadInput, BadLandmarks, TooLarge
from sightloop.serve.predictor import Kind
from sightloop.values.box import Box
from sightloop.values.landmarks import Landmarks

FIELDS = ("file", "files")
Boxes = tuple[Box, ...]
_BOX = '[{"label": "ball", "x1": 10, "y1": 20, "x2": 18, "y2": 28}], in pixels'
_NUMBERS = "63 numbers, or 21 lists of x, y, z"


class Item(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One input in JSON: `landmarks` (63 numbers, or 21 lists of x, y, z or x, y), or `image` (a file in base64).

    `width` and `height` are those of the image where x and y of the landmarks are fractions of them. `label` is the
    class that a person saw, or `boxes` where and what, where the input is to be stored.
    """

    landmarks: list[float | list[float]] | UnsetType = UNSET
    image: str | UnsetType = UNSET
    width: float | None = None
    height: float | None = None
    label: str | None = None
    boxes: list[Box] | None = None


class Items(Item, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One input, or many under `items`; `author` is who labelled what is to be stored."""

    items: list[Item] | UnsetType = UNSET
    author: str = ""


class Sent(Struct, frozen=True):
    """Inputs of one kind, as they are prepared and stored, their labels and boxes (or None), and who gave those."""

    kind: Kind
    contents: list[bytes]
    labels: list[str | None]
    boxes: list[Boxes | None]
    author: str = ""


_decoder = msgspec.json.Decoder(Items)


def read(content_type: str, body: bytes, *, most: int) -> Sent:
    """The inputs in a body, at most `most` of them. Raises BadInput and TooLarge."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/json":
        return of_json(body, most)
    if kind == "multipart/form-data":
        return of_form(parts(content_type, body, most=2 * most + 1), most)
    if kind.startswith("image/") or kind == "application/octet-stream":
        return Sent("image", [body], [None], [None])
    raise BadInput(
        "the body is of a kind that is not taken",
        expected="multipart/form-data with a file, image/*, or application/json",
        got=kind or "no Content-Type",
        hint="curl -F file=@picture.png sets it by itself.",
    )


def of_form(found: list[Part], most: int) -> Sent:
    """The files of a form, and its labels: a field for each, or one that lists them by commas or as JSON."""
    files = named(found, *FIELDS)
    _refuse_many(len(files), most)
    texts = [part.text for part in found if part.name in ("label", "labels")]
    labels: list[str | None] = [*_labels(texts)] or [None] * len(files)
    if len(labels) != len(files):
        raise BadInput("files and labels do not pair", expected=f"{len(files)} labels", got=str(len(labels)))
    author = next((part.text for part in found if part.name == "author"), "")
    return Sent("image", [bytes(part.data) for part in files], labels, _drawn(found, len(files)), author)


def of_json(body: bytes, most: int) -> Sent:
    """The inputs in JSON."""
    found = _decoded(body)
    items: list[Item] = [found] if found.items is UNSET else found.items
    _refuse_many(len(items), most)
    if not items:
        raise BadInput("there is nothing to look at", expected="landmarks, image, or items with one or more of them")
    if found.items is not UNSET and found != Items(items=found.items, author=found.author):
        raise BadInput("something stands beside `items`", expected="all that belongs to an input in its item")
    kinds = {_kind(item) for item in items}
    if len(kinds) > 1:
        raise BadInput("the items are of two kinds", expected="all landmarks, or all images", got="both")
    boxes = [None if item.boxes is None else tuple(item.boxes) for item in items]
    labels = [item.label for item in items]
    return Sent(kinds.pop(), [_content(item) for item in items], labels, boxes, found.author)


def _decoded(body: bytes) -> Items:
    try:
        return _decoder.decode(body)
    except msgspec.ValidationError as error:
        if "landmarks" in str(error):
            raise BadLandmarks(f"the landmarks are not numbers: {error}", expected=_NUMBERS) from error
        raise BadInput(f"the JSON is not as wanted: {error}", hint="See /docs for the forms that are taken.") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        nan = b"NaN" in body or b"Infinity" in body
        raise BadInput(
            f"the body is not JSON: {error}",
            hint="NaN and Infinity are no numbers in JSON; a landmark must be finite." if nan else None,
        ) from error


def _kinds(item: Item) -> list[Kind]:
    given: list[Kind] = []
    if item.landmarks is not UNSET:
        given.append("landmarks")
    if item.image is not UNSET:
        given.append("image")
    return given


def _kind(item: Item) -> Kind:
    given = _kinds(item)
    if len(given) != 1:
        raise BadInput("an item has either landmarks or an image", got=" and ".join(given) or "neither")
    return given[0]


def _content(item: Item) -> bytes:
    if isinstance(item.image, str):
        return _unwrapped(item.image)
    if (item.width is None) != (item.height is None):
        raise BadLandmarks("width and height go together", expected="both or neither")
    aspect = 1.0 if item.width is None else item.width / (item.height or float("inf"))
    return Landmarks.of(item.landmarks or [], aspect=aspect).to_bytes()


def _unwrapped(image: str) -> bytes:
    """The file in base64, also in a data URL, as browsers make them."""
    try:
        return binascii.a2b_base64(image.partition(",")[2] if image.startswith("data:") else image)
    except (binascii.Error, ValueError) as error:
        raise BadInput(f"the image is not base64: {error}") from error


def _labels(texts: list[str]) -> list[str]:
    if len(texts) != 1:
        return texts
    if texts[0].lstrip().startswith("["):
        try:
            return [str(label) for label in msgspec.json.decode(texts[0], type=list[str | int])]
        except msgspec.MsgspecError as error:
            raise BadInput(f"the labels are not a JSON list: {error}") from error
    return [label.strip() for label in texts[0].split(",")]


def _drawn(found: list[Part], files: int) -> list[Boxes | None]:
    """The boxes of each file: a field `boxes` for each, in their order, with a JSON list of boxes."""
    texts = [part.text for part in found if part.name == "boxes"]
    if not texts:
        return [None] * files
    if len(texts) != files:
        raise BadInput("files and boxes do not pair", expected=f"{files} fields boxes", got=str(len(texts)))
    try:
        return [msgspec.json.decode(text, type=Boxes) for text in texts]
    except msgspec.MsgspecError as error:
        raise BadInput(f"the boxes are not a JSON list of boxes: {error}", expected=_BOX) from error


def _refuse_many(count: int, most: int) -> None:
    if count > most:
        raise TooLarge("too many items in one request", expected=f"at most {most}", got=str(count))
