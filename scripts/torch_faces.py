"""What ``train_on_gpu.py`` trains, and on what: networks, and changes to whole batches of faces on a device.

Faces are (N, 1, 48, 48) float32 tensors, 0 black to 1 white. Every change draws its own random amounts for
each face of the batch. They are those of ``emotion.training.augment``, written for a GPU.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = [
    "RESIDUAL",
    "STUDENT",
    "TEACHER",
    "FaceNetwork",
    "ResidualNetwork",
    "light_changes",
    "standardised",
    "strong_changes",
]

Changes = Callable[[Tensor], Tensor]

TEACHER, STUDENT = ((64, 128, 256, 512), 0.4), ((32, 64, 192, 384), 0.2)
"""Channels of the four blocks and dropout. The student is ``emotion.training.architectures.compact``."""
RESIDUAL = ((64, 128, 256, 320), 0.3)
"""The same of a residual teacher, which errs on other faces than a plain one does."""
SKIPPED = 0.1
"""How often the last residual block is skipped while training; earlier ones more rarely."""

LABELS, VOTES = 7, 8


class FaceNetwork(nn.Module):
    """Blocks of two 3×3 convolutions with batch normalisation and ReLU, pooling between, one linear layer."""

    def __init__(self, channels: tuple[int, ...], dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        width = 1
        for block, wider in enumerate(channels):
            if block:
                layers.append(nn.MaxPool2d(2))
            for _ in range(2):
                convolution = nn.Conv2d(width, wider, 3, padding=1, bias=False)
                nn.init.kaiming_normal_(convolution.weight, mode="fan_out", nonlinearity="relu")
                # Keras's epsilon, so that the weights give the same answers there.
                layers += [convolution, nn.BatchNorm2d(wider, eps=1e-3), nn.ReLU(inplace=True)]
                width = wider
        self.features = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.Linear(width, LABELS + VOTES)

    def forward(self, faces: Tensor) -> Tensor:
        """(N, 15) logits: labels of FER-2013, then votes of FER+."""
        return self.heads(self.dropout(self.features(faces).mean(dim=(2, 3))))


class ResidualBlock(nn.Module):
    """Two convolutions beside a shortcut (He et al., 2016), gated by channel (Hu et al., 2018).

    It is skipped at random while training (Huang et al., 2016).
    """

    def __init__(self, width: int, wider: int, *, pool: bool, skipped: float) -> None:
        super().__init__()
        self.pool, self.skipped = pool, skipped
        self.before, self.between = nn.BatchNorm2d(width), nn.BatchNorm2d(wider)
        self.first = nn.Conv2d(width, wider, 3, padding=1, bias=False)
        self.second = nn.Conv2d(wider, wider, 3, padding=1, bias=False)
        self.shortcut = nn.Conv2d(width, wider, 1, bias=False) if wider != width else nn.Identity()
        self.gate = nn.Sequential(
            nn.Linear(wider, wider // 8), nn.ReLU(), nn.Linear(wider // 8, wider), nn.Sigmoid()
        )
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        if self.pool:
            x = functional.max_pool2d(x, 2)
        own = self.second(
            functional.relu(self.between(self.first(functional.relu(self.before(x)))))
        )
        gate = self.gate(own.mean(dim=(2, 3)))[:, :, None, None]
        if self.training and self.skipped:
            gate = gate * (torch.rand_like(gate[:, :1]) >= self.skipped) / (1 - self.skipped)
        return self.shortcut(x) + own * gate


class ResidualNetwork(nn.Module):
    """Blocks of two :class:`ResidualBlock`, pooling between, one linear layer; answers as FaceNetwork."""

    def __init__(self, channels: tuple[int, ...], dropout: float) -> None:
        super().__init__()
        width = channels[0]
        self.stem = nn.Conv2d(1, width, 3, padding=1, bias=False)
        blocks: list[nn.Module] = []
        for wider in channels:
            for first in (True, False):
                skipped = SKIPPED * len(blocks) / (2 * len(channels) - 1)
                pool = first and bool(blocks)
                blocks.append(ResidualBlock(width, wider, pool=pool, skipped=skipped))
                width = wider
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.BatchNorm2d(width)
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.Linear(width, LABELS + VOTES)

    def forward(self, faces: Tensor) -> Tensor:
        """(N, 15) logits: labels of FER-2013, then votes of FER+."""
        x = functional.relu(self.norm(self.blocks(self.stem(faces))))
        return self.heads(self.dropout(x.mean(dim=(2, 3))))


def standardised(faces: Tensor) -> Tensor:
    """Each face minus its mean, divided by its deviation: what networks take."""
    deviation = faces.std(dim=(2, 3), keepdim=True, correction=0)
    return (faces - faces.mean(dim=(2, 3), keepdim=True)) / deviation.clamp_min(1e-2)


def strong_changes(faces: Tensor) -> Tensor:
    """Everything a camera may do, and what people wear: for hundreds of epochs."""
    faces = _placed(faces, turn=15.0, zoom=0.18, move=0.12)
    faces = _lit(faces, gamma=0.35, contrast=0.3, brightness=0.2, gradient=0.4)
    faces = _sometimes(0.15, faces, _covered)
    faces = _sometimes(0.2, faces, _blurred)
    faces = _sometimes(0.15, faces, _small)
    faces = _sometimes(0.15, faces, _noisy)
    faces = _sometimes(0.2, faces, _compressed)
    return _sometimes(0.25, faces, _erased)


def light_changes(faces: Tensor) -> Tensor:
    """Small ones: for the last epochs."""
    faces = _placed(faces, turn=11.0, zoom=0.1, move=0.06)
    return _lit(faces, gamma=0.25, contrast=0.2, brightness=0.1, gradient=0.0)


def _between(faces: Tensor, low: float, high: float) -> Tensor:
    """A number for each face: (N, 1, 1, 1)."""
    return torch.empty(len(faces), 1, 1, 1, device=faces.device).uniform_(low, high)


def _sometimes(probability: float, faces: Tensor, change: Changes) -> Tensor:
    return torch.where(_between(faces, 0, 1) < probability, change(faces), faces)


def _axes(faces: Tensor) -> tuple[Tensor, Tensor]:
    """Where each pixel lies, from −1 to 1: to the right (1, 1, 1, S), and down (1, 1, S, 1)."""
    line = torch.linspace(-1, 1, faces.shape[-1], device=faces.device)
    return line.view(1, 1, 1, -1), line.view(1, 1, -1, 1)


def _placed(faces: Tensor, turn: float, zoom: float, move: float) -> Tensor:
    """Mirrored, turned by degrees, zoomed, and moved by a share of the side."""
    angle = _between(faces, -math.radians(turn), math.radians(turn)).flatten()
    size = _between(faces, 1 - zoom, 1 + zoom).flatten()
    mirror = torch.where(_between(faces, 0, 1).flatten() < 0.5, -1.0, 1.0)
    right, down = (_between(faces, -2 * move, 2 * move).flatten() for _ in range(2))
    cos, sin = angle.cos() / size, angle.sin() / size
    rows = [torch.stack([mirror * cos, -sin, right], 1), torch.stack([mirror * sin, cos, down], 1)]
    grid = functional.affine_grid(torch.stack(rows, 1), list(faces.shape), align_corners=False)
    return functional.grid_sample(faces, grid, padding_mode="reflection", align_corners=False)


def _lit(
    faces: Tensor, *, gamma: float, contrast: float, brightness: float, gradient: float
) -> Tensor:
    faces = faces.clamp(0, 1) ** _between(faces, -gamma, gamma).exp()
    faces = (faces - 0.5) * _between(faces, 1 - contrast, 1 + contrast) + 0.5
    faces = faces + _between(faces, -brightness, brightness)
    if gradient:
        right, down = _axes(faces)
        angle, slope = _between(faces, 0, 2 * math.pi), _between(faces, 0, gradient)
        faces = faces * (1 + slope * (angle.cos() * right + angle.sin() * down))
    return faces.clamp(0, 1)


def _blurred(faces: Tensor) -> Tensor:
    """A Gaussian of 0.5 to 2 pixels, first along rows and then along columns."""
    reach = 4
    distance = torch.arange(-reach, reach + 1, device=faces.device)
    weights = torch.exp(-0.5 * (distance / _between(faces, 0.5, 2.0)) ** 2)  # (N, 1, 1, 9)
    weights = weights / weights.sum(dim=-1, keepdim=True)
    for _ in range(2):
        padded = functional.pad(faces, (reach, reach, 0, 0), mode="reflect")
        windows = padded.unfold(3, 2 * reach + 1, 1)
        faces = (windows * weights.unsqueeze(2)).sum(dim=-1).transpose(2, 3)
    return faces


def _small(faces: Tensor) -> Tensor:
    """As if the face had been half as wide."""
    side = faces.shape[-1]
    small = functional.interpolate(faces, size=side // 2, mode="area")
    return functional.interpolate(small, size=side, mode="bilinear", align_corners=False)


def _noisy(faces: Tensor) -> Tensor:
    return (faces + torch.randn_like(faces) * _between(faces, 0.01, 0.06)).clamp(0, 1)


def _compressed(faces: Tensor) -> Tensor:
    """JPEG of quality 15 to 70: each 8×8 block's cosine coefficients are rounded by the standard's table."""
    place = torch.arange(8, device=faces.device, dtype=torch.float32)
    cosines = torch.cos((2 * place + 1) * place[:, None] * math.pi / 16) / 2
    cosines[0] /= math.sqrt(2)
    quality = _between(faces, 15, 70)
    scale = torch.where(quality < 50, 50 / quality, 2 - quality / 50).unsqueeze(-1).unsqueeze(-1)
    steps = (torch.tensor(LUMINANCE, device=faces.device) * scale).round().clamp_min(1) / 255
    blocks = (faces - 0.5).unfold(2, 8, 8).unfold(3, 8, 8)  # (N, 1, 6, 6, 8, 8)
    rounded = (cosines @ blocks @ cosines.T / steps).round() * steps
    blocks = cosines.T @ rounded @ cosines
    return (blocks.permute(0, 1, 2, 4, 3, 5).reshape(faces.shape) + 0.5).clamp(0, 1)


LUMINANCE = [
    [16.0, 11, 10, 16, 24, 40, 51, 61],
    [12, 12, 14, 19, 26, 58, 60, 55],
    [14, 13, 16, 24, 40, 57, 69, 56],
    [14, 17, 22, 29, 51, 87, 80, 62],
    [18, 22, 37, 56, 68, 109, 103, 77],
    [24, 35, 55, 64, 81, 104, 113, 92],
    [49, 64, 78, 87, 103, 121, 120, 101],
    [72, 92, 95, 98, 112, 100, 103, 99],
]
"""Steps of the 64 coefficients at quality 50 (ITU-T T.81, annex K.1)."""


def _covered(faces: Tensor) -> Tensor:
    """By a mask (half of the faces), sunglasses, or something that hides one side."""
    right, down = _axes(faces)
    lower = (down > _between(faces, -0.1, 0.3)) & (right.abs() < _between(faces, 0.7, 1.1))
    brow = _between(faces, -0.6, -0.35)
    eyes = (down > brow) & (down < brow + _between(faces, 0.25, 0.5)) & (right.abs() < 0.85)
    turned = right * torch.where(_between(faces, 0, 1) < 0.5, -1.0, 1.0)
    kind = _between(faces, 0, 1)
    shape = torch.where(kind < 0.5, lower, torch.where(kind < 0.75, eyes, turned > 0.3))
    return torch.where(shape, _between(faces, 0, 1), faces)


def _erased(faces: Tensor) -> Tensor:
    """A rectangle of one tone."""
    right, down = _axes(faces)
    across = (right - _between(faces, -1, 1)).abs() < _between(faces, 0.15, 0.5)
    along = (down - _between(faces, -1, 1)).abs() < _between(faces, 0.15, 0.5)
    return torch.where(across & along, _between(faces, 0, 1), faces)
