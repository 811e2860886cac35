// The triangle filter with antialiasing: what PIL calls BILINEAR. Rows first, then columns, in 16-bit weights and 32-bit
// sums, so that the vector and the plain code give the same bits.
#include <immintrin.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "image.h"

namespace vaecluster {

namespace {

struct Weights {
    int stride = 0, precision = 0;
    std::vector<int> first, count;
    std::vector<int16_t> values;  // [outputs, stride], zeros behind the last tap

    const int16_t* of(int output) const { return values.data() + static_cast<size_t>(output) * stride; }

    // For outputs [from, from + outputs) of an axis of `in` pixels, of which the picture takes `extent`, resized to `out`.
    Weights(int in, double extent, int out, int from, int outputs) : first(outputs), count(outputs) {
        const double scale = extent / out, support = std::max(scale, 1.0);
        stride = (static_cast<int>(std::ceil(support)) * 2 + 1 + 7) / 8 * 8;
        std::vector<double> exact(static_cast<size_t>(outputs) * stride);
        double largest = 0;
        for (int i = 0; i < outputs; i++) {
            const double centre = (from + i + 0.5) * scale;
            const int begin = std::max(0, static_cast<int>(centre - support + 0.5));
            const int end = std::min(in, static_cast<int>(centre + support + 0.5));
            double* weights = exact.data() + static_cast<size_t>(i) * stride;
            double sum = 0;
            for (int x = begin; x < end; x++) {
                weights[x - begin] = std::max(0.0, 1.0 - std::abs((x - centre + 0.5) / support));
                sum += weights[x - begin];
            }
            for (int t = 0; t < end - begin; t++) {
                weights[t] /= sum;
                largest = std::max(largest, weights[t]);
            }
            first[i] = begin;
            count[i] = end - begin;
        }
        // As many bits as an int16 has for the largest weight; 22 keep 255 times the sum of all inside an int32.
        while (precision < 22 && largest * (1 << (precision + 1)) < 32767) precision++;
        values.resize(exact.size());
        for (size_t i = 0; i < exact.size(); i++)
            values[i] = static_cast<int16_t>(std::lround(exact[i] * (1 << precision)));
    }
};

inline uint8_t clip(int sum, int precision) { return static_cast<uint8_t>(std::clamp(sum >> precision, 0, 255)); }

// --- rows: each output row is a weighted sum of whole input rows.

void rows_scalar(const uint8_t* in, ptrdiff_t stride, const int16_t* weights, int taps, int precision, int from, int bytes,
                 uint8_t* out) {
    for (int x = from; x < bytes; x++) {
        int sum = 1 << (precision - 1);
        for (int t = 0; t < taps; t++) sum += in[t * stride + x] * weights[t];
        out[x] = clip(sum, precision);
    }
}

__attribute__((target("avx2"))) void rows_avx2(const uint8_t* in, ptrdiff_t stride, const int16_t* weights, int taps,
                                               int precision, int bytes, uint8_t* out) {
    const __m256i half = _mm256_set1_epi32(1 << (precision - 1));
    const __m128i shift = _mm_cvtsi32_si128(precision);
    int x = 0;
    for (; x + 32 <= bytes; x += 32) {
        __m256i sum0 = half, sum1 = half, sum2 = half, sum3 = half;
        for (int t = 0; t < taps; t += 2) {
            const bool pair = t + 1 < taps;
            const __m256i a = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in + t * stride + x));
            const __m256i b = pair ? _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in + (t + 1) * stride + x))
                                   : _mm256_setzero_si256();
            const int both = static_cast<uint16_t>(weights[t]) | (pair ? static_cast<int>(weights[t + 1]) << 16 : 0);
            const __m256i weight = _mm256_set1_epi32(both);
            const __m256i low = _mm256_unpacklo_epi8(a, b), high = _mm256_unpackhi_epi8(a, b);
            const __m256i zero = _mm256_setzero_si256();
            // Pairs (a, b) of neighbouring rows, widened to 16 bits, so that one multiply-add takes two taps.
            sum0 = _mm256_add_epi32(sum0, _mm256_madd_epi16(_mm256_unpacklo_epi8(low, zero), weight));
            sum1 = _mm256_add_epi32(sum1, _mm256_madd_epi16(_mm256_unpackhi_epi8(low, zero), weight));
            sum2 = _mm256_add_epi32(sum2, _mm256_madd_epi16(_mm256_unpacklo_epi8(high, zero), weight));
            sum3 = _mm256_add_epi32(sum3, _mm256_madd_epi16(_mm256_unpackhi_epi8(high, zero), weight));
        }
        const __m256i low = _mm256_packs_epi32(_mm256_sra_epi32(sum0, shift), _mm256_sra_epi32(sum1, shift));
        const __m256i high = _mm256_packs_epi32(_mm256_sra_epi32(sum2, shift), _mm256_sra_epi32(sum3, shift));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + x), _mm256_packus_epi16(low, high));
    }
    rows_scalar(in, stride, weights, taps, precision, x, bytes, out);
}

// --- columns: each output pixel is a weighted sum of neighbours in its row; out is a plane per channel.

void column_scalar(const uint8_t* in, const int16_t* weights, int taps, int precision, int channels, uint8_t* out,
                   size_t plane) {
    for (int c = 0; c < channels; c++) {
        int sum = 1 << (precision - 1);
        for (int t = 0; t < taps; t++) sum += in[t * channels + c] * weights[t];
        out[c * plane] = clip(sum, precision);
    }
}

// Reads up to 16 bytes behind the last tap: the scratch buffer has room for it, and the weights there are zero.
__attribute__((target("avx2"))) void columns3_avx2(const uint8_t* in, const Weights& weights, int outputs, int base,
                                                   uint8_t* out, size_t plane) {
    const __m128i first = _mm_setr_epi8(0, -1, 3, -1, 1, -1, 4, -1, 2, -1, 5, -1, -1, -1, -1, -1);
    const __m128i second = _mm_setr_epi8(6, -1, 9, -1, 7, -1, 10, -1, 8, -1, 11, -1, -1, -1, -1, -1);
    const __m128i shift = _mm_cvtsi32_si128(weights.precision);
    const __m128i half = _mm_set1_epi32(1 << (weights.precision - 1));
    for (int x = 0; x < outputs; x++) {
        const uint8_t* from = in + static_cast<size_t>(weights.first[x] - base) * 3;
        const int16_t* weight = weights.of(x);
        __m128i sum = half;
        for (int t = 0; t < weights.count[x]; t += 4, from += 12) {
            const __m128i pixels = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
            const __m128i four = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(weight + t));
            sum = _mm_add_epi32(sum, _mm_madd_epi16(_mm_shuffle_epi8(pixels, first), _mm_shuffle_epi32(four, 0x00)));
            sum = _mm_add_epi32(sum, _mm_madd_epi16(_mm_shuffle_epi8(pixels, second), _mm_shuffle_epi32(four, 0x55)));
        }
        sum = _mm_sra_epi32(sum, shift);
        sum = _mm_packus_epi16(_mm_packs_epi32(sum, sum), sum);
        const auto colour = static_cast<uint32_t>(_mm_cvtsi128_si32(sum));
        out[x] = static_cast<uint8_t>(colour);
        out[x + plane] = static_cast<uint8_t>(colour >> 8);
        out[x + 2 * plane] = static_cast<uint8_t>(colour >> 16);
    }
}

__attribute__((target("avx2"))) void columns1_avx2(const uint8_t* in, const Weights& weights, int outputs, int base,
                                                   uint8_t* out) {
    for (int x = 0; x < outputs; x++) {
        const uint8_t* from = in + (weights.first[x] - base);
        const int16_t* weight = weights.of(x);
        __m128i sum = _mm_setzero_si128();
        for (int t = 0; t < weights.count[x]; t += 8) {
            const __m128i pixels = _mm_cvtepu8_epi16(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(from + t)));
            sum = _mm_add_epi32(sum, _mm_madd_epi16(pixels, _mm_loadu_si128(reinterpret_cast<const __m128i*>(weight + t))));
        }
        sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0x4E));
        sum = _mm_add_epi32(sum, _mm_shuffle_epi32(sum, 0xB1));
        out[x] = clip(_mm_cvtsi128_si32(sum) + (1 << (weights.precision - 1)), weights.precision);
    }
}

void columns(const uint8_t* in, const Weights& weights, int outputs, int base, int channels, bool avx2, uint8_t* out,
             size_t plane) {
    if (avx2 && channels == 3) return columns3_avx2(in, weights, outputs, base, out, plane);
    if (avx2 && channels == 1) return columns1_avx2(in, weights, outputs, base, out);
    for (int x = 0; x < outputs; x++)
        column_scalar(in + static_cast<size_t>(weights.first[x] - base) * channels, weights.of(x), weights.count[x],
                      weights.precision, channels, out + x, plane);
}

void part_row(const uint8_t* in, int pixels, int channels, uint8_t* out, size_t plane) {
    if (channels == 1) std::memcpy(out, in, pixels);
    else for (int x = 0; x < pixels; x++)
        for (int c = 0; c < channels; c++) out[c * plane + x] = in[x * channels + c];
}

}  // namespace

void resample(const Pixels& view, const vc_image_plan& plan, Scratch& scratch, uint8_t* output) {
    const bool avx2 = use_avx2();
    const int channels = view.channels;
    const size_t plane = static_cast<size_t>(plan.out_width) * plan.out_height;
    const bool narrow = plan.resized_width != view.width, shorten = plan.resized_height != view.height;

    const Weights across = narrow ? Weights(view.width, view.extent_x, plan.resized_width, plan.out_x, plan.out_width) : Weights(1, 1, 1, 0, 0);
    const Weights down = shorten ? Weights(view.height, view.extent_y, plan.resized_height, plan.out_y, plan.out_height) : Weights(1, 1, 1, 0, 0);
    // Only the columns that some output pixel needs go through the first pass.
    const int base = narrow ? across.first.front() : plan.out_x;
    const int end = narrow ? across.first.back() + across.count.back() : plan.out_x + plan.out_width;
    const int bytes = (end - base) * channels;
    uint8_t* row = scratch.resize(bytes);

    for (int y = 0; y < plan.out_height; y++) {
        const int first = shorten ? down.first[y] : plan.out_y + y;
        const uint8_t* in = view.data + first * view.stride + static_cast<ptrdiff_t>(base) * channels;
        if (shorten && avx2) rows_avx2(in, view.stride, down.of(y), down.count[y], down.precision, bytes, row);
        else if (shorten) rows_scalar(in, view.stride, down.of(y), down.count[y], down.precision, 0, bytes, row);
        else std::memcpy(row, in, bytes);

        uint8_t* out = output + static_cast<size_t>(y) * plan.out_width;
        if (narrow) columns(row, across, plan.out_width, base, channels, avx2, out, plane);
        else part_row(row, plan.out_width, channels, out, plane);
    }
}

}  // namespace vaecluster
