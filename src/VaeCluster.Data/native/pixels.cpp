// Bytes to floats. A true division, not a multiplication by the reciprocal: every path then rounds alike.
#include <immintrin.h>

#include <cstdlib>

#include "image.h"

namespace {

inline float convert(uint8_t value, bool signed_range) {
    return signed_range ? static_cast<float>(value) / 127.5f - 1.0f : static_cast<float>(value) / 255.0f;
}

void row_scalar(const uint8_t* in, int32_t from, int32_t width, bool flip, bool signed_range, float* out) {
    for (int32_t x = from; x < width; x++) out[x] = convert(in[flip ? width - 1 - x : x], signed_range);
}

__attribute__((target("avx2"))) void row_avx2(const uint8_t* in, int32_t width, bool flip, bool signed_range, float* out) {
    const __m256 divisor = _mm256_set1_ps(signed_range ? 127.5f : 255.0f);
    const __m256 offset = _mm256_set1_ps(signed_range ? 1.0f : 0.0f);
    const __m128i backwards = _mm_setr_epi8(7, 6, 5, 4, 3, 2, 1, 0, -1, -1, -1, -1, -1, -1, -1, -1);
    int32_t x = 0;
    for (; x + 8 <= width; x += 8) {
        __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(flip ? in + width - 8 - x : in + x));
        if (flip) bytes = _mm_shuffle_epi8(bytes, backwards);
        const __m256 value = _mm256_div_ps(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes)), divisor);
        _mm256_storeu_ps(out + x, signed_range ? _mm256_sub_ps(value, offset) : value);
    }
    row_scalar(in, x, width, flip, signed_range, out);
}

}  // namespace

bool vaecluster::use_avx2() {
    static const bool use = __builtin_cpu_supports("avx2") && std::getenv("VAECLUSTER_DATA_PLAIN") == nullptr;
    return use;
}

void vc_data_to_float(const uint8_t* pixels, int64_t stride, int32_t width, int32_t height, int32_t flip,
                      int32_t signed_range, float* output) {
    const bool avx2 = vaecluster::use_avx2();
    if (!flip && stride == width) {  // one long row
        width *= height;
        height = 1;
    }
    for (int32_t y = 0; y < height; y++) {
        const uint8_t* in = pixels + y * stride;
        float* out = output + static_cast<int64_t>(y) * width;
        if (avx2) row_avx2(in, width, flip != 0, signed_range != 0, out);
        else row_scalar(in, 0, width, flip != 0, signed_range != 0, out);
    }
}
