// One pass over flat fp32 buffers of n elements, on the CPU. Rounding is fixed: each fused multiply-add is written out, so
// that the result depends neither on the instruction set nor on the number of threads.
#pragma once

#include <cstdint>

#include "guard.h"

// Adam (Kingma & Ba 2015) and AdamW (Loshchilov & Hutter 2019); rounds like libtorch's Adam.
struct vct_adam_step {
    double lr, beta1, beta2, eps;
    double weight_decay;      // L2 in the gradient, or off the weights when decoupled
    int32_t decoupled;        // 1: AdamW
    int64_t step;             // 1 for the first
    double gradient_scale;    // from clipping; 1: none
    double ema_decay;         // used where ema is not null
};

struct vct_sgd_step {
    double lr, momentum, weight_decay;
    int64_t step;
    double gradient_scale;
    double ema_decay;
};

VAECLUSTER_EXPORT int vct_adam(float* weights, const float* gradient, float* mean, float* square, float* ema, int64_t n,
                               const vct_adam_step* step);
VAECLUSTER_EXPORT int vct_sgd(float* weights, const float* gradient, float* momentum, float* ema, int64_t n,
                              const vct_sgd_step* step);
// Sum of squares in double precision, in blocks of a fixed size and order.
VAECLUSTER_EXPORT int vct_sum_of_squares(const float* values, int64_t n, double* result);
