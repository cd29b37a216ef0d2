"""Turns what a trainer fitted into a model package: calibrated, compared with its framework, with golden answers."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from sightloop.errors import BadData, PackageRefused
from sightloop.trainers.calibration import fit_temperature, probabilities
from sightloop.trainers.finished import finished
from sightloop.trainers.trainer import Arrays, Fitted
from sightloop.values.package import EMBEDDING, GOLDEN, GRAPH, INPUT, PROBABILITIES, Package, Parity, Sealed
from sightloop.values.recipe import Recipe
from sightloop.values.sample import digest_of

LIMIT = 1e-4
"""The most by which a probability may differ from the framework's."""
EMBEDDING_LIMIT = 1e-3
"""The most by which an embedding may differ, as a share of its largest number."""
COMPARED = 256
"""The most validation samples that the parity check compares."""
GOLDEN_SAMPLES = 8
BATCH = 64


class Session(Protocol):
    """What is asked of an open model: the answers (N, classes) and embeddings (N, dims) of raw inputs (N, ...)."""

    def run(self, inputs: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The probabilities and embeddings of the inputs."""
        ...


class Opener(Protocol):
    """A runtime's `open`."""

    def __call__(self, package: Sealed, *, threads: int) -> Session:
        """The package's model, loaded and ready."""
        ...


def pack(
    fitted: Fitted,
    recipe: Recipe,
    validation: Arrays,
    *,
    open: Opener,
    dataset: str,
    code: str,
    folder: Path,
    created: str = "",
) -> Sealed:
    """Write the package of a fitted model into a folder, and give it.

    The temperature is fitted to the validation samples. Up to 256 of them are then answered by the framework and by
    the package as `open` runs it, in batches and alone; PackageRefused names the worst sample where they differ.
    Without `created` the same weights give the same bytes, and so a package of the same name.
    """
    if not len(validation):
        raise BadData(
            "no validation samples",
            expected="a few, to calibrate the model and to compare it with its framework",
            hint="Add samples, or raise split.validation in the recipe.",
        )
    logits = _logits(fitted, validation)
    temperature = fit_temperature(logits, validation.targets)
    graph = calibrated(fitted.graph, temperature)
    compared = _spread(validation.targets, COMPARED)
    inputs = validation.inputs[compared]
    unchecked = Parity(samples=0, max_difference=0.0, limit=LIMIT)
    card = described(fitted, recipe, unchecked, dataset=dataset, code=code, created=created)
    card = msgspec.structs.replace(card, temperature=temperature)
    session = open(sealed(card, graph, b""), threads=1)
    answers, embeddings = run(session, inputs)
    difference = _compare(fitted, inputs, temperature, answers, embeddings, compared)
    golden = slice(0, GOLDEN_SAMPLES)
    _compare_alone(session, inputs[golden], answers[golden])
    card = msgspec.structs.replace(
        card,
        embedding=embeddings.shape[1],
        parity=Parity(samples=len(inputs), max_difference=difference, limit=LIMIT),
    )
    package = sealed(card, graph, golden_file(card, inputs[golden], answers[golden], embeddings[golden]))
    package.write(folder)
    return package


def calibrated(graph: bytes, temperature: float) -> bytes:
    """The graph with division by the temperature and softmax after its `logits`, which become `probabilities`.

    Raises PackageRefused for a graph without `input`, `logits` and `embedding`, or with weights outside itself.
    """
    import onnx
    from onnx import TensorProto, compose, helper, numpy_helper

    model = onnx.load_model_from_string(graph)
    _refuse_shape(model)
    # Inner names get a prefix, so that a framework's own `probabilities` cannot collide with ours.
    model = compose.add_prefix(model, "model/", rename_inputs=False, rename_outputs=False)
    inner = model.graph
    logits = next(output for output in inner.output if output.name == "logits")
    classes = logits.type.tensor_type.shape.dim[1].dim_value
    inner.initializer.append(numpy_helper.from_array(np.array(temperature, dtype=np.float32), "temperature"))
    inner.node.append(helper.make_node("Div", ["logits", "temperature"], ["scaled"], name="calibrate"))
    inner.node.append(helper.make_node("Softmax", ["scaled"], [PROBABILITIES], name="softmax", axis=1))
    embedding = next(output for output in inner.output if output.name == EMBEDDING)
    answer = helper.make_tensor_value_info(PROBABILITIES, TensorProto.FLOAT, ["batch", classes or None])
    del inner.output[:]
    inner.output.extend([answer, embedding])
    return finished(model)


def _refuse_shape(model: Any) -> None:
    from onnx import TensorProto

    inputs, outputs = [i.name for i in model.graph.input], {o.name for o in model.graph.output}
    if inputs != [INPUT] or not {"logits", EMBEDDING} <= outputs:
        raise PackageRefused(
            "the trainer's graph has other inputs or outputs",
            expected=f"{INPUT} -> logits, {EMBEDDING}",
            got=f"{', '.join(inputs)} -> {', '.join(sorted(outputs))}",
        )
    if any(tensor.data_location == TensorProto.EXTERNAL for tensor in model.graph.initializer):
        raise PackageRefused("the trainer's graph keeps weights in another file", expected="one file")


def _logits(fitted: Fitted, samples: Arrays) -> NDArray[np.float32]:
    starts = range(0, len(samples), COMPARED)
    return np.concatenate([fitted.predict(samples.inputs[start : start + COMPARED])[0] for start in starts])


def _spread(targets: NDArray[np.int64], most: int) -> NDArray[np.intp]:
    """Up to so many samples, taking the first of each class, then the second of each, and so on."""
    order = np.argsort(targets, kind="stable")
    _, starts = np.unique(targets[order], return_index=True)
    rank = np.empty(len(targets), dtype=np.intp)
    rank[order] = np.arange(len(targets)) - np.repeat(starts, np.diff([*starts, len(targets)]))
    return np.lexsort((targets, rank))[:most]


def run(session: Session, inputs: NDArray[Any], batch: int = BATCH) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The answers and embeddings of the inputs, so many at a time."""
    batches = [session.run(inputs[start : start + batch]) for start in range(0, len(inputs), batch)]
    return np.concatenate([answers for answers, _ in batches]), np.concatenate([embedding for _, embedding in batches])


def _compare(
    fitted: Fitted,
    inputs: NDArray[Any],
    temperature: float,
    answers: NDArray[np.float32],
    embeddings: NDArray[np.float32],
    names: NDArray[np.intp],
) -> float:
    """The largest difference of a probability; PackageRefused where it, or an embedding, is too far off."""
    logits, own = fitted.predict(inputs)
    scale = max(float(np.abs(own).max()), 1e-6)
    difference = _difference(answers, probabilities(logits, temperature))
    _refuse("probabilities", difference, LIMIT, names)
    _refuse("embedding", _difference(embeddings, own) / scale, EMBEDDING_LIMIT, names)
    return float(difference.max())


def _compare_alone(session: Session, inputs: NDArray[Any], answers: NDArray[np.float32]) -> None:
    alone = np.concatenate([session.run(inputs[row : row + 1])[0] for row in range(len(inputs))])
    _refuse("probabilities alone and in a batch", _difference(alone, answers), LIMIT, np.arange(len(inputs)))


def _difference(ours: NDArray[np.float32], theirs: NDArray[np.float32]) -> NDArray[np.float64]:
    if ours.shape != theirs.shape:
        raise PackageRefused("the package answers in another shape", expected=str(theirs.shape), got=str(ours.shape))
    return np.asarray(np.abs(ours.astype(np.float64) - theirs.astype(np.float64)).max(axis=1))


def _refuse(what: str, difference: NDArray[np.float64], limit: float, names: NDArray[np.intp]) -> None:
    # A NaN on either side is a difference as well: it compares as not below the limit.
    if (difference <= limit).all():
        return
    worst = int(np.argmax(np.nan_to_num(difference, nan=np.inf)))
    raise PackageRefused(
        f"the package answers differently from its framework: {what} of validation sample {names[worst]}",
        expected=f"a difference of at most {limit:g}",
        got=f"{difference[worst]:.3g}",
        hint="An operator was exported wrongly; the model cannot be served as it is.",
    )


def described(fitted: Fitted, recipe: Recipe, parity: Parity, *, dataset: str, code: str, created: str) -> Package:
    """The card of a fitted model, before its files are made."""
    return Package(
        project=recipe.name,
        task=recipe.task,
        classes=recipe.classes,
        input=recipe.input,
        trainer=recipe.train.trainer,
        embedding=0,
        temperature=1.0,
        parity=parity,
        files={},
        commands=recipe.answers.commands,
        licence=fitted.licence,
        dataset=dataset,
        code=code,
        seed=recipe.train.seed,
        epochs=fitted.epochs,
        reproducible=fitted.reproducible,
        created=created,
    )


def sealed(card: Package, graph: bytes, golden: bytes) -> Sealed:
    """A package of these parts."""
    files = {GRAPH: digest_of(graph), GOLDEN: digest_of(golden)}
    return Sealed(msgspec.structs.replace(card, files=files), graph, golden)


def golden_file(
    card: Package, inputs: NDArray[Any], answers: NDArray[np.float32], embeddings: NDArray[np.float32]
) -> bytes:
    """The bytes of `golden.npz`."""
    file = io.BytesIO()
    arrays: dict[str, Any] = {INPUT: inputs, card.answer: answers, EMBEDDING: embeddings}
    np.savez(file, **arrays)  # no times inside: same bytes
    return file.getvalue()
