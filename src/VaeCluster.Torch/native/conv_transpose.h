// A transposed convolution is the input gradient of a convolution. Computed as that (oneDNN's backward-data on the CPU) it
// is several times faster than ATen's own transposed convolution, and equal to 4e-7.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "guard.h"

// input [B, Cin, H, W], weight [Cin, Cout, K, K], bias [Cout] or null. Differentiable once in all three. The result is a
// new at::Tensor that the caller owns.
VAECLUSTER_EXPORT int vct_conv_transpose2d(at::Tensor* input, at::Tensor* weight, at::Tensor* bias, int64_t stride,
                                           int64_t padding, int64_t output_padding, at::Tensor** result);
