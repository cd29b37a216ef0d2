"""The steps of a run. Each takes what the steps before it found and gives what it found, as plain values.

A step may be done again after a crash, so what it leaves behind is named by content or by the run: doing it twice
leaves the same as doing it once.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from sightloop import __version__, plugins
from sightloop.errors import BadData, Conflict
from sightloop.loop.job import Job
from sightloop.loop.judging import judgement
from sightloop.loop.judging.decision import Decision
from sightloop.loop.judging.judgement import Judge
from sightloop.loop.judging.report import Report
from sightloop.loop.reporting import figures, reports
from sightloop.loop.samples import prepared
from sightloop.loop.samples.versioned import Versioned
from sightloop.loop.training import CHECKPOINTS, PACKAGE, PREPARED, Order
from sightloop.store import datasets, deployments, locks, packages, samples, tracking, versions
from sightloop.values.dataset import Entry, Manifest
from sightloop.values.package import Sealed
from sightloop.values.sample import Side
from sightloop.values.version import ModelVersion, Verdict

Found = dict[str, Any]
Step = Callable[[Job, Found], Found]


def freeze(job: Job, _found: Found) -> Found:
    """Take the samples and labels of now out of the database and fix them as a dataset version.

    Raises BadData where a side is empty, and what the trainer says of options that it does not have.
    """
    plugins.load("trainers", job.recipe.train.trainer).check(job.recipe)
    version = datasets.freeze(job.database, job.blobs, job.recipe.name, job.recipe.classes)
    for side in Side:
        if not version.counts[side]:
            raise BadData(
                f"{job.recipe.name} has no samples on the {side} side",
                expected="labelled samples for training, validation and test",
                got=", ".join(f"{count} {name}" for name, count in version.counts.items()),
                hint="Add labelled samples; their content decides which side they take.",
            )
    return {"dataset": version.number, "manifest": version.manifest, "counts": version.counts}


def prepare(job: Job, found: Found) -> Found:
    """Read, check and size every sample of the version, in a child process.

    Raises BadData, naming a broken one.
    """
    order = prepared.Order(
        recipe=msgspec.to_builtins(job.recipe),
        manifest=found["manifest"],
        blobs=job.settings.blobs,
        folder=str(job.folder / PREPARED),
    )
    return _compute(job, "sightloop.loop.samples.prepared:prepare", order)


def archive(job: Job, found: Found) -> Found:
    """Give the version to DVC, where the recipe asks for it.

    Raises NotReady where DVC's remote cannot be reached: a recipe that asks for DVC is promised that no model is
    trained on data that are not in it.
    """
    if job.recipe.data.track != "dvc":
        return {}
    with job.database.read() as connection:
        version = datasets.get(connection, job.recipe.name, found["dataset"])
    return {"archive": Versioned(job.settings, job.database, job.blobs).track(version).archive}


def train(job: Job, found: Found) -> Found:
    """Train in the place that the settings name, and keep the package that comes out.

    Done again after the worker died, a training goes on from its checkpoints, where the trainer keeps some.
    """
    shutil.rmtree(job.folder / PACKAGE, ignore_errors=True)  # of a training that was killed half way
    job.folder.mkdir(parents=True, exist_ok=True)
    order = Order(
        recipe=msgspec.to_builtins(job.recipe),
        manifest=found["manifest"],
        blobs=job.settings.blobs,
        folder=str(job.folder),
        code=f"sightloop {__version__}",
    )
    trained = _compute(job, "sightloop.loop.training:train", order)
    package = Sealed.read(job.folder / PACKAGE)
    package.card.refuse_licence(job.settings.licences)
    return trained | {"trained": packages.save(job.blobs, package)}


def check(job: Job, found: Found) -> Found:
    """Score the new package and the champion on the same held-out samples, and let the gate decide."""
    entries = Manifest.from_bytes(job.blobs.get(found["manifest"])).on(Side.TEST)
    champion = _champion(job)
    report, rival, decision = _judge(job, entries).judge(
        found["trained"], None if champion is None else champion.package
    )
    job.log(decision.reason)
    package = packages.load(job.blobs, found["trained"])
    scored = msgspec.structs.replace(package, card=package.card.scored(report.scores))
    kept = ("answers", report.answers) if isinstance(report, Report) else ("boxes", report.sure)
    return (
        judgement.told(decision, report, rival)
        | {kept[0]: job.blobs.put(reports.packed(kept[1]))}
        | {
            "package": packages.save(job.blobs, scored),
            "champion": None if champion is None else champion.number,
        }
    )


def register(job: Job, found: Found) -> Found:
    """Give the package a number in the project, accepted or refused, and record the run in MLflow."""
    decision = msgspec.convert(found["decision"], Decision)
    package = packages.load(job.blobs, found["package"])
    verdict = Verdict.ACCEPTED if decision.accepted else Verdict.REFUSED
    told = found["decision"] | {name: found[name] for name in ("dataset", "manifest", "champion", "scores")}
    with job.database.write() as connection:
        version = versions.register(
            connection, job.recipe.name, found["package"], package.card, verdict, decision.reason, job.run.id, told
        )
    page = reports.leave(job, found, package.card, version.number)
    _record(job, found, package, version)
    return {"version": version.number, "report": page}


def roll_out(job: Job, found: Found) -> Found:
    """Make an accepted version the champion. Raises Conflict where it was compared with another champion."""
    decision = msgspec.convert(found["decision"], Decision)
    if not decision.accepted:
        return {"deployed": False}
    with job.database.write() as connection:
        locks.take(connection, "deployments", job.recipe.name)  # or somebody might promote between look and change
        present = deployments.current(connection, job.recipe.name)
        serving = None if present is None else present.champion.version
        if serving not in (found["champion"], found["version"]):
            raise Conflict(
                f"the champion of {job.recipe.name} changed while version {found['version']} was checked",
                expected=f"version {found['champion']}",
                got=f"version {serving}",
                hint="Promote the new version by hand, or train again.",
            )
        deployed = deployments.promote(
            connection,
            job.recipe.name,
            found["version"],
            f"run {job.run.id}",
            decision.reason,
            job.run.id,
            licences=job.settings.licences,
        )
    _tell_mlflow(job, lambda url: tracking.crown(url, job.recipe.name, job.run.id))
    return {"deployed": True, "revision": deployed.revision}


STEPS: dict[str, Step] = {
    "freeze": freeze,
    "prepare": prepare,
    "archive": archive,
    "train": train,
    "check": check,
    "register": register,
    "roll-out": roll_out,
}


def tidy(folder: Path) -> None:
    """Drop from a run's work folder what only its steps need; its curves and figures stay."""
    for name in (PREPARED, PACKAGE, CHECKPOINTS):
        shutil.rmtree(folder / name, ignore_errors=True)


def _compute(job: Job, function: str, order: msgspec.Struct) -> Found:
    """Do a piece of heavy work in the place for it, telling of its progress and listening for a cancel."""

    def listen(event: dict[str, Any]) -> None:
        job.advance(event.get("done", 0.0), event.get("message", ""), event.get("metrics"))

    found: Found = plugins.load("compute", "local").run(
        function,
        msgspec.to_builtins(order),
        environment=job.settings.environment,
        listener=listen,
        cancelled=job.cancelled,
    )
    return found


def _judge(job: Job, entries: Sequence[Entry]) -> Judge:
    gate, settings = job.recipe.gate, job.settings
    with job.database.read() as connection:
        origins = samples.origins(connection, job.recipe.name, Side.TEST) if gate.slices else {}
    runtime = settings.runtime(job.recipe.name)
    return Judge(gate, entries, job.blobs, settings.blobs, origins, runtime, settings.threads, job.cancelled)


def _champion(job: Job) -> ModelVersion | None:
    with job.database.read() as connection:
        present = deployments.current(connection, job.recipe.name)
        if present is None:
            return None
        return versions.get(connection, job.recipe.name, present.champion.version)


def _record(job: Job, found: Found, package: Sealed, version: ModelVersion) -> None:
    tidy(job.folder)  # the package has a folder of its own in MLflow
    card = package.card
    figures.write(job.folder, found["curves"])
    scores = card.scores or card.detection
    if scores is not None:
        manifest = Manifest.from_bytes(job.blobs.get(found["manifest"]))
        figures.draw(job.folder / "figures", scores, found["curves"], manifest)
    numbers = found["scores"] | {f"seconds.{name}": value for name, value in found["seconds"].items()}
    tags = {"dataset": str(found["dataset"]), "code": card.code, "trigger": job.run.trigger, "verdict": version.verdict}

    def tell(url: str) -> None:
        tracking.log_run(
            url,
            project=job.recipe.name,
            run=job.run.id,
            parameters=_flat(msgspec.to_builtins(job.recipe.train)) | found["parameters"],
            metrics=numbers,
            curves=found["curves"],
            tags=tags,
            artifacts=job.folder,
            package=package,
            root=job.settings.home / "mlflow",
        )
        tracking.register(
            url, project=job.recipe.name, version=version.number, run=job.run.id, tags=tags, reason=version.reason
        )
        tracking.set_alias(url, job.recipe.name, tracking.CHALLENGER, job.run.id)

    _tell_mlflow(job, tell)


def _tell_mlflow(job: Job, tell: Callable[[str], None]) -> None:
    """MLflow is a record for people: a server of it that is down is told of in the log and costs nobody a model."""
    try:
        tell(job.settings.mlflow)
    except Exception as error:  # its client raises every kind
        job.log(f"MLflow was not told: {type(error).__name__}: {error}")


def _flat(table: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested tables as one, with the names joined by dots."""
    flat: dict[str, Any] = {}
    for name, value in table.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return flat
