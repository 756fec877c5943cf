"""Train a network on FER-2013 and write it, complete, to ``weights/<name>/``.

    python train.py --data FOLDER                  # the default recipe
    python train.py --data FOLDER --quick          # two minutes, to see it work
    python train.py --data FOLDER --resume         # go on after Ctrl-C or a crash

On two CPU cores an epoch takes one and a half to two minutes with KERAS_BACKEND=torch and ``--precision
mixed_bfloat16``, and longer with the default TensorFlow backend. The shipped network also had teachers;
what each recipe reached is listed in docs/experiments.md. The schedule is warm-up, constant, decay
(Hägele et al., 2024), so that a finished run can be made longer: --resume with more --epochs goes on from
the last checkpoint before the decay.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import os
import subprocess
import sys
import time
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
from tqdm import tqdm

from emotion.augment import Augmentation, training_batches
from emotion.classifier import load_classifier
from emotion.data_report import describe_splits, draw_samples
from emotion.datasets import FerDataset, FerSplits, read_splits
from emotion.errors import EmotionError, TrainingError
from emotion.evaluation import all_outputs
from emotion.exports import export_weights
from emotion.metrics import (
    FERPLUS_COLUMNS,
    FERPLUS_ORDER,
    ferplus_majority,
    negative_log_likelihood,
    softmax,
)
from emotion.model import build
from emotion.network_files import FORMATS
from emotion.preprocess import Normalisation, to_batch
from emotion.types import Emotion
from emotion.weights import find_weights, read_spec


@dataclass(frozen=True)
class Settings:
    """The whole recipe. Each field is an option of the command line."""

    name: str = "compact"  # folder under --out, and the name that the app shows
    architecture: str = "compact"  # a key of emotion.model.ARCHITECTURES
    precision: str = "float32"  # or mixed_bfloat16, which is faster where the processor knows it
    seed: int = 1
    start_from: str = ""  # checkpoint of another run: go on from there with this recipe
    faces: int = 0  # train on this many only; 0 means all

    epochs: int = 88
    batch_size: int = 128
    crop: int = 40  # side of the random crops; smaller ones train faster and generalise better
    full_size_epochs: int = 34  # the last epochs see whole 48-pixel faces, as the app does
    mixup_off_epochs: int = 18  # the last epochs see unblended faces

    optimizer: str = "sgd"  # with Nesterov momentum; or "adam", as the earlier designs were trained
    learning_rate: float = 0.1
    warmup_epochs: int = 3
    decay: float = 0.386  # share of the epochs, at the end, over which the rate falls to zero
    momentum: float = 0.9
    weight_decay: float = (
        5e-3  # Keras decouples it from momentum: torch's 5e-4 (Loshchilov & Hutter)
    )
    ema: float = 0.999  # the shipped weights are this moving average of the trained ones

    label_smoothing: float = 0.1
    teacher: str = ""  # trained weights, or several as a,b, that have a say in the targets; or none
    teacher_share: float = 0.5  # their share of every target
    vote_share: float = 0.2  # weight of the FER+ head in what the app shows (docs/decisions.md)
    recall_floor: float = 0.45  # share of each expression that the FER-2013 head shall find
    vote_weight: float = 0.75  # weight of the FER+ head beside the FER-2013 head
    class_balance: float = (
        0.25  # rare classes count (frequency ** -this) as much; 0 switches it off
    )

    rotation: float = 12.0  # degrees
    scale: float = 0.15
    shift: float = 0.1
    contrast: float = 0.25
    soften: float = 0.15  # share of faces that lose fine detail, as webcams' small faces have
    erase: float = 0.2
    mixup: float = 0.2

    def augmentation(self, epoch: int) -> Augmentation:
        """What happens to the pictures in one epoch."""
        return Augmentation(
            rotation=self.rotation,
            scale=self.scale,
            shift=self.shift,
            contrast=self.contrast,
            soften=self.soften,
            erase=self.erase,
            mixup=self.mixup if epoch < self.epochs - self.mixup_off_epochs else 0.0,
        )

    def crop_size(self, epoch: int) -> int:
        return 48 if epoch >= self.epochs - self.full_size_epochs else self.crop

    def rate(self, epoch: float) -> float:
        """Learning rate after a (fractional) number of epochs: warm-up, constant, 1 − √ decay."""
        if epoch < self.warmup_epochs:
            return self.learning_rate * (0.05 + 0.95 * epoch / self.warmup_epochs)
        start = self.decay_start
        if epoch < start:
            return self.learning_rate
        done = (epoch - start) / (self.epochs - start)
        return self.learning_rate * max(1.0 - math.sqrt(done), 1e-3)

    @property
    def decay_start(self) -> int:
        """The first epoch of the decay; checkpoints before it can be resumed with more epochs."""
        return round(self.epochs * (1.0 - self.decay))


QUICK = {
    "name": "quick",
    "faces": 4096,
    "epochs": 3,
    "crop": 32,
    "warmup_epochs": 1,
    "full_size_epochs": 1,
    "mixup_off_epochs": 1,
    "ema": 0.9,
}
"""What --quick changes: enough to see everything work, not enough for a usable network."""

EXPECTED_ACCURACY = 0.706
"""What the shipped network reached on validation, in the stages that docs/experiments.md lists."""


@dataclass(frozen=True)
class Targets:
    """What the two heads learn: label and vote distributions, and how much each face counts."""

    labels: Any  # (N, 7) float32
    votes: Any  # (N, 8) float32, all 0 where there are no votes


def make_targets(data: FerDataset, smoothing: float) -> Targets:
    """Smoothed labels, and FER+ votes with single votes taken for slips (Barsoum et al., 2016)."""
    labels = np.full((len(data), len(Emotion)), smoothing / len(Emotion), np.float32)
    labels[np.arange(len(data)), data.labels] += 1.0 - smoothing
    votes = data.votes[:, : len(FERPLUS_ORDER)].astype(np.float32)
    votes[votes <= 1] = 0.0
    total = votes.sum(axis=1, keepdims=True)
    return Targets(labels, np.divide(votes, total, out=np.zeros_like(votes), where=total > 0))


def learn_from(teachers: list[str], share: float, data: FerDataset, targets: Targets) -> Targets:
    """Blend the mean of trained networks' answers into the targets (Hinton et al., 2015).

    People agree with 65 ± 5 % of FER-2013's labels; what a network learned from all of them steadies each.
    The teachers see every face twice, also mirrored, and are asked once, before training. Votes are taught
    by those that have a head for them.
    """
    answers: dict[str, list[Any]] = {"fer2013": [], "ferplus": []}
    for teacher in teachers:
        classifier = load_classifier(read_spec(find_weights(teacher)))
        for images in (data.images, data.images[:, :, ::-1]):
            outputs = all_outputs(classifier, images)
            answers["fer2013"].append(outputs.get("fer2013", outputs["shown"]))
            if "ferplus" in outputs:
                answers["ferplus"].append(outputs["ferplus"])
    taught = {row: np.mean(views, axis=0) for row, views in answers.items() if views}
    labels = (1.0 - share) * targets.labels + share * taught["fer2013"]
    votes = targets.votes
    if "ferplus" in taught:
        counted = np.zeros_like(votes)  # teachers never answer contempt
        counted[:, FERPLUS_COLUMNS] = taught["ferplus"]
        blend = (1.0 - share) * votes + share * counted
        votes = np.where(votes.any(axis=1, keepdims=True), blend, 0.0)
    return Targets(labels.astype(np.float32), votes.astype(np.float32))


def class_weights(labels: Any, balance: float) -> Any:
    """(7,) float32: frequency to the power of −balance, 1 on average over the faces."""
    frequency = np.bincount(labels, minlength=len(Emotion)) / len(labels)
    weights = np.maximum(frequency, 1e-6) ** -balance
    return (weights / (weights * frequency).sum()).astype(np.float32)


def make_optimizer(settings: Settings) -> Any:
    """The optimizer of the recipe, which also keeps the moving average of the weights."""
    shared = {
        "learning_rate": settings.learning_rate,
        "weight_decay": settings.weight_decay,
        "use_ema": True,
        "ema_momentum": settings.ema,
    }
    if settings.optimizer == "sgd":
        return keras.optimizers.SGD(momentum=settings.momentum, nesterov=True, **shared)
    if settings.optimizer == "adam":
        return keras.optimizers.Adam(**shared)
    raise TrainingError(f"The optimizer must be sgd or adam. Received: {settings.optimizer!r}")


def build_network(settings: Settings, *, size: int | None, lib: Any, voted: bool) -> Any:
    """The untrained network; without a head for votes if no face was voted on."""
    network = build(settings.architecture, size=size, lib=lib)
    if voted:
        return network
    return keras.Model(network.inputs, network.outputs[:1], name=network.name)


def compile_network(settings: Settings, *, voted: bool) -> Any:
    """The network with its optimizer and a cross-entropy for each head."""
    keras.utils.set_random_seed(settings.seed)
    keras.mixed_precision.set_global_policy(settings.precision)
    lib: Any = keras.layers
    if keras.backend.backend() == "torch":
        from emotion import torch_layers as lib
    network = build_network(settings, size=None, lib=lib, voted=voted)
    optimizer = make_optimizer(settings)
    optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    optimizer.build(network.trainable_variables)
    network.compile(
        optimizer,
        loss=[keras.losses.CategoricalCrossentropy(from_logits=True) for _ in network.outputs],
        loss_weights=[1.0, settings.vote_weight][: len(network.outputs)],
    )
    return network


def run_epoch(
    network: Any, data: FerDataset, targets: Targets, settings: Settings, epoch: int
) -> float:
    """Train for one epoch. Depends on the weights, the settings and the epoch's number only."""
    for index, layer in enumerate(network.layers):
        if hasattr(layer, "seed_generator"):
            layer.seed_generator.state.assign([settings.seed * 1000 + index, epoch])
    balance = class_weights(data.labels, settings.class_balance)
    batches = training_batches(
        data.images,
        targets.labels,
        targets.votes,
        batch_size=settings.batch_size,
        size=settings.crop_size(epoch),
        augmentation=settings.augmentation(epoch),
        normalisation=Normalisation.STANDARDISE,
        seed=(settings.seed, epoch),
    )
    steps = len(data) // settings.batch_size
    losses = []
    bar = tqdm(batches, f"epoch {epoch + 1}/{settings.epochs}", steps, leave=False, mininterval=2)
    for step, batch in enumerate(bar):
        network.optimizer.learning_rate = settings.rate(epoch + step / steps)
        answers = [batch.labels, batch.votes][: len(network.outputs)]
        weights = [batch.labels @ balance, batch.votes.sum(axis=1)][: len(network.outputs)]
        loss = network.train_on_batch(batch.inputs, answers, sample_weight=weights)
        losses.append(float(np.ravel(loss)[0]))
        bar.set_postfix(loss=f"{np.mean(losses[-50:]):.3f}")
    return float(np.mean(losses))


def use_average(network: Any, data: FerDataset) -> None:
    """Replace the weights by their moving average, as shipped.

    The statistics of batch normalisation belong to the weights of the last steps, so they are measured
    anew on a few thousand training faces (Izmailov et al., 2018, do so for averaged weights).
    """
    network.optimizer.finalize_variable_values(network.trainable_variables)
    norms = [x for x in network.layers if isinstance(x, keras.layers.BatchNormalization)]
    momenta = [layer.momentum for layer in norms]
    rows = np.random.default_rng(0).permutation(len(data))[:4096]
    # This momentum makes the mean over all batches: each counts the same, the old statistics nothing.
    for count, part in enumerate(np.array_split(rows, max(len(rows) // 128, 1))):
        for layer in norms:
            layer.momentum = count / (count + 1)
        network(to_batch(data.images[part], Normalisation.STANDARDISE), training=True)
    for layer, momentum in zip(norms, momenta, strict=True):
        layer.momentum = momentum


def answers_of(network: Any, data: FerDataset) -> list[Any]:
    """Logits of each head: (N, 7) for FER-2013 and, where there is a head for votes, (N, 8) for FER+."""
    batch = to_batch(data.images, Normalisation.STANDARDISE)
    outputs = network.predict(batch, batch_size=256, verbose=0)
    return [np.asarray(output) for output in (outputs if isinstance(outputs, list) else [outputs])]


def agreeing(votes: Any, data: FerDataset) -> Any:
    """Of the faces with a strict majority in FER+, (M,) bool: whether the head for votes meets it."""
    counted, winners = ferplus_majority(data.votes)
    return (votes[:, FERPLUS_COLUMNS].argmax(1) == winners)[counted]


def validate(network: Any, data: FerDataset) -> dict[str, float]:
    """Accuracy of the averaged weights: FER-2013 of head one, FER+ strict majority of head two."""
    outputs = answers_of(network, data)
    chosen = outputs[0].argmax(1)
    recalls = [(chosen[data.labels == c] == c).mean() for c in np.unique(data.labels)]
    result = {
        "accuracy": float((chosen == data.labels).mean()),
        "weakest_recall": float(min(recalls)),
        "validation_loss": negative_log_likelihood(softmax(outputs[0]), data.labels),
    }
    if len(outputs) > 1:
        result["ferplus"] = float(agreeing(outputs[1], data).mean())
    return result


UNREADABLE = (
    *(EOFError, KeyError, OSError, TypeError, ValueError),
    *(zipfile.BadZipFile, zlib.error),
)
"""What reading a file as a checkpoint raises where it is damaged or something else."""


class Checkpoint:
    """One ``.npz`` file: weights, optimizer, finished epochs, history and the recipe itself."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def save(self, network: Any, settings: Settings, history: list[dict[str, float]]) -> None:
        """Write to a temporary file first, so that a crash never leaves half a checkpoint."""
        arrays = {f"weight_{i:03}": w for i, w in enumerate(network.get_weights())}
        variables = network.optimizer.variables
        arrays |= {
            f"optimizer_{i:03}": keras.ops.convert_to_numpy(v) for i, v in enumerate(variables)
        }
        about = {"settings": dataclasses.asdict(settings), "history": history}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(".partial")
        with partial.open("wb") as file:
            np.savez(file, about=np.array(json.dumps(about)), **arrays)
        partial.replace(self.path)

    def about(self) -> tuple[dict[str, Any], list[dict[str, float]]]:
        """The stored settings and history."""
        try:
            # Opened here, because NumPy leaves what is no whole archive open.
            with self.path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                about = json.loads(str(stored["about"]))
            return about["settings"], about["history"]
        except FileNotFoundError:
            raise TrainingError(
                f"To go on there must be a checkpoint, written after each epoch. Received: {self.path}, "
                "which is not there. Check --name, --runs or --start-from, or begin anew."
            ) from None
        except UNREADABLE as error:
            raise TrainingError(
                "A checkpoint must be a whole .npz file that this program wrote, such as "
                f"runs/compact/last.npz. Received: {self.path}, which is damaged or something else "
                f"({error}). Check --start-from, or begin anew."
            ) from error

    def load(self, network: Any) -> None:
        """Put the stored weights and the state of the optimizer into the network."""
        try:
            with np.load(self.path, allow_pickle=False) as stored:
                weights = [stored[k] for k in sorted(stored) if k.startswith("weight_")]
                values = [stored[k] for k in sorted(stored) if k.startswith("optimizer_")]
            network.set_weights(weights)
            for variable, value in zip(network.optimizer.variables, values, strict=True):
                variable.assign(value)
        except UNREADABLE as error:
            raise TrainingError(
                f"A checkpoint must fit the network and the optimizer. {self.path} is of others, of another "
                "version of this program, or damaged. Begin anew."
            ) from error


def train(
    settings: Settings, data: FerDataset, validation: FerDataset, run: Path, *, resume: bool
) -> tuple[Any, list[dict[str, float]]]:
    """Train, keeping ``run/last.npz`` after every epoch and ``run/stable.npz`` before the decay.

    Returns:
        The network with its averaged weights, and the figures of every epoch.
    """
    if len(data) < settings.batch_size:
        raise TrainingError(
            f"There must be at least one batch of training faces. Received: {len(data)} faces for batches "
            f"of {settings.batch_size}. Give more, or a smaller --batch-size."
        )
    network = compile_network(settings, voted=bool(data.votes.any()))
    last, stable = Checkpoint(run / "last.npz"), Checkpoint(run / "stable.npz")
    history = go_on_from(settings, network, last, stable, resume=resume)
    targets = make_targets(data, settings.label_smoothing)
    if settings.teacher and len(history) < settings.epochs:
        targets = learn_from(settings.teacher.split(","), settings.teacher_share, data, targets)
    sample = data.select(np.arange(0, len(data), 8))
    for epoch in range(len(history), settings.epochs):
        begin = time.monotonic()
        figures = {"loss": run_epoch(network, data, targets, settings, epoch)}
        last_weights = network.get_weights()
        use_average(network, data)
        figures |= validate(network, validation)
        figures["training_accuracy"] = validate(network, sample)["accuracy"]
        network.set_weights(last_weights)
        history.append(figures | {"seconds": time.monotonic() - begin})
        last.save(network, settings, history)
        if epoch + 1 == settings.decay_start:
            stable.save(network, settings, history)
        print(f"epoch {epoch + 1:3}", *(f"{k} {v:.4f}" for k, v in history[-1].items()), flush=True)
    use_average(network, data)
    return network, history


def go_on_from(
    settings: Settings, network: Any, last: Checkpoint, stable: Checkpoint, *, resume: bool
) -> list[dict[str, float]]:
    """Load the checkpoint that the settings ask for, if any; the figures of its epochs.

    A run that shall become longer goes on from before its decay, if that has begun.
    """
    if not resume and not settings.start_from:
        return []
    checkpoint = last if resume else Checkpoint(Path(settings.start_from))
    stored, history = checkpoint.about()
    if resume:
        check_recipe(stored, settings)
        known = {field.name for field in dataclasses.fields(Settings)}
        before = Settings(**{key: value for key, value in stored.items() if key in known})
        longer = settings.epochs > before.epochs
        if longer and len(history) > before.decay_start and stable.path.is_file():
            stored, begun = stable.about()
            # An earlier run of this name may have left it: one that starts in its decay writes none.
            if begun == history[: len(begun)] and not changes(stored, settings):
                checkpoint, history = stable, begun
    if len(history) > settings.epochs or (not resume and len(history) == settings.epochs):
        raise TrainingError(
            f"--epochs counts from the first one and must be more than the {len(history)} of "
            f"{checkpoint.path}. Received: {settings.epochs}."
        )
    checkpoint.load(network)
    print(f"Resuming after {len(history)} of {settings.epochs} epochs.")
    return history


def changes(stored: dict[str, Any], settings: Settings) -> list[str]:
    """What differs from a checkpoint's recipe, apart from what may: the length, above all."""
    free = {"epochs", "full_size_epochs", "mixup_off_epochs", "decay", "vote_share", "recall_floor"}
    free |= {"precision"}
    wanted = dataclasses.asdict(settings)
    changed = [k for k in wanted if k not in free and k in stored and stored[k] != wanted[k]]
    return [f"{key} (was {stored[key]}, is {wanted[key]})" for key in changed]


def check_recipe(stored: dict[str, Any], settings: Settings) -> None:
    """Refuse to go on with a checkpoint of another recipe; only the length may differ."""
    if changed := changes(stored, settings):
        raise TrainingError(
            f"A checkpoint can only be resumed with its own recipe. Changed: {', '.join(changed)}. "
            "Leave --resume out to begin anew."
        )


def parse_arguments(arguments: list[str] | None = None) -> tuple[Settings, argparse.Namespace]:
    """The recipe and where things lie; unknown options are refused."""
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").splitlines()[0],
        allow_abbrev=False,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--data", required=True, help="csv, folder or hf://: see docs/data.md")
    parser.add_argument("--ferplus", type=Path, help="fer2013new.csv, if --data holds no votes")
    parser.add_argument(
        "--describe", metavar="PNG", nargs="?", const="", help="tell about the data, draw samples"
    )
    parser.add_argument("--runs", type=Path, default=Path("runs"), help="folder of checkpoints")
    parser.add_argument("--out", type=Path, default=Path("weights"), help="folder of weights")
    parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
    parser.add_argument("--quick", action="store_true", help="two minutes, to see it work")
    parser.add_argument(
        "--export", choices=FORMATS, action="append", default=[], help="also write this; repeatable"
    )
    recipe = parser.add_argument_group("recipe", "explained in the class Settings of train.py")
    for field in dataclasses.fields(Settings):
        name = f"--{field.name.replace('_', '-')}"
        recipe.add_argument(name, type=type(field.default), default=field.default, help=" ")
    if "--quick" in (sys.argv[1:] if arguments is None else arguments):
        parser.set_defaults(**QUICK, out=Path("runs"))
    options = parser.parse_args(arguments)
    fields = {f.name: getattr(options, f.name) for f in dataclasses.fields(Settings)}
    return Settings(**fields), options


def describe(splits: FerSplits, picture: str) -> int:
    """Print what the data holds, and draw faces of each class where a file is named."""
    print(describe_splits(splits))
    if picture:
        _, faces = next(iter(splits))
        draw_samples(faces, Path(picture))
        print(f"\nWrote {picture}: people's faces, not to be published.")
    return 0


def main() -> int:
    settings, options = parse_arguments()
    try:
        splits = read_splits(options.data, ferplus=options.ferplus)
        if options.describe is not None:
            return describe(splits, options.describe)
        data = splits["train"]
        # Twins of validation or test faces would make every later figure dishonest.
        data = data.select(~data.duplicated)
        if settings.faces:
            rows = np.random.default_rng(settings.seed).permutation(len(data))
            data = data.select(rows[: settings.faces])
        validation = splits["validation"]
        run = options.runs / settings.name
        network, history = train(settings, data, validation, run, resume=options.resume)
        if keras.backend.backend() != "tensorflow":
            return finish_with_tensorflow()
        folder = options.out / settings.name
        finish(settings, network, history, data, validation, folder)
        for target in options.export:
            export_weights(folder, target, folder / target, faces=data.images)
            print(f"Wrote {folder / target}.")
    except EmotionError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Finished epochs are kept: go on with --resume.", file=sys.stderr)
        return 130
    return 0


def finish(
    settings: Settings,
    network: Any,
    history: list[dict[str, float]],
    data: FerDataset,
    validation: FerDataset,
    folder: Path,
) -> None:
    """Write the weights folder and say what was reached beside what should be."""
    from emotion.packing import write_weights

    keras.mixed_precision.set_global_policy("float32")
    voted = len(network.outputs) > 1
    shipped = build_network(settings, size=48, lib=keras.layers, voted=voted)
    shipped.set_weights(network.get_weights())
    counts = np.bincount(data.labels, minlength=len(Emotion)).tolist()
    recipe = dataclasses.asdict(settings)
    recipe["faces_per_class"] = dict(zip(map(str, Emotion), counts, strict=True))
    about = f"FER-2013 training split, {len(data):,} faces that stand in no other split"
    if voted:
        about += "; FER+ votes as a second target"
    metrics = write_weights(
        shipped, folder, data=about, recipe=recipe, history=history, validation=validation
    )
    print(f"Wrote {folder}. On validation: {metrics['accuracy']:.2%} of FER-2013 labels.")
    if not settings.faces:
        print(f"The shipped network reached {EXPECTED_ACCURACY:.1%}; see docs/experiments.md.")


def finish_with_tensorflow() -> int:
    """LiteRT files are written by TensorFlow: resume there, where no epoch is left to train."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--resume"]
    command = [sys.executable, __file__, *arguments, "--resume"]
    print("Writing the weights with TensorFlow.")
    status = subprocess.run(command, env={**os.environ, "KERAS_BACKEND": "tensorflow"}).returncode
    if status:
        print("Failed. Once TensorFlow is installed, run again with --resume.", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
