"""Three Keras layers that train faster on PyTorch, with the same variables and the same results.

Keras spells batch normalisation out in single operations and loses the channels-last memory layout in
max-pooling; on a CPU that costs half of the training time (``benchmarks/training_speed.py``). These
classes call PyTorch's fused operations instead. The one difference is that PyTorch keeps the unbiased
moving variance, larger by n / (n − 1), with n in the thousands while training. The classes are used while
training only: weights are copied, in order, into a network of standard layers before anything is saved.
"""

from __future__ import annotations

from typing import Any

import torch
from keras import layers
from torch.nn import functional

__all__ = ["BatchNormalization", "MaxPooling2D", "ReLU"]


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
