"""Videos: sent in one go or in parts (tus 1.0), worked off by the worker, fetched with what was seen drawn in."""

from __future__ import annotations

import binascii
import re
import shutil
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.concurrency import run_in_threadpool
from msgspec import Struct
from starlette.requests import ClientDisconnect
from starlette.responses import FileResponse, Response

from sightloop.api.answers import answer, returns
from sightloop.api.body import CLIENT_GONE
from sightloop.api.reception import Reception
from sightloop.api.service import Here, Service
from sightloop.errors import BadInput, Conflict, NotFound, TooLarge
from sightloop.serve.video.filming import FILM, TABLE, TRACKS
from sightloop.serve.video.studio import folder_of
from sightloop.store import videos
from sightloop.values.video import Handling, Stage, Video

TUS = "1.0.0"
PART = "application/offset+octet-stream"
_FILES = {FILM: "video/mp4", TRACKS: "application/json", TABLE: "text/csv"}
_SENDING = re.compile(r"/v1/(?:[^/]+/videos|videos/[^/]+)")

Limit = Annotated[int, Query(ge=1, le=1000)]
Length = Annotated[int | None, Header(ge=1, description="tus: the bytes that will be sent in parts.")]
Told = Annotated[str, Header(description="tus: `filename` and its base64.")]

router = APIRouter(tags=["videos"])


class Shown(Struct, frozen=True, kw_only=True):
    """A video, the share of it that is done, and where its results lie once there are any."""

    video: Video
    progress: float
    files: dict[str, str]


class VideoPage(Struct, frozen=True, kw_only=True):
    """Videos, newest first; `next` is the cursor for those before them."""

    videos: list[Shown]
    next: str | None


def matches(method: str, path: str) -> bool:
    """Whether a request sends a video, which may be larger than any other body."""
    return method in ("POST", "PATCH") and _SENDING.fullmatch(path) is not None


@router.post(
    "/v1/{project}/videos",
    summary="Send a video",
    status_code=202,
    responses=returns(Shown, "The video, waiting for a worker.", 202) | returns(Shown, "Ready for its parts.", 201),
    openapi_extra={"requestBody": {"content": {"video/*": {"schema": {"type": "string", "format": "binary"}}}}},
)
async def send(
    service: Here,
    project: str,
    request: Request,
    name: str = "",
    every: int | None = None,
    least: float = 0.0,
    trails: bool = True,
    upload_length: Length = None,
    upload_metadata: Told = "",
) -> Response:
    """Take a video as the body, or, with `Upload-Length` and no body, make ready for its parts."""
    given = service.parts.recipe(project).videos
    chosen = given.every if every is None else every
    handling = Handling.of({"every": chosen, "least": least, "trails": trails, "track": given.track})
    if upload_length is not None:
        _refuse_large(service, upload_length)
        name = name or _filename(upload_metadata)
        video = await run_in_threadpool(_open, service, project, name, upload_length, handling)
        return _tus(Response(status_code=201, headers={"location": f"/v1/videos/{video.id}"}), 0, upload_length)
    if request.headers.get("content-type", "").startswith("multipart/"):
        raise BadInput(
            "a video is not sent as a form", expected="its bytes as the body", hint="curl --data-binary @clip.mp4"
        )
    video = await run_in_threadpool(_open, service, project, name, 0, handling)
    try:
        received = await Reception(folder_of(service.settings, video.id)).take(request.stream(), 0)
        if not received:
            raise BadInput("the video is empty", expected="the bytes of a video", got="0 bytes")
    except BaseException:  # whoever went away or sent too much, nobody could go on with this one
        await run_in_threadpool(_forget, service, video.id)
        raise
    video = await run_in_threadpool(_received, service, video.id, received, received)
    return answer(_shown(video), 202, {"location": f"/v1/videos/{video.id}"})


@router.head("/v1/videos/{id}", summary="How much of a video is here (tus)")
def offset(service: Here, id: str) -> Response:
    """The bytes that are here, in `Upload-Offset`."""
    video = _get(service, id)
    here = Reception(folder_of(service.settings, id)).size if video.stage is Stage.UPLOADING else video.received
    return _tus(Response(headers={"cache-control": "no-store"}), here, video.size)


@router.patch("/v1/videos/{id}", summary="Send a part of a video (tus)", status_code=204)
async def take_part(service: Here, id: str, request: Request, upload_offset: Annotated[int, Header(ge=0)]) -> Response:
    """Take the bytes from `Upload-Offset` on; a video that is whole waits for a worker. 409 for another offset."""
    if request.headers.get("content-type") != PART:
        raise BadInput("a part is of another kind", expected=PART, got=request.headers.get("content-type", "nothing"))
    video = await run_in_threadpool(_get, service, id)
    if video.stage is not Stage.UPLOADING:
        raise Conflict(f"video {id} is not being sent", got=str(video.stage))
    reception = Reception(folder_of(service.settings, id), most=video.size)
    try:
        received = await reception.take(request.stream(), upload_offset)
    except ClientDisconnect:
        return Response(status_code=CLIENT_GONE)  # nobody hears it; what came is kept, and the rest may follow
    video = await run_in_threadpool(_received, service, id, received, video.size)
    return _tus(Response(status_code=204), received, video.size)


@router.get("/v1/videos", summary="List videos", responses=returns(VideoPage, "Videos, newest first."))
def page(service: Here, project: str | None = None, before: str | None = None, limit: Limit = 50) -> Response:
    """The newest videos, of one project or of all."""
    with service.database.read() as connection:
        found = videos.page(connection, project, before, limit)
    return answer(VideoPage(videos=[_shown(one) for one in found], next=found[-1].id if len(found) == limit else None))


@router.get("/v1/videos/{id}", summary="Show a video", responses=returns(Shown, "The video."))
def get(service: Here, id: str) -> Response:
    """One video: where it stands, its progress and the seconds that it may still take."""
    return answer(_shown(_get(service, id)))


@router.get("/v1/videos/{id}/{file}", summary="Fetch a result", responses={200: {"content": {"video/mp4": {}}}})
def fetch(service: Here, id: str, file: str) -> Response:
    """`film.mp4`, `tracks.json` or `tracks.csv`; parts of a film may be asked for (`Range`)."""
    _get(service, id)
    path = folder_of(service.settings, id) / file
    if file not in _FILES or not path.is_file():
        raise NotFound(
            f"video {id} has no {file}", expected=", ".join(_FILES), hint="They are there when it has ended."
        )
    return FileResponse(path, media_type=_FILES[file], filename=file, content_disposition_type="inline")


@router.post(
    "/v1/videos/{id}/cancel",
    summary="Cancel a video",
    status_code=202,
    responses=returns(Shown, "The video, asked to stop.", 202),
)
def cancel(service: Here, id: str) -> Response:
    """Stop working on a video."""
    with service.database.write() as connection:
        return answer(_shown(videos.request_cancel(connection, id)), 202)


@router.delete("/v1/videos/{id}", summary="Delete a video", status_code=204)
def delete(service: Here, id: str) -> Response:
    """Delete a video with its results; 409 while it is worked on."""
    _forget(service, id)
    return Response(status_code=204)


def _open(service: Service, project: str, name: str, size: int, handling: Handling) -> Video:
    with service.database.write() as connection:
        video = videos.open(connection, project, name[:200], size, handling)
        Reception(folder_of(service.settings, video.id)).open()
    return video


def _received(service: Service, id: str, received: int, size: int) -> Video:
    if received >= size:
        Reception(folder_of(service.settings, id)).close()
    with service.database.write() as connection:
        videos.change(connection, id, size=size)
        return videos.receive(connection, id, received)


def _forget(service: Service, id: str) -> None:
    with service.database.write() as connection:
        videos.remove(connection, id)
    shutil.rmtree(folder_of(service.settings, id), ignore_errors=True)


def _get(service: Service, id: str) -> Video:
    with service.database.read() as connection:
        return videos.get(connection, id)


def _shown(video: Video) -> Shown:
    there = _FILES if video.result else {}
    return Shown(
        video=video,
        progress=round(video.progress, 4),
        files={name: f"/v1/videos/{video.id}/{name}" for name in there},
    )


def _refuse_large(service: Service, size: int) -> None:
    most = service.settings.max_video_bytes
    if size > most:
        raise TooLarge("the video is too large", expected=f"at most {most:,} bytes", got=f"{size:,} bytes")


def _tus(response: Response, here: int, size: int) -> Response:
    given: dict[str, Any] = {"tus-resumable": TUS, "upload-offset": here, "upload-length": size}
    response.headers.update({name: str(value) for name, value in given.items()})
    return response


def _filename(metadata: str) -> str:
    """The file's name among tus' metadata: `filename` and its base64, pairs parted by commas."""
    for pair in metadata.split(","):
        key, _, coded = pair.strip().partition(" ")
        if key == "filename":
            try:
                return binascii.a2b_base64(coded).decode()
            except (binascii.Error, UnicodeDecodeError) as error:
                raise BadInput("Upload-Metadata cannot be read", expected="filename and its base64") from error
    return ""
