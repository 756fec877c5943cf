"""How ``train_on_gpu.py`` trains: batches of changed faces, losses of both heads and teachers, averaging."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch_faces import light_changes, standardised, strong_changes

from emotion.training.datasets import FerDataset
from emotion.training.datasets.ferplus import FERPLUS_COLUMNS, ferplus_majority
from emotion.training.metrics import mean_recall, negative_log_likelihood, recalls

__all__ = ["Data", "History", "Trainer", "answers", "figures"]

BATCH, RATE, AVERAGE, VOTE_WEIGHT = 512, 0.2, 0.999, 1.5
TEACHING, TEMPERATURE = 0.75, 1.5
"""Share of the teachers in what the student learns, and what their logits are divided by."""
STATISTICS_BATCHES = 24
"""How many batches the statistics of averaged weights are measured on."""
LAST = 0.15
"""Share of the training, at its end, in which faces are neither blended nor cut, and half of them (or fewer,
if so asked) strongly changed: a network shall end with faces as people show them."""
LAST_STRONG = 0.5


History = list[dict[str, float]]
"""Figures on the way, as in ``history.json``."""


@dataclass
class Data:
    """One run's tensors, all on the device."""

    faces: Tensor  # (N, 48, 48) uint8: training faces that stand in no other split
    targets: Tensor  # (N, 15): label distribution, vote distribution
    prior: Tensor  # (15,): logarithm of the label frequencies, 0 for votes
    validation: FerDataset


def as_input(faces: Tensor) -> Tensor:
    return faces[:, None].float() / 255


def answers(network: nn.Module, faces: Tensor, *, mirrored: bool = False) -> Tensor:
    """(N, 15) logits to unchanged faces, on the processor; the mean of both mirror images if asked."""
    network.eval()
    parts = []
    with torch.no_grad():
        for part in faces.split(BATCH):
            x = standardised(as_input(part))
            logits = network(x)
            parts.append(((logits + network(x.flip(3))) / 2 if mirrored else logits).float().cpu())
    return torch.cat(parts)


def figures(network: nn.Module, data: Data) -> dict[str, float]:
    """What ``history.json`` says of an epoch, on the validation faces."""
    own = data.validation
    logits = answers(network, torch.from_numpy(own.images).to(data.faces.device))
    natural = (logits + data.prior.cpu())[:, :7]
    counted, winners = ferplus_majority(own.votes)
    votes = logits[:, 7:][:, FERPLUS_COLUMNS].argmax(1).numpy()
    return {
        "accuracy": float((natural.argmax(1).numpy() == own.labels).mean()),
        "mean_recall": mean_recall(logits[:, :7].argmax(1).numpy(), own.labels),
        "weakest_recall": min(recalls(natural.argmax(1).numpy(), own.labels).values()),
        "validation_loss": negative_log_likelihood(natural.softmax(1).numpy(), own.labels),
        "ferplus": float((votes == winners)[counted].mean()),
    }


def changed(faces: Tensor, strong_share: float) -> Tensor:
    """The first of a (shuffled) batch strongly changed, the rest lightly."""
    strong = round(strong_share * len(faces))
    parts = ((strong_changes, faces[:strong]), (light_changes, faces[strong:]))
    return torch.cat([change(part) for change, part in parts if len(part)])


def mixed(faces: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """CutMix (Yun et al., 2019) or mixup (Zhang et al., 2017) of a batch with itself."""
    other = torch.randperm(len(faces), device=faces.device)
    if torch.rand(()) < 0.5:
        side = faces.shape[-1]
        window = round(side * math.sqrt(float(torch.rand(()))))
        top, left = torch.randint(side - window + 1, (2,)).tolist()
        mask = torch.zeros(side, side, dtype=torch.bool, device=faces.device)
        mask[top : top + window, left : left + window] = True
        faces, share = torch.where(mask, faces[other], faces), 1 - (window / side) ** 2
    else:
        share = float(torch.distributions.Beta(0.2, 0.2).sample())
        faces = share * faces + (1 - share) * faces[other]
    return faces, share * targets + (1 - share) * targets[other]


def loss_of(logits: Tensor, targets: Tensor, prior: Tensor, teacher: Tensor | None) -> Tensor:
    """Cross-entropies of both heads, the first logit-adjusted (Menon et al., 2021), and of the teachers."""

    def heads(values: Tensor) -> tuple[Tensor, Tensor]:
        return values[:, :7], values[:, 7:]

    adjusted = logits + prior
    hard, soft = torch.zeros((), device=logits.device), torch.zeros((), device=logits.device)
    taught = teacher is not None
    lessons = heads((teacher + prior) / TEMPERATURE) if taught else ()
    for head, weight in enumerate((1.0, VOTE_WEIGHT)):
        own, wanted = heads(adjusted)[head], heads(targets)[head]
        hard = hard - weight * (wanted * own.log_softmax(1)).sum(1).mean()
        if taught:
            cross = (lessons[head].softmax(1) * (own / TEMPERATURE).log_softmax(1)).sum(1).mean()
            soft = soft - weight * TEMPERATURE**2 * cross
    return (1 - TEACHING) * hard + TEACHING * soft if taught else hard


class Trainer:
    """Trains one network by the clock: warm-up, then a cosine that ends with the time, at any speed."""

    def __init__(
        self,
        network: nn.Module,
        data: Data,
        *,
        rate: float = RATE,
        strong_share: float = 1.0,
        mixing: bool = True,
        teachers: Sequence[nn.Module] = (),
    ) -> None:
        """Make a trainer.

        Args:
            network: What to train, on the device.
            data: What to train it on.
            rate: The highest learning rate.
            strong_share: Share of the faces of each batch with all changes instead of the small ones; at the
                end it is at most :data:`LAST_STRONG`.
            mixing: Whether every second batch is blended or cut.
            teachers: Networks whose mean answer to the same changed faces is learned as well.
        """
        self.network, self.data, self.teachers = network, data, teachers
        self.rate, self.strong_share, self.mixing = rate, strong_share, mixing
        self.last_strong = min(strong_share, LAST_STRONG)
        self.average = copy.deepcopy(network)
        trained = [weights for weights in network.parameters() if weights.requires_grad]
        decaying = [weights for weights in trained if weights.ndim > 1]
        others = [weights for weights in trained if weights.ndim <= 1]
        groups = [{"params": decaying, "weight_decay": 5e-4}, {"params": others, "weight_decay": 0}]
        self.optimizer = torch.optim.SGD(groups, lr=rate, momentum=0.9, nesterov=True)
        self.steps = 0
        self.losses: list[Tensor] = []

    def run(self, seconds: float, *, report_every: float) -> tuple[nn.Module, History]:
        """Train for so long.

        Returns:
            The moving average of the weights, with batch statistics of its own, and the figures on the way.
        """
        history: History = []
        begin = reported = now = time.monotonic()
        while now - begin < seconds:
            for rows in self._batches():
                self._step(rows, (now - begin) / seconds)
                if self.steps % 10 == 0:
                    self.losses[-1].item()  # waits for the device, so that the clock is right
                now = time.monotonic()
                if now - begin >= seconds:
                    break
                if now - reported > report_every:
                    reported = now
                    history.append(self._report(now - begin))
        measure_statistics(self.average, self.data, self.strong_share)
        history.append(self._report(now - begin))
        return self.average, history

    def _batches(self) -> list[Tensor]:
        """The rows of one epoch, shuffled, in whole batches."""
        count = len(self.data.faces)
        size = min(BATCH, count)
        order = torch.randperm(count, device=self.data.faces.device)
        return list(order[: count // size * size].split(size))

    def _step(self, rows: Tensor, done: float) -> None:
        self.network.train()
        targets, last = self.data.targets[rows], done >= 1 - LAST
        strong = self.last_strong if last else self.strong_share
        faces = standardised(changed(as_input(self.data.faces[rows]), strong))
        if self.mixing and not last and torch.rand(()) < 0.5:
            faces, targets = mixed(faces, targets)
        # Twice as fast as float32 on processors that know bfloat16, and more on GPUs.
        with torch.autocast(faces.device.type, torch.bfloat16):
            with torch.no_grad():
                said = [teacher(faces) for teacher in self.teachers]
            logits = self.network(faces).float()
        teacher = torch.stack(said).float().mean(0) if said else None
        loss = loss_of(logits, targets, self.data.prior, teacher)
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate * min(1, done / 0.05) * (1 + math.cos(math.pi * done)) / 2
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimizer.step()
        self.steps += 1
        follow(self.average, self.network, min(AVERAGE, (1 + self.steps) / (10 + self.steps)))
        self.losses.append(loss.detach())

    def _report(self, seconds: float) -> dict[str, float]:
        loss = float(torch.stack(self.losses).mean()) if self.losses else float("nan")
        self.losses = []
        count = len(self.data.faces)
        epoch = self.steps * min(BATCH, count) / count
        found = {"loss": loss} | figures(self.average, self.data)
        found |= {"epoch": epoch, "seconds": seconds}
        print(*(f"{name} {value:.4f}" for name, value in found.items()), flush=True)
        return found


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, momentum: float) -> None:
    """Move the averaged weights and statistics a little towards the present ones."""
    for mean, now in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if mean.is_floating_point():
            mean.lerp_(now, 1 - momentum)


@torch.no_grad()
def measure_statistics(network: nn.Module, data: Data, strong_share: float) -> None:
    """Batch statistics that belong to the averaged weights (Izmailov et al., 2018)."""
    network.eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None  # the plain mean over all batches
            module.train()
    size = min(BATCH, len(data.faces))
    for _ in range(STATISTICS_BATCHES):
        rows = torch.randint(len(data.faces), (size,), device=data.faces.device)
        network(standardised(changed(as_input(data.faces[rows]), strong_share)))
    network.eval()
