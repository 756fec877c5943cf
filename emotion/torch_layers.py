"""Four Keras layers that train faster on PyTorch, with the same variables and the same results.

Keras spells batch normalisation out in single operations and loses the channels-last memory layout in
max-pooling; on a CPU that costs half of the training time (``benchmarks/training_speed.py``). These
classes call fused operations instead. Two things differ: PyTorch keeps the unbiased moving variance, larger
by n / (n − 1), with n in the thousands while training, and dropout's rate is rounded to 1/256. The classes
are used while training only: weights are copied, in order, into a network of standard layers before
anything is saved.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from keras import layers
from torch.nn import functional

__all__ = ["BatchNormalization", "Dropout", "MaxPooling2D", "ReLU"]


class BatchNormalization(layers.BatchNormalization):  # type: ignore[misc]
    """``keras.layers.BatchNormalization`` over the last axis, in one fused operation."""

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        outputs = functional.batch_norm(
            inputs.movedim(-1, 1),
            self.moving_mean.value,
            self.moving_variance.value,
            self.gamma.value,
            self.beta.value,
            training=bool(training),
            momentum=1.0 - self.momentum,
            eps=self.epsilon,
        )
        return outputs.movedim(1, -1)


class Dropout(layers.Dropout):  # type: ignore[misc]
    """``keras.layers.Dropout`` with masks of NumPy's random bytes; PyTorch's come ten times slower."""

    def call(self, inputs: Any, training: bool = False) -> Any:
        if not training or self.rate == 0:
            return inputs
        seed = self.seed_generator.next().tolist()
        numbers = np.random.default_rng(seed).integers(0, 256, inputs.shape, np.uint8)
        dropped = round(self.rate * 256)
        kept = torch.from_numpy(numbers >= dropped)
        return inputs * kept * (256 / (256 - dropped))


class MaxPooling2D(layers.MaxPooling2D):  # type: ignore[misc]
    """``keras.layers.MaxPooling2D`` without padding, staying in the channels-last layout."""

    def call(self, inputs: Any) -> Any:
        nchw = inputs.movedim(-1, 1).contiguous(memory_format=torch.channels_last)
        pooled = functional.max_pool2d(nchw, self.pool_size, self.strides)
        return pooled.contiguous(memory_format=torch.channels_last).movedim(1, -1)


class ReLU(layers.ReLU):  # type: ignore[misc]
    """``keras.layers.ReLU`` without its options."""

    def call(self, inputs: Any) -> Any:
        return functional.relu(inputs)
