#include "patches.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "dispatch.h"

namespace vaecluster {
namespace {

BODY void add_range(float* __restrict into, const float* __restrict from, int64_t n) {
    for (int64_t i = 0; i < n; i++) into[i] += from[i];
}

typedef float Eight __attribute__((vector_size(32), aligned(4), may_alias));

// The 8 x 8 numbers at from (rows apart by from_step) to their transpose: by pairs, by quadruples, by halves.
BODY void transpose_tile(const float* from, int64_t from_step, float* to, int64_t to_step) {
    Eight r[8], t[8];
    for (int i = 0; i < 8; i++) r[i] = *reinterpret_cast<const Eight*>(from + i * from_step);
    for (int i = 0; i < 8; i += 2) {
        t[i] = __builtin_shufflevector(r[i], r[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
        t[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
    }
    for (int i = 0; i < 8; i += 4) {
        for (int j = 0; j < 2; j++) {
            r[i + 2 * j] = __builtin_shufflevector(t[i + j], t[i + j + 2], 0, 1, 8, 9, 4, 5, 12, 13);
            r[i + 2 * j + 1] = __builtin_shufflevector(t[i + j], t[i + j + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        }
    }
    for (int i = 0; i < 4; i++) {
        *reinterpret_cast<Eight*>(to + i * to_step) = __builtin_shufflevector(r[i], r[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        *reinterpret_cast<Eight*>(to + (i + 4) * to_step) = __builtin_shufflevector(r[i], r[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
}

// [rows, columns] to [columns, rows], rows apart by the steps.
BODY void transpose(const float* __restrict from, int64_t from_step, float* __restrict to, int64_t to_step, int64_t rows, int64_t columns) {
    const int64_t even_rows = rows / 8 * 8, even_columns = columns / 8 * 8;
    for (int64_t r = 0; r < even_rows; r += 8) {
        for (int64_t c = 0; c < even_columns; c += 8) transpose_tile(from + r * from_step + c, from_step, to + c * to_step + r, to_step);
    }
    for (int64_t r = 0; r < rows; r++) {
        for (int64_t c = r < even_rows ? even_columns : 0; c < columns; c++) to[c * to_step + r] = from[r * from_step + c];
    }
}

// Along one side of the kernel, 3 weights to 4: w2, w1 + w2, w0 + w1, w0. In: [3, 3, n]; out: [4, 4, n].
BODY void double_places(const float* __restrict in, float* __restrict out, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        float rows[4][3];
        for (int k = 0; k < 3; k++) {
            const float w0 = in[k * n + i], w1 = in[(3 + k) * n + i], w2 = in[(6 + k) * n + i];
            rows[0][k] = w2;
            rows[1][k] = w1 + w2;
            rows[2][k] = w0 + w1;
            rows[3][k] = w0;
        }
        for (int k = 0; k < 4; k++) {
            out[(4 * k + 0) * n + i] = rows[k][2];
            out[(4 * k + 1) * n + i] = rows[k][1] + rows[k][2];
            out[(4 * k + 2) * n + i] = rows[k][0] + rows[k][1];
            out[(4 * k + 3) * n + i] = rows[k][0];
        }
    }
}

// The transpose of double_places.
BODY void halve_places(const float* __restrict in, float* __restrict out, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        float rows[4][3];
        for (int k = 0; k < 4; k++) {
            const float d0 = in[(4 * k + 0) * n + i], d1 = in[(4 * k + 1) * n + i], d2 = in[(4 * k + 2) * n + i], d3 = in[(4 * k + 3) * n + i];
            rows[k][0] = d2 + d3;
            rows[k][1] = d1 + d2;
            rows[k][2] = d0 + d1;
        }
        for (int k = 0; k < 3; k++) {
            out[k * n + i] = rows[2][k] + rows[3][k];
            out[(3 + k) * n + i] = rows[1][k] + rows[2][k];
            out[(6 + k) * n + i] = rows[0][k] + rows[1][k];
        }
    }
}

DISPATCH(void, add_range, (float* into, const float* from, int64_t n), (into, from, n))
DISPATCH(void, transpose, (const float* from, int64_t from_step, float* to, int64_t to_step, int64_t rows, int64_t columns),
         (from, from_step, to, to_step, rows, columns))
DISPATCH(void, double_places, (const float* in, float* out, int64_t n), (in, out, n))
DISPATCH(void, halve_places, (const float* in, float* out, int64_t n), (in, out, n))

// Calls body(offset in the image, offset in the patch, floats) for each row of the patch at (row, column); offset -1: outside.
template <typename Body>
void each_row(const Patches& p, int64_t channels, int64_t row, int64_t column, const Body& body) {
    const int64_t top = row * p.stride - p.padding, left = column * p.stride - p.padding;
    const int64_t begin = std::clamp<int64_t>(-left, 0, p.kernel), end = std::clamp<int64_t>(p.width - left, begin, p.kernel);
    for (int64_t k = 0; k < p.kernel; k++) {
        const int64_t y = top + k;
        const bool inside = y >= 0 && y < p.height;
        body(inside ? (y * p.width + left + begin) * channels : -1, k * p.kernel * channels, begin * channels, end * channels);
    }
}

// A weight [A, B, K, K], in one of the two memory orders, in the other one.
at::Tensor reordered(const at::Tensor& weight, at::MemoryFormat format) {
    auto result = at::empty(weight.sizes(), weight.options().memory_format(format));
    int64_t rows = weight.size(1), columns = weight.size(2) * weight.size(3);
    if (format == at::MemoryFormat::Contiguous) std::swap(rows, columns);
    const int64_t size = rows * columns;
    const float* from = weight.data_ptr<float>();
    float* to = result.data_ptr<float>();
    at::parallel_for(0, weight.size(0), 16, [&](int64_t first, int64_t last) {
        for (int64_t i = first; i < last; i++) transpose_best(from + i * size, columns, to + i * size, rows, rows, columns);
    });
    return result;
}

}  // namespace

at::Tensor Patches::gather(const at::Tensor& image) const {
    const auto x = image.contiguous(at::MemoryFormat::ChannelsLast);
    const int64_t samples = x.size(0), channels = x.size(1), row_floats = kernel * channels, patch = kernel * row_floats;
    auto result = at::empty({samples * rows * columns, patch}, x.options().memory_format(at::MemoryFormat::Contiguous));
    const float* from = x.data_ptr<float>();
    float* to = result.data_ptr<float>();
    at::parallel_for(0, samples * rows, 1, [&](int64_t first, int64_t last) {
        for (int64_t i = first; i < last; i++) {
            const float* sample = from + i / rows * height * width * channels;
            for (int64_t column = 0; column < columns; column++) {
                float* row = to + (i * columns + column) * patch;
                each_row(*this, channels, i % rows, column, [&](int64_t at, int64_t offset, int64_t begin, int64_t end) {
                    float* out = row + offset;
                    if (at < 0) begin = end = row_floats;
                    std::fill(out, out + begin, 0.0f);
                    std::copy(sample + at, sample + at + (end - begin), out + begin);
                    std::fill(out + end, out + row_floats, 0.0f);
                });
            }
        }
    });
    return result;
}

at::Tensor Patches::scatter(const at::Tensor& patches, int64_t samples, int64_t channels, const at::Tensor& bias) const {
    const int64_t row_floats = kernel * channels, patch = kernel * row_floats;
    auto result = at::empty({samples, channels, height, width}, patches.options().memory_format(at::MemoryFormat::ChannelsLast));
    const float* from = patches.data_ptr<float>();
    float* to = result.data_ptr<float>();
    const auto start = bias.defined() ? bias.contiguous() : at::Tensor();
    at::parallel_for(0, samples, 1, [&](int64_t first, int64_t last) {
        for (int64_t n = first; n < last; n++) {
            float* sample = to + n * height * width * channels;
            if (start.defined()) {
                for (int64_t i = 0; i < height * width; i++) std::copy_n(start.data_ptr<float>(), channels, sample + i * channels);
            } else {
                std::fill_n(sample, height * width * channels, 0.0f);
            }
            for (int64_t i = 0; i < rows * columns; i++) {
                const float* row = from + (n * rows * columns + i) * patch;
                each_row(*this, channels, i / columns, i % columns, [&](int64_t at, int64_t offset, int64_t begin, int64_t end) {
                    if (at >= 0) add_range_best(sample + at, row + offset + begin, end - begin);
                });
            }
        }
    });
    return result;
}

at::Tensor weight_channels_last(const at::Tensor& weight) {
    if (weight.is_contiguous(at::MemoryFormat::ChannelsLast)) return weight;
    return reordered(weight.contiguous(), at::MemoryFormat::ChannelsLast);
}

at::Tensor weight_contiguous(const at::Tensor& weight) {
    if (weight.is_contiguous() || !weight.is_contiguous(at::MemoryFormat::ChannelsLast)) return weight.contiguous();
    return reordered(weight, at::MemoryFormat::Contiguous);
}

at::Tensor doubled_weight(const at::Tensor& weight) {
    const auto plain = weight.contiguous();
    const int64_t outer = plain.size(0), inner = plain.size(1);
    auto result = at::empty({inner, outer, 4, 4}, plain.options().memory_format(at::MemoryFormat::ChannelsLast));
    const float* from = plain.data_ptr<float>();
    float* to = result.data_ptr<float>();
    at::parallel_for(0, inner, 16, [&](int64_t first, int64_t last) {
        std::vector<float> places(9 * outer);
        for (int64_t i = first; i < last; i++) {
            transpose_best(from + i * 9, inner * 9, places.data(), outer, outer, 9);
            double_places_best(places.data(), to + i * 16 * outer, outer);
        }
    });
    return result;
}

at::Tensor doubled_weight_backward(const at::Tensor& grad) {
    const auto ordered = weight_channels_last(grad);
    const int64_t inner = ordered.size(0), outer = ordered.size(1);
    auto result = at::empty({outer, inner, 3, 3}, ordered.options().memory_format(at::MemoryFormat::Contiguous));
    const float* from = ordered.data_ptr<float>();
    float* to = result.data_ptr<float>();
    at::parallel_for(0, inner, 16, [&](int64_t first, int64_t last) {
        std::vector<float> places(9 * outer);
        for (int64_t i = first; i < last; i++) {
            halve_places_best(from + i * 16 * outer, places.data(), outer);
            transpose_best(places.data(), outer, to + i * 9, inner * 9, 9, outer);
        }
    });
    return result;
}

}  // namespace vaecluster
