"""Train teachers and, taught by them, the compact network on a GPU in minutes; or finish it on a processor.

    python scripts/train_on_gpu.py distil --data FOLDER --out runs/gpu
    python scripts/train_on_gpu.py finish --data FOLDER --out runs/fine --start-from runs/gpu/student.npz \\
        --soft-targets runs/gpu/soft_targets.npz --minutes 60 --device cpu
    python scripts/convert_torch.py --weights runs/fine/student.npz --data FOLDER --name mine

``--data`` is what ``train.py`` reads; for a machine without the libraries for that, ``pack --data FOLDER
--out faces.npz`` writes everything into one file. ``distil`` trains a teacher for each number of
``--teacher-seconds``, plain and residual ones in turn, then the student for ``--student-seconds``. It sees
the same changed faces as the teachers, whose answers are three quarters of what it learns.
``--also-taught-by`` names students of earlier runs that teach as well. Beside it, ``soft_targets.npz`` holds
the teachers' mean answers to the unchanged training faces, for ``finish`` and for
``train.py --soft-targets``. ``finish`` goes on with small changes to half of the faces. Needs PyTorch.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import torch
from torch import nn
from torch_faces import RESIDUAL, STUDENT, TEACHER, FaceNetwork, ResidualNetwork
from torch_fit import Data, History, Trainer, answers

from emotion.errors import EmotionError
from emotion.training.datasets import FerDataset, read_splits
from emotion.training.from_torch import read_state
from emotion.training.targets import Targets, blend, log_prior, make_targets, read_soft_targets

SMOOTHING, SOFT_SHARE = 0.05, 0.6
FINISH_RATE, FINISH_STRONG = 0.02, 0.5


def main() -> int:
    options = parse_arguments()
    try:
        {"pack": pack, "distil": distil, "finish": finish}[options.step](options)
    except EmotionError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("step", choices=("pack", "distil", "finish"))
    parser.add_argument("--data", required=True, help="what train.py reads, or a file of `pack`")
    parser.add_argument("--out", type=Path, required=True, help="folder of results; of pack, file")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--faces", type=int, default=0, help="train on this many only; 0: all")
    parser.add_argument("--report-every", type=float, default=10.0, metavar="SECONDS")
    step = parser.add_argument_group("distil")
    step.add_argument("--teacher-seconds", type=float, nargs="*", default=[95.0, 130.0])
    step.add_argument("--also-taught-by", type=Path, nargs="*", default=[], metavar="STUDENT.NPZ")
    step.add_argument("--student-seconds", type=float, default=315.0)
    step = parser.add_argument_group("finish")
    step.add_argument("--start-from", type=Path, help="student.npz of distil")
    step.add_argument("--soft-targets", type=Path, help="soft_targets.npz of distil")
    step.add_argument("--minutes", type=float, default=60.0)
    options = parser.parse_args()
    if options.step == "finish" and not options.start_from:
        parser.error("finish needs --start-from student.npz")
    return options


def pack(options: argparse.Namespace) -> None:
    """Write both splits into one file that needs nothing but NumPy to be read."""
    splits = read_splits(options.data)
    arrays = {
        f"{split}_{name}": getattr(splits[split], name)
        for split in ("train", "validation")
        for name in FerDataset.__slots__
    }
    np.savez_compressed(options.out, **arrays)
    print(f"Wrote {options.out}: people's faces, not to be published.")


def distil(options: argparse.Namespace) -> None:
    """Teachers, the student, and what the teachers say of every training face."""
    train, data = read_data(options)
    options.out.mkdir(parents=True, exist_ok=True)
    # Batches have one size: the fastest kernels for it are looked for once.
    torch.backends.cudnn.benchmark = True
    teachers = [on_device(read_student(path), options) for path in options.also_taught_by]
    for number, seconds in enumerate(options.teacher_seconds):
        print(f"teacher {number + 1} of {len(options.teacher_seconds)}", flush=True)
        torch.manual_seed(options.seed * 100 + number)
        network = ResidualNetwork(*RESIDUAL) if number % 2 else FaceNetwork(*TEACHER)
        trainer = Trainer(on_device(network, options), data)
        average, history = trainer.run(seconds, report_every=options.report_every)
        teachers.append(average)
        write_network(average, history, options.out / f"teacher_{number + 1}")
    if teachers:
        write_soft_targets(teachers, train, data, options.out / "soft_targets.npz")
    print("student", flush=True)
    torch.manual_seed(options.seed * 100 + 99)
    trainer = Trainer(on_device(FaceNetwork(*STUDENT), options), data, teachers=teachers)
    write_network(
        *trainer.run(options.student_seconds, report_every=options.report_every),
        options.out / "student",
    )


def finish(options: argparse.Namespace) -> None:
    """The student once more, on faces that are changed less; its first block stays as it is."""
    _, data = read_data(options)
    options.out.mkdir(parents=True, exist_ok=True)
    network = read_student(options.start_from)
    for weights in network.features[:6].parameters():
        weights.requires_grad_(False)
    torch.manual_seed(options.seed)
    trainer = Trainer(
        on_device(network, options),
        data,
        rate=FINISH_RATE,
        strong_share=FINISH_STRONG,
        mixing=False,
    )
    write_network(
        *trainer.run(60 * options.minutes, report_every=options.report_every),
        options.out / "student",
    )


def read_data(options: argparse.Namespace) -> tuple[FerDataset, Data]:
    """The whole training split, and what is trained on of it."""
    if options.data.endswith(".npz"):
        with np.load(options.data) as stored:
            train, validation = (
                FerDataset(*(stored[f"{split}_{name}"] for name in FerDataset.__slots__))
                for split in ("train", "validation")
            )
    else:
        splits = read_splits(options.data)
        train, validation = splits["train"], splits["validation"]
    rows = np.flatnonzero(~train.duplicated)
    if options.faces:
        rows = rows[np.random.default_rng(options.seed).permutation(len(rows))[: options.faces]]
    targets = make_targets(train, SMOOTHING)
    if options.soft_targets:
        targets = blend(targets, read_soft_targets(options.soft_targets, len(train)), SOFT_SHARE)
    both = np.concatenate([targets.labels, targets.votes], axis=1)[rows]
    prior = np.pad(log_prior(train.labels[rows]), (0, targets.votes.shape[1]))
    tensors = (
        torch.from_numpy(part).to(options.device) for part in (train.images[rows], both, prior)
    )
    return train, Data(*tensors, validation)


def read_student(path: Path) -> FaceNetwork:
    """A network as ``distil`` and ``finish`` write it."""
    network = FaceNetwork(*STUDENT)
    state = read_state(path)
    network.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})
    return network


def on_device(network: nn.Module, options: argparse.Namespace) -> nn.Module:
    return network.to(options.device, memory_format=torch.channels_last)


def write_soft_targets(
    teachers: list[nn.Module], train: FerDataset, data: Data, path: Path
) -> None:
    """The teachers' mean answers to every face of the training split, as labels come there."""
    faces = torch.from_numpy(train.images).to(data.faces.device)
    mean = torch.stack([answers(teacher, faces, mirrored=True) for teacher in teachers]).mean(0)
    logits = mean + data.prior.cpu()
    soft = Targets(*(part.softmax(1).numpy() for part in (logits[:, :7], logits[:, 7:])))
    np.savez(path, labels=soft.labels, votes=soft.votes)
    print(f"Wrote {path}.")


def write_network(network: nn.Module, history: History, path: Path) -> None:
    """Its weights as ``path.npz``, and the figures on the way as ``path.json``."""
    state = {name: value.float().cpu().numpy() for name, value in network.state_dict().items()}
    np.savez(path.with_suffix(".npz"), **state)
    path.with_suffix(".json").write_text(json.dumps(history, indent=2) + "\n", encoding="utf-8")
    print(f"Wrote {path}.npz. On validation: {history[-1]}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
