// Group and batch normalisation with the activation behind it as one operation on channels-last images, on the CPU: one pass
// over the image for its moments, one to apply them, and nothing kept for backward but the input. Sums have a fixed order:
// neither threads nor the instruction set change a bit.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "guard.h"

// input [B, C, H, W] fp32, weight and bias [C]; silu: 1 to apply it. Differentiable once in all three. The result is a new
// at::Tensor that the caller owns.
VAECLUSTER_EXPORT int vct_group_norm(at::Tensor* input, at::Tensor* weight, at::Tensor* bias, int64_t groups, double eps,
                                     int32_t silu, at::Tensor** result);
// In training: running_mean and running_variance [C] move by momentum towards the batch's mean and unbiased variance.
// rectifier: 1 to apply one with this slope below 0.
VAECLUSTER_EXPORT int vct_batch_norm(at::Tensor* input, at::Tensor* weight, at::Tensor* bias, at::Tensor* running_mean,
                                     at::Tensor* running_variance, double momentum, double eps, int32_t rectifier, double slope,
                                     at::Tensor** result);
