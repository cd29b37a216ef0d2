"""Classifiers of others put behind raw pixels, as graphs, and run as they are, with NumPy around them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sightloop.errors import BadData, BadRecipe
from sightloop.trainers.onnx import files
from sightloop.values.package import EMBEDDING, INPUT
from sightloop.values.recipe import Input

Channels = Literal["rgb", "bgr", "grey"]
Floats = NDArray[np.float32]

_LUMA = (0.299, 0.587, 0.114)  # of ITU-R BT.601
_LEAST = 1e-7
_SUM = 1e-3
_BATCH = 32
_OLDEST = 13
"""Before this opset axes were no inputs, and softmax was another."""


class Form(NamedTuple):
    """What a classifier takes and gives: what it expects of pixels, in which order of axes, and how it answers."""

    channels: Channels
    factor: tuple[float, ...]
    offset: tuple[float, ...]
    last: bool
    single: bool
    probable: bool

    @property
    def mixing(self) -> NDArray[np.float32]:
        """The matrix (3, channels) that makes the file's channels of red, green and blue."""
        if self.channels == "grey":
            return np.array([_LUMA], np.float32).T
        whole = np.eye(3, dtype=np.float32)
        return np.ascontiguousarray(whole[:, ::-1]) if self.channels == "bgr" else whole


def scaling(
    channels: Channels, high: int, mean: Sequence[float], deviation: Sequence[float]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Factor and offset of each channel: pixels up to `high`, less the mean, by the deviation. Raises BadRecipe."""
    many = 1 if channels == "grey" else 3
    for name, told in (("mean", mean), ("std", deviation)):
        if len(told) not in (0, 1, many) or (name == "std" and not all(told)):
            raise BadRecipe(f"[train.options] {name}", expected=f"{many} numbers, or one for all", got=str(list(told)))
    means = np.resize(mean or (0.0,), many)
    deviations = np.resize(deviation or (1.0,), many)
    return tuple((high / 255 / deviations).tolist()), tuple((-means / deviations).tolist())


def form_of(model: Any, spec: Input, classes: int, channels: Channels, factor: Any, offset: Any, answers: str) -> Form:
    """The form of a model, found by its shapes and by a first answer.

    Raises BadData where it is no classifier, BadRecipe where its size, channels or classes are not those told.
    """
    given = files.pixels(model)
    lengths, many = files.shape(given), len(factor)
    orders = {False: (lengths[1], lengths[2:]), True: (lengths[3], lengths[1:3])}
    fitting = [last for last, (depth, _) in orders.items() if depth == many]
    if not fitting:
        raise BadRecipe("the model takes other channels", expected=f"{many}, for {channels}", got=str(lengths))
    last = fitting[0]
    size = [length or own for length, own in zip(orders[last][1], (spec.height, spec.width), strict=True)]
    if size != [spec.height, spec.width]:
        raise BadRecipe(
            "the model takes pictures of another size",
            expected=f"{size[0]} x {size[1]}, as in the file",
            got=f"input.height and input.width of {spec.height} x {spec.width}",
            hint="Samples are prepared at the recipe's size; say the file's size there.",
        )
    if lengths[0] > 1:
        raise BadData("the model takes so many pictures at once", expected="one, or any number", got=str(lengths[0]))
    if len(model.graph.output) != 1:
        raise BadData("the model has several outputs", expected="one", got=str(len(model.graph.output)))
    form = Form(channels, tuple(factor), tuple(offset), last, lengths[0] == 1, answers == "probabilities")
    chance = np.random.default_rng(1).integers(0, 256, (4, *spec.shape), dtype=np.uint8)
    answer = _run(files.opened(model.SerializeToString()), form, chance)
    if answer.ndim != 2 or answer.shape[1] != classes:
        raise BadRecipe(
            "the model has another number of classes", expected=f"(N, {classes})", got=str(tuple(answer.shape))
        )
    sums = bool((answer >= 0).all() and (np.abs(answer.sum(axis=1) - 1) < _SUM).all())
    if answers == "probabilities" and not sums:
        raise BadRecipe("the model's answers are no probabilities", expected="numbers of at least 0, with the sum 1")
    return form._replace(probable=sums if answers == "auto" else form.probable)


def behind_pixels(model: Any, spec: Input, form: Form, rows: Sequence[int]) -> bytes:
    """The model as a graph of uint8 pixels (N, H, W, 3) to `logits` and `embedding`: what its last layer takes."""
    import onnx
    from onnx import TensorProto, compose, helper, numpy_helper, parser

    name, answer = files.pixels(model).name, model.graph.output[0].name
    model = files.within(model, _OLDEST)
    feature, axes = _feature(model)
    del model.graph.output[:]
    for output, many in ((answer, 2), (feature, axes)):
        model.graph.output.append(helper.make_tensor_value_info(output, TensorProto.FLOAT, [None] * many))
    inner = compose.add_prefix(model, "model/")
    version = files.opset(model)
    head, tail = (parser.parse_model(text) for text in (_before(form, spec, version), _after(form, axes, version)))
    factor, offset = (np.array(numbers, np.float32) for numbers in (form.factor, form.offset))
    constants = {"mixing": form.mixing * factor, "offset": offset}
    head.graph.initializer.extend(numpy_helper.from_array(value, label) for label, value in constants.items())
    tail.graph.initializer.append(numpy_helper.from_array(np.array(rows, np.int64), "rows"))
    head.ir_version = tail.ir_version = inner.ir_version
    whole = compose.merge_models(head, inner, io_map=[("planes", f"model/{name}")])
    whole = compose.merge_models(whole, tail, io_map=[(f"model/{answer}", "answer"), (f"model/{feature}", "feature")])
    if form.single:
        whole = files.each(whole, spec.shape)
    onnx.checker.check_model(whole)
    return bytes(whole.SerializeToString(deterministic=True))


class Own:
    """What the file itself answers, run as it is; NumPy prepares and reads, not the packaged graph."""

    def __init__(self, model: Any, graph: bytes, form: Form, rows: Sequence[int]) -> None:
        self._data, self._graph, self._form, self._rows = model.SerializeToString(), graph, form, list(rows)

    def __call__(self, inputs: NDArray[Any]) -> tuple[Floats, Floats]:
        """The logits (N, classes), and the embeddings of the packaged graph: the file has none of its own."""
        answer = _run(files.opened(self._data), self._form, inputs)[:, self._rows]
        logits = np.log(np.maximum(answer, _LEAST)) if self._form.probable else answer
        ours, starts = files.opened(self._graph), range(0, len(inputs), _BATCH)
        found = [ours.run([EMBEDDING], {INPUT: inputs[start : start + _BATCH]})[0] for start in starts]
        return logits.astype(np.float32), np.concatenate(found)


def _run(session: Any, form: Form, inputs: NDArray[Any]) -> Floats:
    """What a file answers of uint8 pixels (N, H, W, 3). Raises BadData where it cannot."""
    name, count = session.get_inputs()[0].name, 1 if form.single else _BATCH
    found = []
    for start in range(0, len(inputs), count):
        light = inputs[start : start + count].astype(np.float32) @ form.mixing
        light = light * np.array(form.factor, np.float32) + np.array(form.offset, np.float32)
        planes = np.ascontiguousarray(light if form.last else light.transpose(0, 3, 1, 2))
        try:
            found.append(session.run(None, {name: planes})[0])
        except Exception as error:  # ONNX Runtime's kinds have no class of their own above them
            raise BadData("the model cannot answer pictures of the recipe's size", got=str(error)[:300]) from error
    return np.concatenate(found)


def _feature(model: Any) -> tuple[str, int]:
    """The tensor that the last layer with weights takes, and how many axes it has: 4 are planes (N, C, H, W)."""
    weights = {tensor.name for tensor in model.graph.initializer}
    constant = weights | {name for node in model.graph.node if node.op_type == "Constant" for name in node.output}
    known = {one.name: len(files.shape(one)) for one in (*model.graph.value_info, *model.graph.input)}
    for node in reversed(model.graph.node):
        taken = [name for name in node.input[:2] if name not in constant]
        if node.op_type in ("Gemm", "MatMul", "Conv") and len(taken) == 1:
            return str(taken[0]), 4 if node.op_type == "Conv" else known.get(taken[0], 2)
    raise BadData("the model has no layer with weights at its end", expected="a dense layer, or a convolution")


def _before(form: Form, spec: Input, version: int) -> str:
    shape = f"{1 if form.single else 'batch'}, {spec.height}, {spec.width}, 3"
    return f"""
    <ir_version: 9, opset_import: ["" : {version}]>
    before (uint8[{shape}] input) => (float[b, p, q, r] planes)
    <float[3, c] mixing, float[c] offset> {{
      numbers = Cast <to = 1> (input)
      mixed = MatMul (numbers, mixing)
      light = Add (mixed, offset)
      planes = {"Identity" if form.last else "Transpose <perm = [0, 3, 1, 2]>"} (light)
    }}"""


def _after(form: Form, axes: int, version: int) -> str:
    probable = "sure = Max (own, least)\n logits = Log (sure)"
    return f"""
    <ir_version: 9, opset_import: ["" : {version}]>
    after (float[b, c] answer, float[{", ".join("bfyx"[:axes])}] feature)
      => (float[b, k] logits, float[b, e] {EMBEDDING})
    <int64[k] rows, float least = {{{_LEAST}}}> {{
      own = Gather <axis = 1> (answer, rows)
      {probable if form.probable else "logits = Identity (own)"}
      middle = {"GlobalAveragePool" if axes == 4 else "Identity"} (feature)
      {EMBEDDING} = Flatten <axis = 1> (middle)
    }}"""
