// The matrix form of a convolution on channels-last images: a row for each place of the kernel, with the patch under it.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

namespace vaecluster {

// Sides of the kernel, of the image and of the grid of places.
struct Patches {
    int64_t kernel, stride, padding, height, width, rows, columns;

    // image [B, C, height, width] to [B * rows * columns, kernel * kernel * C], zero where a patch leaves the image.
    at::Tensor gather(const at::Tensor& image) const;
    // The transpose of gather: patches added up into [B, C, height, width], channels last, from bias [C] (or from zero).
    at::Tensor scatter(const at::Tensor& patches, int64_t samples, int64_t channels, const at::Tensor& bias) const;
};

// A weight [A, B, K, K] in the memory order [A, K, K, B], and a gradient in that order back in the plain one.
at::Tensor weight_channels_last(const at::Tensor& weight);
at::Tensor weight_contiguous(const at::Tensor& weight);

// A 3x3 convolution of an image with each pixel four times is a transposed 4x4 convolution of stride 2 and padding 1 of the
// image itself: 4 products for a number in place of 9. Weight [A, B, 3, 3] to [B, A, 4, 4], channels last; and the way back
// for its gradient, to the plain order.
at::Tensor doubled_weight(const at::Tensor& weight);
at::Tensor doubled_weight_backward(const at::Tensor& grad);

}  // namespace vaecluster
