"""ONNX files of others as they are: read, checked, brought to one opset, run, and applied to one picture at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sightloop.errors import BadData
from sightloop.values.package import INPUT


def read(path: Path) -> Any:
    """The model in a file. Raises BadData for what is no ONNX, and for one whose weights lie elsewhere."""
    import onnx

    try:
        model = onnx.load_model_from_string(path.read_bytes())
    except Exception as error:  # protobuf raises kinds with no class of its own above them
        raise BadData(f"{path.name} is no ONNX file: {error}"[:300]) from error
    if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in model.graph.initializer):
        raise BadData(
            f"{path.name} keeps its weights in another file",
            expected="one file",
            hint="Save it in one, as onnx.save(onnx.load(FILE), NEW) does.",
        )
    try:
        onnx.checker.check_model(model)
    except Exception as error:  # as above
        raise BadData(f"{path.name} is no ONNX file: {error}"[:300]) from error
    return model


def opened(data: bytes) -> Any:
    """A file's model as it is, to be run by ONNX Runtime. Raises BadData where it cannot."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what it cannot do is raised; the rest is of no use to anybody
    try:
        return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its kinds have no class of their own above them
        raise BadData("ONNX Runtime cannot run the file", got=str(error)[:300]) from error


def opset(model: Any) -> int:
    """The version of ONNX's own operators in a model."""
    return int(next(one.version for one in model.opset_import if one.domain in ("", "ai.onnx")))


def within(model: Any, oldest: int, newest: int | None = None) -> Any:
    """The model with the shapes of its tensors, its operators converted where its opset is outside these two.

    Raises BadData where ONNX cannot convert them.
    """
    from onnx import shape_inference, version_converter

    has = opset(model)
    wanted = max(oldest, has) if newest is None else min(max(oldest, has), newest)
    if wanted != has:
        try:
            model = version_converter.convert_version(model, wanted)
        except RuntimeError as error:  # of its C++ part, and its subclass ConvertError
            raise BadData(
                "the file's operators cannot be converted", expected=f"opset {wanted}", got=f"{has}: {error}"[:200]
            ) from error
    return shape_inference.infer_shapes(model)


def pixels(model: Any) -> Any:
    """What a model of pictures is given. Raises BadData where that is not one table of float32 with four axes."""
    import onnx

    weights = {tensor.name for tensor in model.graph.initializer}  # old files list them among the inputs
    given = [one for one in model.graph.input if one.name not in weights]
    kinds = [one.type.tensor_type.elem_type for one in given]
    if kinds != [onnx.TensorProto.FLOAT] or len(shape(given[0])) != 4:
        told = ", ".join(
            f"{onnx.TensorProto.DataType.Name(kind)} {shape(one)}" for one, kind in zip(given, kinds, strict=True)
        )
        raise BadData(
            "the model takes no pictures",
            expected="one input of float32 pixels, (N, 3, height, width) or the channels last",
            got=told or "none",
        )
    return given[0]


def shape(value: Any) -> list[int]:
    """The lengths of a tensor's axes; 0 for one that is not fixed."""
    return [dim.dim_value for dim in value.type.tensor_type.shape.dim]


def each(whole: Any, size: tuple[int, ...]) -> Any:
    """A model of one uint8 picture (1, *size), applied to each of a batch by ONNX's own loop (Scan)."""
    from onnx import TensorProto, compose, helper

    axes = {one.name: len(one.type.tensor_type.shape.dim) - 1 for one in whole.graph.output}
    graph = compose.add_prefix(whole, "each/").graph
    axis = helper.make_tensor("axis", TensorProto.INT64, [1], [0])
    nodes = [
        helper.make_node("Unsqueeze", ["one", "axis"], ["each/input"]),
        *graph.node,
        *(helper.make_node("Squeeze", [f"each/{name}", "axis"], [f"one/{name}"]) for name in axes),
    ]
    body = helper.make_graph(
        nodes,
        "each",
        [helper.make_tensor_value_info("one", TensorProto.UINT8, size)],
        [helper.make_tensor_value_info(f"one/{name}", TensorProto.FLOAT, [None] * many) for name, many in axes.items()],
        [*graph.initializer, axis],
    )
    scan = helper.make_node("Scan", [INPUT], list(axes), body=body, num_scan_inputs=1)
    outer = helper.make_graph(
        [scan],
        "all",
        [helper.make_tensor_value_info(INPUT, TensorProto.UINT8, ["batch", *size])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *[None] * many])
            for name, many in axes.items()
        ],
    )
    return helper.make_model(outer, opset_imports=whole.opset_import, ir_version=whole.ir_version)
