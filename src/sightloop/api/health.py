"""How the server is: for people, for load balancers, for Prometheus."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from msgspec import Struct
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from sightloop.api.answers import answer, returns
from sightloop.api.service import Here, Service
from sightloop.api.tallies import Tallies
from sightloop.errors import NotReady, PackageRefused

router = APIRouter(tags=["health"])


class ProjectHealth(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What answers for a project, and why its newest deployment does not, where that is so."""

    version: int | None = None
    revision: int | None = None
    fault: str | None = None


class Health(Struct, frozen=True, kw_only=True):
    """How the server is. It is degraded where something that should answer does not, for the reasons given."""

    status: Literal["healthy", "degraded"]
    uptime_seconds: float
    model_loaded: bool
    projects: dict[str, ProjectHealth]
    reasons: list[str]


@router.get("/health", responses=returns(Health, "How the server is."))
async def health(service: Here) -> Response:
    """Always answers 200 while the process lives; `status` says whether something is wrong."""
    serving, faults = service.live.serving(), service.live.faults()
    loaded = service.settings.default_project in serving
    reasons = [f"{name}: {reason}" for name, reason in faults.items()]
    projects = {
        name: ProjectHealth(
            version=one.deployment.champion.version, revision=one.deployment.revision, fault=faults.get(name)
        )
        for name, one in serving.items()
    }
    projects |= {
        name: ProjectHealth(fault=reason)
        for name, reason in faults.items()
        if name not in projects and name in service.parts.recipes
    }
    if service.delivery.fault is not None:
        reasons.append(service.delivery.fault)
    if not serving:
        reasons.append("no project has a model yet")
    found = Health(
        status="degraded" if reasons else "healthy",
        uptime_seconds=round(service.uptime, 3),
        model_loaded=loaded,
        projects=projects,
        reasons=reasons,
    )
    return answer(found)


@router.get("/ready", responses=returns(dict[str, list[str]], "Every model in use gives its golden answers."))
def ready(service: Here) -> Response:
    """Whether to send requests here: every model in use must give its golden answers now, else 503."""
    return answer({"ready": _checked(service)})


@router.get("/metrics", responses={200: {"content": {"text/plain": {}}}})
def metrics(service: Here) -> Response:
    """Metrics in Prometheus' text format; docs/metrics.md lists them."""
    return Response(
        service.telemetry.exposition(Tallies(service.database)), headers={"content-type": CONTENT_TYPE_LATEST}
    )


def _checked(service: Service) -> list[str]:
    serving, default = service.live.serving(), service.settings.default_project
    if not serving or (default not in serving and default in service.live.faults()):
        raise NotReady(f"{default} has no model that answers", got=service.live.faults().get(default))
    for name, one in serving.items():
        for model in one.models.values():
            try:
                model.check()
            except PackageRefused as error:
                raise NotReady(f"{name}: {error.message}", expected=error.expected, got=error.got) from error
    return sorted(serving)
