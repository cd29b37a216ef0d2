"""The timm trainer: what it learns, whence its weights come, what it refuses, and how its graph answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from sightloop import plugins
from sightloop.data.recipes import load
from sightloop.errors import BadData, BadRecipe, Cancelled, NotReady
from sightloop.runtimes.onnx import RUNTIME
from sightloop.trainers.calibration import fit_temperature
from sightloop.trainers.packaging import pack
from sightloop.trainers.timm.checkpoints import Checkpoints
from sightloop.trainers.timm.linear import loss
from sightloop.trainers.timm.options import options
from sightloop.trainers.timm.pretrained import carried, create, fill, read
from sightloop.trainers.timm.trainer import TRAINER
from sightloop.trainers.trainer import Arrays, Fitted
from sightloop.values.recipe import Recipe

CLASSES = ("red", "green", "blue")


def pictures(count: int, seed: int) -> Arrays:
    """Noise with a disc of one of three colours."""
    chance = np.random.default_rng(seed)
    targets = np.arange(count) % 3
    down, across = np.mgrid[0:64, 0:64]
    inputs = chance.integers(0, 90, (count, 64, 64, 3), dtype=np.uint8)
    for picture, target, middle in zip(inputs, targets, chance.integers(20, 44, (count, 2)), strict=True):
        picture[(down - middle[0]) ** 2 + (across - middle[1]) ** 2 < 200, target] += 150
    return Arrays(inputs, targets)


def recipe(*, epochs: int = 2, **options: Any) -> Recipe:
    """A recipe of few and quick epochs."""
    given = {"backbone": "test_efficientnet", "weights": "none", "frozen": 1} | options
    train = {"trainer": "timm", "epochs": epochs, "batch_size": 16, "learning_rate": 0.005, "options": given}
    return Recipe.of(
        {
            "name": "discs",
            "task": "classification",
            "classes": CLASSES,
            "input": {"kind": "image", "height": 64, "width": 64},
            "train": train,
        }
    )


def ignore(**_: object) -> None:
    """Hears of progress."""


Told = list[dict[str, Any]]


@pytest.fixture(scope="module")
def trained() -> tuple[Fitted, Told]:
    """A model trained once for all tests here, and what it told on the way."""
    told: Told = []
    return TRAINER.train(recipe(), pictures(60, 1), pictures(30, 2), lambda **event: told.append(event)), told


def run(graph: bytes, inputs: NDArray[Any]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The graph's own answers."""
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    logits, embedding = session.run(["logits", "embedding"], {"input": inputs})
    return logits, embedding


def test_comes_through_the_plugin_door() -> None:
    assert plugins.load("trainers", "timm") is TRAINER


def test_the_package_answers_as_torch_does_and_knows_colours(trained: tuple[Fitted, Told], tmp_path: Path) -> None:
    held = pictures(30, 3)
    sealed = pack(trained[0], recipe(), held, open=RUNTIME.open, dataset="", code="", folder=tmp_path)
    assert sealed.card.parity.max_difference < 1e-5
    answers, embeddings = RUNTIME.open(sealed, threads=1).run(held.inputs)
    assert (answers.argmax(axis=1) == held.targets).mean() > 0.75  # by chance 0.33
    assert embeddings.shape == (30, sealed.card.embedding)


def test_it_tells_of_progress_and_that_it_has_no_weights(trained: tuple[Fitted, Told]) -> None:
    fitted, told = trained
    done = [event["done"] for event in told]
    assert done == sorted(done)
    assert 0 <= done[0] < done[-1] <= 1
    assert any("WITHOUT pretrained weights" in event["message"] for event in told)
    assert [row["epoch"] for row in fitted.curves] == [0, 1, 2]
    assert fitted.parameters["kept"] in {"logistic", "tuned"}


def test_the_same_training_twice_gives_the_same_weights(trained: tuple[Fitted, Told]) -> None:
    again = TRAINER.train(recipe(), pictures(60, 1), pictures(30, 2), ignore)
    assert again.reproducible == ""
    assert again.graph == trained[0].graph


def test_auto_loses_no_more_on_validation_than_the_logistic_head(trained: tuple[Fitted, Told]) -> None:
    held = pictures(30, 2)
    logistic = TRAINER.train(recipe(head="logistic"), pictures(60, 1), held, ignore)
    assert logistic.epochs == 1

    def lost(fitted: Fitted) -> float:
        logits = fitted.predict(held.inputs)[0]
        return loss(logits / np.float32(fit_temperature(logits, held.targets)), held.targets)

    assert lost(trained[0]) <= lost(logistic) + 1e-6


@pytest.mark.parametrize("looks", [2, 4])
def test_an_answer_of_several_looks_is_the_same_for_a_picture_turned_over(looks: int, tmp_path: Path) -> None:
    train, held = pictures(30, 1), pictures(12, 2)
    table = recipe(head="logistic", looks=looks, copies=1)
    fitted = TRAINER.train(table, train, held, ignore)
    sealed = pack(fitted, table, held, open=RUNTIME.open, dataset="", code="", folder=tmp_path)
    session = RUNTIME.open(sealed, threads=1)
    answers, embeddings = session.run(held.inputs)
    for axes in [(2,)] if looks == 2 else [(2,), (1,), (1, 2)]:
        turned = session.run(np.ascontiguousarray(np.flip(held.inputs, axes)))
        assert turned[0] == pytest.approx(answers, abs=1e-4)
        assert turned[1] == pytest.approx(embeddings, abs=1e-3)


def test_a_head_on_surfaces_answers_as_torch_does_and_knows_colours(tmp_path: Path) -> None:
    table, held = recipe(embedding="surfaces", copies=1), pictures(30, 2)
    fitted = TRAINER.train(table, pictures(60, 1), held, ignore)
    sealed = pack(fitted, table, held, open=RUNTIME.open, dataset="", code="", folder=tmp_path)
    answers, embeddings = RUNTIME.open(sealed, threads=1).run(held.inputs)
    assert embeddings.shape == (30, sealed.card.embedding)
    assert (answers.argmax(axis=1) == held.targets).mean() > 0.9
    assert fitted.parameters["kept"] == "logistic"


@pytest.mark.parametrize(("embedding", "looks"), [("surfaces", 2), ("surfaces", 4), ("last", 1)])
def test_a_discriminant_head_answers_as_torch_does_and_knows_colours(
    embedding: str, looks: int, tmp_path: Path
) -> None:
    table, held = recipe(embedding=embedding, head="discriminant", looks=looks, copies=1), pictures(30, 2)
    fitted = TRAINER.train(table, pictures(60, 1), held, ignore)
    sealed = pack(fitted, table, held, open=RUNTIME.open, dataset="", code="", folder=tmp_path)
    answers = RUNTIME.open(sealed, threads=1).run(held.inputs)[0]
    assert (answers.argmax(axis=1) == held.targets).mean() > 0.9
    assert fitted.epochs == 1
    assert fitted.parameters["kept"] == "discriminant"
    assert fitted.parameters["discriminant_folds_accuracy"] > 0.9


def test_the_surfaces_of_several_backbones_stand_side_by_side() -> None:
    held, both = pictures(30, 2), ["test_efficientnet", "test_efficientnet_ln"]
    sizes = []
    for backbone in (*both, both):
        table = recipe(backbone=backbone, embedding="surfaces", head="discriminant", copies=0)
        fitted = TRAINER.train(table, pictures(60, 1), held, ignore)
        ours, theirs = run(fitted.graph, held.inputs), fitted.predict(held.inputs)
        assert ours[0] == pytest.approx(theirs[0], abs=1e-3)
        sizes.append(ours[1].shape[1])
    assert sizes[2] == sizes[0] + sizes[1] - 24 * 24  # the colours are the same


def test_two_classes_of_unlike_size_have_a_graph_too() -> None:
    data = pictures(60, 1)
    few = Arrays(data.inputs[(data.targets < 2)][:35], data.targets[data.targets < 2][:35])
    table = recipe(head="logistic")
    two = Recipe.of(
        {
            "name": "two",
            "task": "classification",
            "classes": CLASSES[:2],
            "input": {"kind": "image", "height": 64, "width": 64},
            "train": {"trainer": "timm", "options": table.train.options},
        }
    )
    fitted = TRAINER.train(two, few, few, ignore)
    ours, theirs = run(fitted.graph, few.inputs), fitted.predict(few.inputs)
    assert ours[0].shape == (35, 2)
    assert ours[0] == pytest.approx(theirs[0], abs=1e-3)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_weights_come_from_a_file_in_half_precision(suffix: str, tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    donor = create("test_efficientnet", "none", (64, 64), ignore, local=None, offline=True)
    tensors = {
        name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in donor.state_dict().items()
    }
    path = tmp_path / f"weights{suffix}"
    save_file(tensors, path) if suffix == ".safetensors" else torch.save({"state_dict": tensors}, path)
    for weights, local in ((str(path), None), ("hub", path)):
        model = create("test_efficientnet", weights, (64, 64), ignore, local=local, offline=True)
        assert torch.equal(model.conv_stem.weight, donor.conv_stem.weight.half().float())


def test_a_file_of_code_of_another_model_and_no_file_are_refused(tmp_path: Path) -> None:
    import torch

    with pytest.raises(BadRecipe, match="are not there"):
        read(tmp_path / "none.pth")
    torch.save({"hook": print}, tmp_path / "code.pth")
    with pytest.raises(BadRecipe, match="no state dict"):
        read(tmp_path / "code.pth")
    model = create("test_efficientnet", "none", (64, 64), ignore, local=None, offline=True)
    with pytest.raises(BadRecipe, match="of another model"):
        fill(model, {"a": torch.zeros(3)}, tmp_path / "other.pth")


def test_weights_come_from_an_installed_package_whose_code_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    donor = create("test_efficientnet", "none", (64, 64), ignore, local=None, offline=True)
    monkeypatch.syspath_prepend(tmp_path)
    for package, files in {"carries_one": ("a.pth",), "carries_two": ("a.pth", "b.pth"), "carries_none": ()}.items():
        (tmp_path / package / "models").mkdir(parents=True)
        (tmp_path / package / "__init__.py").write_text("raise RuntimeError('imported')")
        for name in files:
            torch.save(donor.state_dict(), tmp_path / package / "models" / name)
    model = create("test_efficientnet", "package:carries_one", (64, 64), ignore, local=None, offline=True)
    assert torch.equal(model.conv_stem.weight, donor.conv_stem.weight)
    for weights, refused, message in (
        ("package:carries_two", BadRecipe, "which weights"),
        ("package:carries_none", BadRecipe, "which weights"),
        ("package:not_there_at_all", NotReady, "pip install not-there-at-all"),
        ("package:../secret", BadRecipe, "no name of a Python package"),
    ):
        with pytest.raises(refused, match=message):
            create("test_efficientnet", weights, (64, 64), ignore, local=None, offline=True)


@pytest.mark.parametrize("backbone", options(load()["leaf"]).backbones)
def test_the_weights_of_leaf_come_with_packages_and_know_a_temple(backbone: tuple[str, str]) -> None:
    import torch
    from sklearn.datasets import load_sample_image

    model = create(*backbone, (224, 224), ignore, local=None, offline=True).eval()
    tensors = read(carried(backbone[1].removeprefix("package:")))
    temple = cv2.resize(load_sample_image("china.jpg")[:427, 100:527], (224, 224), interpolation=cv2.INTER_AREA)
    pixels = torch.from_numpy(temple).permute(2, 0, 1)[None].float() / 127.5 - 1
    with torch.no_grad():
        logits = model(pixels) @ tensors["_fc.weight"].T + tensors["_fc.bias"]
    assert int(logits.argmax()) == 698  # ImageNet's class "palace"


def test_without_the_hub_it_says_what_to_do() -> None:
    with pytest.raises(NotReady, match="SIGHTLOOP_WEIGHTS"):
        create("mobilenetv2_100", "hub", (64, 64), ignore, local=None, offline=True)


def test_the_shared_weights_answer_as_torchvisions_network_does(shared_data: Path) -> None:
    import torch
    import torchvision

    folder = shared_data / "weights"
    model = create("mobilenetv2_100", "hub", (96, 96), ignore, local=folder, offline=True).eval()
    theirs = torchvision.models.mobilenet_v2()
    theirs.load_state_dict(read(folder / "mobilenet_v2_imagenet_fp16.pth"))
    pixels = torch.rand((2, 3, 96, 96), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert torch.equal(model(pixels), theirs.eval().features(pixels).mean((2, 3)))


@pytest.mark.parametrize("name", ["rps", "leaf"])
def test_the_recipes_that_ship_are_taken(name: str) -> None:
    TRAINER.check(load()[name])


def test_a_training_cut_off_goes_on_after_its_last_epoch_to_the_same_weights(tmp_path: Path) -> None:
    table, train, held = recipe(epochs=4, mixing=0.2), pictures(60, 1), pictures(30, 2)
    undisturbed = TRAINER.train(table, train, held, ignore)

    for epoch in (2, 3):  # the second attempt too, after an epoch of its own

        def cut_off(epoch: int = epoch, **event: Any) -> None:
            if event.get("metrics", {}).get("epoch") == epoch:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            TRAINER.resuming(tmp_path).train(table, train, held, cut_off)
    told: Told = []
    resumed = TRAINER.resuming(tmp_path).train(table, train, held, lambda **event: told.append(event))
    assert any("going on after epoch 2" in event["message"] for event in told)
    assert resumed.graph == undisturbed.graph
    assert resumed.curves == undisturbed.curves


def test_a_damaged_checkpoint_and_code_in_one_are_passed_over(tmp_path: Path) -> None:
    import torch

    kept = Checkpoints(tmp_path)
    assert kept.load("tuning") is None
    kept.save("tuning", {"weights": torch.ones(3), "epoch": 2})
    assert torch.equal((kept.load("tuning") or {})["weights"], torch.ones(3))
    (tmp_path / "tuning.pt").write_bytes((tmp_path / "tuning.pt").read_bytes()[:200])
    assert kept.load("tuning") is None
    torch.save({"hook": print}, tmp_path / "tuning.pt")
    assert kept.load("tuning") is None


def test_patience_ends_a_training_that_no_longer_gains_and_keeps_its_best_epoch() -> None:
    data, held = pictures(30, 1), pictures(30, 2)
    held = Arrays(held.inputs, held.targets[::-1].copy())  # what is learned makes it worse on these
    fitted = TRAINER.train(recipe(epochs=9, head="tuned", patience=2), data, held, ignore)
    losses = [row["val_loss"] for row in fitted.curves[1:]]
    assert len(losses) < 9
    assert losses.index(min(losses)) == len(losses) - 3
    lead = fitted.predict(held.inputs)[0]
    assert loss(lead, held.targets) == pytest.approx(min(losses), abs=1e-4)


def test_what_report_raises_stops_the_training() -> None:
    def cancel(**event: Any) -> None:
        if event.get("metrics", {}).get("loss"):
            raise Cancelled("a person stopped the run")

    with pytest.raises(Cancelled):
        TRAINER.train(recipe(epochs=1000), pictures(30, 1), pictures(15, 2), cancel)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"bakbone": "resnet18"}, "did you mean 'backbone'"),
        ({"changes": {"rotated": 5}}, "did you mean 'rotate'"),
        ({"changes": {"rotate": -5}}, r"changes\.rotate"),
        ({"head": "big"}, "head"),
        ({"embedding": "surfaces", "head": "tuned"}, "only the head learns"),
        ({"embedding": "surfaces", "backbone": "resnet18"}, "no surfaces"),
        ({"backbone": "mobilenetv2_10"}, "did you mean 'mobilenetv2_1"),
        ({"backbone": ["test_efficientnet", "resnet18"]}, "as surfaces only"),
        ({"backbone": ["test_efficientnet", "test_efficientnet"], "embedding": "surfaces"}, "different backbones"),
        ({"backbone": []}, "backbone"),
        ({"weights": ["none", "none"]}, "for each backbone"),
    ],
)
def test_options_that_are_not_there_or_cannot_be_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(BadRecipe, match=message):
        TRAINER.train(recipe(**given), pictures(6, 1), pictures(6, 1), ignore)


def test_landmarks_and_a_class_without_samples_are_refused() -> None:
    table = {"name": "hands", "task": "landmarks", "classes": ["a", "b"], "input": {"kind": "landmarks"}}
    with pytest.raises(BadRecipe, match="takes images"):
        TRAINER.check(Recipe.of(table | {"train": {"trainer": "timm"}}))
    with pytest.raises(BadData, match="no samples to train on"):
        TRAINER.train(recipe(), pictures(2, 1), pictures(3, 1), ignore)
