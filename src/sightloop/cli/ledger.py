"""`sightloop ledger` and `sightloop why`: what was decided and done, and whether the record of it is whole."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from sightloop.cli.output import MOST, AsJson, say, write_json, write_table
from sightloop.cli.session import opened
from sightloop.loop.why import Why, explain
from sightloop.store import audit, ledger
from sightloop.values.ledger import Kind, LedgerEntry

app = typer.Typer(no_args_is_help=True, help="The record of every decision, registration and deployment.")


@app.command()
def show(
    project: Annotated[str | None, typer.Argument(help="One project; all if left out.")] = None,
    limit: Annotated[int, typer.Option(help="How many of the newest at most.", min=1, max=MOST)] = 50,
    as_json: AsJson = False,
) -> None:
    """Show the ledger's newest entries, the newest last."""
    with opened() as parts:
        name = None if project is None else parts.recipe(project).name
        with parts.database.read() as connection:
            found = ledger.last(connection, name, limit)
    if as_json:
        write_json(found)
        return
    write_table(
        ("row", "at", "project", "kind", "what", "hash"),
        ((one.seq, one.at[:19], one.project, one.kind, _told(one), one.hash[:12]) for one in found),
        empty="nothing was recorded yet",
    )


@app.command()
def verify(
    expect: Annotated[str | None, typer.Option(help="A hash that was noted earlier and must be in the chain.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check every row's hash, the chain, and that versions and deployments are as they were recorded."""
    with opened() as parts, parts.database.read() as connection:
        faults = audit.verify(connection)
        rows, head = audit.head(connection, expect)
    if as_json:
        write_json({"rows": rows, "head": head, "faults": msgspec.to_builtins(faults)})
    else:
        for fault in faults:
            say(f"BAD {fault.message}")
        say(f"{rows} rows, the newest with the hash {head}{'' if faults else '; every one is whole'}")
    if faults:
        raise typer.Exit(1)


def why(
    prediction: Annotated[str, typer.Argument(help="The id of a prediction, as its answer carried it.")],
    as_json: AsJson = False,
) -> None:
    """Say which model answered a request, and why it was serving at that moment."""
    with opened() as parts, parts.database.read() as connection:
        found = explain(connection, prediction)
    if as_json:
        write_json(found)
    else:
        write_table(("", found.project), _rows(found).items())


def _rows(found: Why) -> dict[str, str]:
    model, deployed, run, data = found.model, found.deployment, found.run, found.dataset
    rows = {
        "prediction": f"{found.prediction} at {found.at[:19]}: {found.label} ({found.confidence:.3f})",
        "model": f"version {model.number} ({model.trainer}), made {model.at[:19]}, package {model.package[:12]}",
        "decision": f"{model.verdict}: {model.reason}",
    }
    if deployed is not None:
        ended = f" until {found.until[:19]}" if found.until else ", still in force"
        rows["serving"] = f"revision {deployed.revision} as {found.role}, since {deployed.at[:19]}{ended}"
        rows["deployed by"] = f"{deployed.actor}: {deployed.reason}"
    if run is not None:
        rows["run"] = f"{run.id}, begun {run.created[:19]} by {run.trigger} ({run.actor})"
    if data is not None:
        counts = ", ".join(f"{count} {side}" for side, count in data.counts.items())
        rows["data"] = f"dataset version {data.number} ({counts}), manifest {data.manifest[:12]}"
    return rows | {"ledger": f"rows {', '.join(map(str, found.ledger))}" if found.ledger else "no rows"}


def _told(one: LedgerEntry) -> str:
    facts = one.data
    if one.kind == Kind.DECISION:
        verdict = "accepted" if facts.get("accepted") else "refused"
        return f"version {facts.get('number')} {verdict}: {'; '.join(facts.get('reasons', ()))}"
    if one.kind == Kind.REGISTRATION:
        return f"version {facts.get('number')} {facts.get('verdict')}"
    members = ", ".join(f"{member['role']} {member['version']}" for member in facts.get("members", ()))
    return f"revision {facts.get('revision')}: {members}, by {facts.get('actor')}: {facts.get('reason')}"
