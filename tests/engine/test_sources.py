"""The presets that reproduce a source, against the source's loss written down anew.

Nothing of the engine is used on the source's side but the weights' numbers: preprocessing, network,
Gram matrices and losses are plain torch here, from the publications. Both sides run in float64:
in float32 a rounding can turn which of four neighbours a max pooling takes, and with it a gradient.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torchvision.models.vgg import cfgs, make_layers

from engine.network.vgg import VGG19
from engine.network.weights import Weights
from engine.objective import style_transfer_objective
from engine.settings import resolve


def load(path: Path, size: tuple[int, int]) -> Tensor:
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB").resize(size, Image.Resampling.LANCZOS))
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].double() / 255


@pytest.fixture(scope="module")
def pictures(photograph: Path, painting: Path) -> tuple[Tensor, Tensor, Tensor]:
    """Content, style, and a picture on its way from one to the other."""
    content, style = load(photograph, (128, 96)), load(painting, (128, 96))
    return content, style, 0.7 * content + 0.3 * style


def value_and_gradient(loss: Tensor, x: Tensor) -> tuple[float, Tensor]:
    (gradient,) = torch.autograd.grad(loss, x)
    return loss.item(), gradient


def assert_same(ours: tuple[float, Tensor], theirs: tuple[float, Tensor]) -> None:
    assert ours[0] == pytest.approx(theirs[0], rel=1e-5)
    error = (ours[1] - theirs[1]).norm() / theirs[1].norm()
    assert error < 1e-5


def test_gatys_is_the_loss_of_the_cvpr_2016_reference_code(
    vgg: VGG19, pictures: tuple[Tensor, Tensor, Tensor]
) -> None:
    content, style, x = pictures
    convolutions = [(w.double(), b.double()) for w, b in vgg.weights.convolutions.values()]

    def network(x: Tensor) -> dict[str, Tensor]:
        """Oxford's VGG19: BGR, 0 to 255, mean subtracted; activations after each ReLU."""
        mean = torch.tensor([103.939, 116.779, 123.68]).double().view(3, 1, 1)
        x = x[:, [2, 1, 0]] * 255 - mean
        found, index = {}, 0
        for block, count in enumerate((2, 2, 4, 4, 1), start=1):
            for i in range(1, count + 1):
                x = F.relu(F.conv2d(x, *convolutions[index], padding=1))
                found[f"r{block}{i}"] = x
                index += 1
            x = F.max_pool2d(x, 2)
        return found

    def gram(f: Tensor) -> Tensor:
        b, c, h, w = f.shape
        flat = f.view(b, c, h * w)
        return torch.bmm(flat, flat.transpose(1, 2)) / (h * w)

    x = x.clone().requires_grad_()
    of_x, of_content, of_style = network(x), network(content), network(style)
    loss = F.mse_loss(of_x["r42"], of_content["r42"])
    layers = {"r11": 64, "r21": 128, "r31": 256, "r41": 512, "r51": 512}
    for name, channels in layers.items():
        loss = loss + 1e3 / channels**2 * F.mse_loss(gram(of_x[name]), gram(of_style[name]))
    theirs = value_and_gradient(loss, x)

    exact, gatys = VGG19(vgg.weights, "cpu", "float64"), resolve({"preset": "gatys"})
    objective = style_transfer_objective(exact, content, [style], gatys)
    assert_same(value_and_gradient(objective(x).sum(), x), theirs)


def test_tutorial_is_the_loss_of_the_pytorch_tutorial(
    vgg: VGG19, pictures: tuple[Tensor, Tensor, Tensor]
) -> None:
    """torchvision's numbers need a download, so its layout carries Oxford's, brought to its input.

    conv1_1's weights are multiplied so that the features are what they are with Oxford's own
    preprocessing scaled by 1/50: the loss is the tutorial's, the network a working one.
    """
    content, style, x = pictures
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    convolutions = dict(vgg.weights.convolutions)
    weight, bias = convolutions["conv1_1"]
    convolutions["conv1_1"] = (weight[:, [2, 1, 0]] * 255 * 0.225 / 50, bias / 50)
    weights = Weights("test", "0", convolutions, "rgb", 1.0, mean, std)

    network = make_layers(cfgs["E"][:8])  # to the fifth convolution
    numbers = list(convolutions.values())
    for module in network:
        if isinstance(module, nn.Conv2d):
            w, b = numbers.pop(0)
            module.weight, module.bias = nn.Parameter(w.double()), nn.Parameter(b.double())
        elif isinstance(module, nn.ReLU):
            module.inplace = False  # as in the tutorial

    def convolved(x: Tensor) -> list[Tensor]:
        """The outputs of the first five convolutions, before their ReLU."""
        x = (x - torch.tensor(mean).double().view(-1, 1, 1)) / torch.tensor(std).double().view(
            -1, 1, 1
        )
        found = []
        for module in network:
            x = module(x)
            if isinstance(module, nn.Conv2d):
                found.append(x)
            if len(found) == 5:
                break
        return found

    def gram(f: Tensor) -> Tensor:
        a, b, c, d = f.size()
        flat = f.view(a * b, c * d)
        return torch.mm(flat, flat.t()).div(a * b * c * d)

    x = x.clone().requires_grad_()
    of_x, of_content, of_style = convolved(x), convolved(content), convolved(style)
    loss = F.mse_loss(of_x[3], of_content[3].detach())
    for f, target in zip(of_x, of_style, strict=True):
        loss = loss + 1_000_000 * F.mse_loss(gram(f), gram(target).detach())
    theirs = value_and_gradient(loss, x)

    exact, tutorial = VGG19(weights, "cpu", "float64"), resolve({"preset": "tutorial"})
    objective = style_transfer_objective(exact, content, [style], tutorial)
    assert_same(value_and_gradient(objective(x).sum(), x), theirs)
