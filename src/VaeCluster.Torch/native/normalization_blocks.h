// The arithmetic of normalization.cpp on a block of neighbouring pixels, [n, channels] floats, channels a multiple of kLanes:
// compiled for several instruction sets, the same bits in all of them.
#pragma once

#include <cstdint>

namespace vaecluster {

// Neighbouring channels of a pixel that are worked on at once.
constexpr int64_t kLanes = 16;

// What follows the normalisation: nothing, SiLU, or a rectifier with this slope below 0.
enum class Kind { kNone, kSilu, kRectifier };
struct Activation {
    Kind kind;
    float slope;
};

// Mean and summed squared deviations of each channel over n pixels of one block. The mean is that of the distances from the
// first pixel: of a flat image it is exact.
void block_moments(const float* x, int64_t n, int64_t channels, float* mean, float* squares);

// y = activation((x - mean) * scale + bias)
void apply_block(const float* x, float* y, int64_t n, int64_t channels, const float* mean, const float* scale, const float* bias,
                 Activation activation);

// The gradient in front of the activation, kept in dz, and its sums over n pixels: alone and times x - mean.
void backward_block(const float* x, const float* dy, float* dz, int64_t n, int64_t channels, const float* mean, const float* scale,
                    const float* bias, Activation activation, float* sum, float* sum_x);

// dx = dz * scale + (x - mean) * slope + shift, in place of dz.
void finish_block(const float* x, float* dz, int64_t n, int64_t channels, const float* mean, const float* scale, const float* slope,
                  const float* shift);

}  // namespace vaecluster
