"""A detector of Ultralytics (AGPL-3.0) as one module: pixels and targets to a loss, pixels to boxes, and the graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightloop.errors import BadRecipe
from sightloop.tasks.detection import MOST, OVERLAP
from sightloop.trainers.boxes.suppression import LEAST, OUTPUTS
from sightloop.trainers.boxes.yolox import with_rows
from sightloop.trainers.torch_graph import exported

Rows = NDArray[np.float32]


def build(weights: Path, classes: Sequence[str], start: Mapping[str, str]) -> Any:
    """The detector in a file, with a place for each of these classes, as a module that can be trained.

    `start` names for a class the class of the file whose weights it begins with. Reading the file runs code in it.
    """
    from ultralytics.cfg import get_cfg
    from ultralytics.nn import tasks

    read: Any = tasks.load_checkpoint  # it carries no types
    model: Any = read(str(weights))[0]
    if not isinstance(model, tasks.DetectionModel) or getattr(model, "end2end", False):
        raise BadRecipe(f"{weights.name} is no detector that this trainer knows", expected="YOLOv8, YOLO11 or YOLO12")
    model = model.float()
    model.args = get_cfg()  # of the losses' weights
    _settle_classes(model, classes, start, weights)
    for parameter in model.parameters():
        parameter.requires_grad_(True)
    model.model[-1].dfl.requires_grad_(False)  # the numbers 0 to 15, which are not learned
    return model


def learner(model: Any) -> Any:
    """A module over a model: (pixels, targets), as `tuning.as_tensors` gives them, to its loss."""
    import torch
    from ultralytics.utils.loss import v8DetectionLoss

    class Learner(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, pixels: Any, targets: Any) -> dict[str, Any]:
            size = torch.tensor([pixels.shape[3], pixels.shape[2]] * 2, device=pixels.device)
            picture, row = (targets[..., 3] > 0).nonzero(as_tuple=True)
            there = targets[picture, row]
            batch = {"batch_idx": picture.float(), "cls": there[:, :1], "bboxes": there[:, 1:] / size}
            losses, _ = v8DetectionLoss(self.model)(self.model(pixels.flip(1) / 255), batch)
            return {"total_loss": losses.sum() / len(pixels)}

    return Learner()


def _settle_classes(model: Any, classes: Sequence[str], start: Mapping[str, str], weights: Path) -> None:
    known = {name: place for place, name in model.names.items()}
    for label, like in start.items():
        if label not in classes or like not in known:
            raise BadRecipe(
                f"[train.options] start: {label!r} = {like!r}",
                expected=f"a class of the recipe, and one of {weights.name}",
            )
    head = model.model[-1]
    if list(known) != list(classes):
        rows = [known[start[label]] if label in start else -1 for label in classes]
        for branch in head.cv3:
            branch[-1] = with_rows(branch[-1], rows)
    head.nc = model.nc = len(classes)
    head.no = head.nc + 4 * head.reg_max
    model.names = dict(enumerate(classes))


def features(model: Any, pixels: Any) -> tuple[list[Any], Any]:
    """What the head takes, and the embedding (N, dims), of pixels (N, H, W, 3) uint8: red, green, blue."""
    import torch

    kept: list[Any] = []
    made = pixels.permute(0, 3, 1, 2).float() / 255
    *layers, head = model.model
    for layer in layers:
        if layer.f != -1:
            made = kept[layer.f] if isinstance(layer.f, int) else [made if at == -1 else kept[at] for at in layer.f]
        made = layer(made)
        kept.append(made)
    taken = [kept[at] for at in head.f]
    return taken, torch.cat([one.mean(dim=(2, 3)) for one in taken], dim=1)


def to_onnx(model: Any, height: int, width: int) -> bytes:
    """The model as one graph: uint8 pixels, any number of them, to boxes, scores and embedding."""
    import torch

    model.eval()
    head = model.model[-1]
    with torch.no_grad():  # so that the head knows its anchors: they depend on the size alone
        head(features(model, torch.zeros((1, height, width, 3), dtype=torch.uint8))[0])

    class Whole(torch.nn.Module):
        anchors: Any
        strides: Any

        def __init__(self) -> None:
            super().__init__()
            self.model = model
            self.register_buffer("anchors", head.anchors.clone())
            self.register_buffer("strides", head.strides.clone())

        def forward(self, pixels: Any) -> tuple[Any, Any, Any]:
            taken, embedding = features(self.model, pixels)
            found = head.forward_head(taken, **head.one2many)
            boxes = head.decode_bboxes(head.dfl(found["boxes"]), self.anchors.unsqueeze(0)) * self.strides
            middle, size = boxes[:, :2].transpose(1, 2), boxes[:, 2:].transpose(1, 2) / 2
            corners = torch.cat([middle - size, middle + size], dim=2)
            return corners, found["scores"].sigmoid().transpose(1, 2), embedding

    return exported(Whole().eval(), (height, width, 3), OUTPUTS)


def predict(model: Any, inputs: NDArray[np.uint8]) -> tuple[list[Rows], Rows]:
    """Ultralytics' own boxes (K, 6) of each input, decoded and suppressed by its code, and the embeddings."""
    import torch
    from ultralytics.utils.nms import non_max_suppression

    model.eval()
    rows, embeddings = [], []
    for one in inputs:
        with torch.no_grad():
            taken, embedding = features(model, torch.from_numpy(one[None]))
            outputs = model.model[-1](taken)
            # Its time limit, for training, would give no boxes at all on a slow machine.
            found = non_max_suppression(outputs, LEAST, OVERLAP, max_det=MOST, max_time_img=60.0)
        rows.append(found[0].numpy().astype(np.float32))
        embeddings.append(embedding.numpy()[0])
    return rows, np.stack(embeddings)
