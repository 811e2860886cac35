#include "patches.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>

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

// [rows, columns] to [columns, rows]
BODY void transpose(const float* __restrict from, float* __restrict to, int64_t rows, int64_t columns) {
    const int64_t even_rows = rows / 8 * 8, even_columns = columns / 8 * 8;
    for (int64_t r = 0; r < even_rows; r += 8) {
        for (int64_t c = 0; c < even_columns; c += 8) transpose_tile(from + r * columns + c, columns, to + c * rows + r, rows);
    }
    for (int64_t r = 0; r < rows; r++) {
        for (int64_t c = r < even_rows ? even_columns : 0; c < columns; c++) to[c * rows + r] = from[r * columns + c];
    }
}

DISPATCH(void, add_range, (float* into, const float* from, int64_t n), (into, from, n))
DISPATCH(void, transpose, (const float* from, float* to, int64_t rows, int64_t columns), (from, to, rows, columns))

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
    const auto plain = weight.contiguous();
    auto result = at::empty(weight.sizes(), weight.options().memory_format(at::MemoryFormat::ChannelsLast));
    const int64_t inner = weight.size(1), places = weight.size(2) * weight.size(3);
    const float* from = plain.data_ptr<float>();
    float* to = result.data_ptr<float>();
    at::parallel_for(0, weight.size(0), 16, [&](int64_t first, int64_t last) {
        for (int64_t i = first; i < last; i++) transpose_best(from + i * inner * places, to + i * inner * places, inner, places);
    });
    return result;
}

at::Tensor weight_contiguous(const at::Tensor& weight) {
    if (weight.is_contiguous() || !weight.is_contiguous(at::MemoryFormat::ChannelsLast)) return weight.contiguous();
    auto result = at::empty(weight.sizes(), weight.options().memory_format(at::MemoryFormat::Contiguous));
    const int64_t inner = weight.size(1), places = weight.size(2) * weight.size(3);
    const float* from = weight.data_ptr<float>();
    float* to = result.data_ptr<float>();
    at::parallel_for(0, weight.size(0), 16, [&](int64_t first, int64_t last) {
        for (int64_t i = first; i < last; i++) transpose_best(from + i * inner * places, to + i * inner * places, places, inner);
    });
    return result;
}

}  // namespace vaecluster
