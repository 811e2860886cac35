#include "normalization_blocks.h"

#include "dispatch.h"

namespace vaecluster {
namespace {

// Lanes are passed by value among inlined functions only: no calling convention is involved.
#pragma GCC diagnostic ignored "-Wpsabi"

// Lowered to whatever registers the target has, lane by lane the same arithmetic.
typedef float Lanes __attribute__((vector_size(64), aligned(4), may_alias));
typedef int32_t IntLanes __attribute__((vector_size(64), aligned(4), may_alias));

// e^x by Cephes' expf: 2^n times a polynomial on [-ln 2 / 2, ln 2 / 2]. NaN stays NaN.
BODY Lanes exponential(Lanes x) {
    x = x > 88.0f ? Lanes{} + 88.0f : x;
    x = x < -87.0f ? Lanes{} - 87.0f : x;
    const Lanes magic = Lanes{} + 12582912.0f;  // 1.5 * 2^23: what is added to it is rounded to an integer
    const Lanes shifted = x * 1.44269504088896341f + magic;
    const Lanes n = shifted - magic;
    const Lanes r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
    Lanes p = r * 1.9875691500e-4f + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    const IntLanes power = ((IntLanes)shifted - 0x4B400000 + 127) << 23;
    return p * (Lanes)power;
}

BODY Lanes load(const float* at) { return *reinterpret_cast<const Lanes*>(at); }
BODY void store(float* at, Lanes value) { *reinterpret_cast<Lanes*>(at) = value; }

BODY void moments(const float* x, int64_t n, int64_t channels, float* mean, float* squares) {
    const float share = 1.0f / float(n);
    for (int64_t c = 0; c < channels; c += kLanes) {
        const Lanes first = load(x + c);
        Lanes even{}, odd{};
        int64_t p = 0;
        for (; p + 2 <= n; p += 2) {
            even += load(x + p * channels + c) - first;
            odd += load(x + (p + 1) * channels + c) - first;
        }
        if (p < n) even += load(x + p * channels + c) - first;
        const Lanes middle = first + (even + odd) * share;
        even = odd = Lanes{};
        for (p = 0; p + 2 <= n; p += 2) {
            const Lanes a = load(x + p * channels + c) - middle, b = load(x + (p + 1) * channels + c) - middle;
            even += a * a;
            odd += b * b;
        }
        if (p < n) {
            const Lanes a = load(x + p * channels + c) - middle;
            even += a * a;
        }
        store(mean + c, middle);
        store(squares + c, even + odd);
    }
}

BODY void apply(const float* x, float* y, int64_t n, int64_t channels, const float* mean, const float* scale, const float* bias,
                Activation activation) {
    const Kind kind = activation.kind;
    const float slope = activation.slope;
    for (int64_t c = 0; c < channels; c += kLanes) {
        const Lanes mu = load(mean + c), a = load(scale + c), b = load(bias + c);
        for (int64_t p = 0; p < n; p++) {
            const Lanes z = (load(x + p * channels + c) - mu) * a + b;
            store(y + p * channels + c, kind == Kind::kSilu        ? z / (1.0f + exponential(-z))
                                        : kind == Kind::kRectifier ? (z > 0.0f ? z : z * slope)
                                                                   : z);
        }
    }
}

BODY void backward(const float* x, const float* dy, float* dz, int64_t n, int64_t channels, const float* mean, const float* scale,
                   const float* bias, Activation activation, float* sum, float* sum_x) {
    const Kind kind = activation.kind;
    const float slope = activation.slope;
    for (int64_t c = 0; c < channels; c += kLanes) {
        const Lanes mu = load(mean + c), a = load(scale + c), b = load(bias + c);
        Lanes total{}, total_x{};
        for (int64_t p = 0; p < n; p++) {
            const Lanes centred = load(x + p * channels + c) - mu;
            Lanes d = load(dy + p * channels + c);
            const Lanes z = centred * a + b;
            if (kind == Kind::kSilu) {
                const Lanes s = 1.0f / (1.0f + exponential(-z));
                d = d * (s * (1.0f + z * (1.0f - s)));
            } else if (kind == Kind::kRectifier) {
                d = z > 0.0f ? d : d * slope;
            }
            store(dz + p * channels + c, d);
            total += d;
            total_x += d * centred;
        }
        store(sum + c, total);
        store(sum_x + c, total_x);
    }
}

BODY void finish(const float* x, float* dz, int64_t n, int64_t channels, const float* mean, const float* scale, const float* slope,
                 const float* shift) {
    for (int64_t c = 0; c < channels; c += kLanes) {
        const Lanes mu = load(mean + c), a = load(scale + c), k = load(slope + c), b = load(shift + c);
        for (int64_t p = 0; p < n; p++) {
            float* at = dz + p * channels + c;
            store(at, load(at) * a + ((load(x + p * channels + c) - mu) * k + b));
        }
    }
}

DISPATCH(void, moments, (const float* x, int64_t n, int64_t channels, float* mean, float* squares),
         (x, n, channels, mean, squares))
DISPATCH(void, apply,
         (const float* x, float* y, int64_t n, int64_t channels, const float* mean, const float* scale, const float* bias,
          Activation activation),
         (x, y, n, channels, mean, scale, bias, activation))
DISPATCH(void, backward,
         (const float* x, const float* dy, float* dz, int64_t n, int64_t channels, const float* mean, const float* scale,
          const float* bias, Activation activation, float* sum, float* sum_x),
         (x, dy, dz, n, channels, mean, scale, bias, activation, sum, sum_x))
DISPATCH(void, finish,
         (const float* x, float* dz, int64_t n, int64_t channels, const float* mean, const float* scale, const float* slope,
          const float* shift),
         (x, dz, n, channels, mean, scale, slope, shift))

}  // namespace

void block_moments(const float* x, int64_t n, int64_t channels, float* mean, float* squares) {
    moments_best(x, n, channels, mean, squares);
}

void apply_block(const float* x, float* y, int64_t n, int64_t channels, const float* mean, const float* scale, const float* bias,
                 Activation activation) {
    apply_best(x, y, n, channels, mean, scale, bias, activation);
}

void backward_block(const float* x, const float* dy, float* dz, int64_t n, int64_t channels, const float* mean, const float* scale,
                    const float* bias, Activation activation, float* sum, float* sum_x) {
    backward_best(x, dy, dz, n, channels, mean, scale, bias, activation, sum, sum_x);
}

void finish_block(const float* x, float* dz, int64_t n, int64_t channels, const float* mean, const float* scale, const float* slope,
                  const float* shift) {
    finish_best(x, dz, n, channels, mean, scale, slope, shift);
}

}  // namespace vaecluster
