// Convolutions and transposed convolutions on channels-last images, on the CPU. oneDNN takes and gives those without
// reordering them, and where the image is small, patches and one matrix product are faster still. A transposed convolution
// is the input gradient of a convolution and computed as that.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "guard.h"

// input [B, Cin, H, W], bias [Cout] or null; weight [Cout, Cin, K, K]. Differentiable once in all three. The result is a new
// at::Tensor, channels last, that the caller owns. Equal to ATen's operators but for rounding.
VAECLUSTER_EXPORT int vct_conv2d(at::Tensor* input, at::Tensor* weight, at::Tensor* bias, int64_t stride, int64_t padding,
                                 at::Tensor** result);
// Of the input with each pixel four times, [B, Cin, 2 H, 2 W]; weight [Cout, Cin, 3, 3], stride 1, padding 1.
VAECLUSTER_EXPORT int vct_conv2d_doubled(at::Tensor* input, at::Tensor* weight, at::Tensor* bias, at::Tensor** result);
// The transposed one, weight [Cin, Cout, K, K].
VAECLUSTER_EXPORT int vct_conv_transpose2d(at::Tensor* input, at::Tensor* weight, at::Tensor* bias, int64_t stride,
                                           int64_t padding, int64_t output_padding, at::Tensor** result);
