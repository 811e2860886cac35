#include "flat_kernels.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "dispatch.h"

namespace {

// A thread's share at least; and the block of the sum, which fixes its order.
constexpr int64_t kBlock = 1 << 16;

// beta^step by squaring: multiplications only, so that no libm has a say in the weights.
double power(double base, int64_t exponent) {
    double result = 1;
    for (; exponent > 0; exponent >>= 1, base *= base) {
        if (exponent & 1) result *= base;
    }
    return result;
}

struct AdamFactors {
    float scale, decay_gradient, keep_weights, beta1, rest1, beta2, rest2, root_correction2, eps, minus_step_size;
    float ema_keep, ema_take;
};

BODY void adam_range(float* __restrict w, const float* __restrict g, float* __restrict m, float* __restrict v,
                     float* __restrict ema, int64_t n, const AdamFactors& factors, bool scaled, bool decays, bool shrinks) {
    const AdamFactors f = factors;  // a copy: what is behind a reference might be one of the buffers, and nothing would be vectorised
    for (int64_t i = 0; i < n; i++) {
        float weight = w[i];
        float gradient = g[i];
        if (scaled) gradient *= f.scale;
        if (decays) gradient = std::fma(weight, f.decay_gradient, gradient);
        if (shrinks) weight *= f.keep_weights;
        const float mean = std::fma(gradient, f.rest1, m[i] * f.beta1);
        const float square = std::fma(f.rest2 * gradient, gradient, v[i] * f.beta2);
        const float denominator = std::sqrt(square) / f.root_correction2 + f.eps;
        weight = weight + f.minus_step_size * mean / denominator;
        m[i] = mean;
        v[i] = square;
        w[i] = weight;
    }
    if (ema != nullptr) {
        for (int64_t i = 0; i < n; i++) ema[i] = std::fma(w[i], f.ema_take, ema[i] * f.ema_keep);
    }
}

struct SgdFactors {
    float scale, decay_gradient, momentum, minus_lr, ema_keep, ema_take;
    bool first;
};

BODY void sgd_range(float* __restrict w, const float* __restrict g, float* __restrict b, float* __restrict ema, int64_t n,
                    const SgdFactors& factors, bool scaled, bool decays) {
    const SgdFactors f = factors;
    for (int64_t i = 0; i < n; i++) {
        float gradient = g[i];
        if (scaled) gradient *= f.scale;
        if (decays) gradient = std::fma(w[i], f.decay_gradient, gradient);
        const float buffer = f.first ? gradient : b[i] * f.momentum + gradient;
        b[i] = buffer;
        w[i] = std::fma(buffer, f.minus_lr, w[i]);
    }
    if (ema != nullptr) {
        for (int64_t i = 0; i < n; i++) ema[i] = std::fma(w[i], f.ema_take, ema[i] * f.ema_keep);
    }
}

// Sixteen running sums, added pairwise at the end: an order that any vector width can keep.
BODY double squares_range(const float* values, int64_t n) {
    double sums[16] = {};
    int64_t i = 0;
    for (; i + 16 <= n; i += 16) {
        for (int lane = 0; lane < 16; lane++) {
            const double value = values[i + lane];
            sums[lane] = std::fma(value, value, sums[lane]);
        }
    }
    for (; i < n; i++) sums[i % 16] = std::fma(double(values[i]), double(values[i]), sums[i % 16]);
    for (int width = 8; width > 0; width /= 2) {
        for (int lane = 0; lane < width; lane++) sums[lane] += sums[lane + width];
    }
    return sums[0];
}

DISPATCH(void, adam_range,
         (float* w, const float* g, float* m, float* v, float* ema, int64_t n, const AdamFactors& f, bool scaled, bool decays,
          bool shrinks),
         (w, g, m, v, ema, n, f, scaled, decays, shrinks))
DISPATCH(void, sgd_range,
         (float* w, const float* g, float* b, float* ema, int64_t n, const SgdFactors& f, bool scaled, bool decays),
         (w, g, b, ema, n, f, scaled, decays))
DISPATCH(double, squares_range, (const float* values, int64_t n), (values, n))

}  // namespace

int vct_adam(float* weights, const float* gradient, float* mean, float* square, float* ema, int64_t n,
             const vct_adam_step* step) {
    return vaecluster::guard([&] {
        const double correction1 = 1 - power(step->beta1, step->step), correction2 = 1 - power(step->beta2, step->step);
        const bool decays = step->weight_decay != 0 && !step->decoupled, shrinks = step->weight_decay != 0 && step->decoupled;
        const AdamFactors factors{
            float(step->gradient_scale), float(step->weight_decay), float(1 - step->lr * step->weight_decay),
            float(step->beta1), float(1 - step->beta1), float(step->beta2), float(1 - step->beta2),
            float(std::sqrt(correction2)), float(step->eps), float(-(step->lr / correction1)),
            float(step->ema_decay), float(1 - step->ema_decay)};
        at::parallel_for(0, n, kBlock, [&](int64_t begin, int64_t end) {
            // Block by block, so that the average still finds the weights in the cache.
            for (int64_t at = begin; at < end; at += kBlock / 16) {
                adam_range_best(weights + at, gradient + at, mean + at, square + at, ema ? ema + at : nullptr,
                                std::min(kBlock / 16, end - at), factors, step->gradient_scale != 1, decays, shrinks);
            }
        });
    });
}

int vct_sgd(float* weights, const float* gradient, float* momentum, float* ema, int64_t n, const vct_sgd_step* step) {
    return vaecluster::guard([&] {
        const SgdFactors factors{float(step->gradient_scale), float(step->weight_decay), float(step->momentum),
                                 float(-step->lr), float(step->ema_decay), float(1 - step->ema_decay), step->step == 1};
        at::parallel_for(0, n, kBlock, [&](int64_t begin, int64_t end) {
            for (int64_t at = begin; at < end; at += kBlock / 16) {
                sgd_range_best(weights + at, gradient + at, momentum + at, ema ? ema + at : nullptr,
                               std::min(kBlock / 16, end - at), factors, step->gradient_scale != 1, step->weight_decay != 0);
            }
        });
    });
}

int vct_sum_of_squares(const float* values, int64_t n, double* result) {
    return vaecluster::guard([&] {
        const int64_t blocks = (n + kBlock - 1) / kBlock;
        std::vector<double> sums(blocks);
        at::parallel_for(0, blocks, 1, [&](int64_t begin, int64_t end) {
            for (int64_t block = begin; block < end; block++) {
                sums[block] = squares_range_best(values + block * kBlock, std::min(kBlock, n - block * kBlock));
            }
        });
        double sum = 0;
        for (const double part : sums) sum += part;
        *result = sum;
    });
}
