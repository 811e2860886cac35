// What the parts of the decoder share.
#pragma once

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "vaecluster_data.h"

namespace vaecluster {

// The bytes are at fault, not the machine: a broken image.
struct BrokenImage : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Bytes with room behind them, so that a vector load at the last pixel stays inside. Kept between images; given back
// after a large one.
class Scratch {
public:
    uint8_t* resize(size_t size) {
        constexpr size_t slack = 64, keep = size_t{32} << 20;
        if (size + slack > capacity || (capacity > keep && size < keep)) {
            bytes.reset();
            bytes.reset(new uint8_t[size + slack]);
            capacity = size + slack;
        }
        return bytes.get();
    }
    uint8_t* data() const { return bytes.get(); }

private:
    std::unique_ptr<uint8_t[]> bytes;
    size_t capacity = 0;
};

struct Pixels {  // interleaved
    const uint8_t* data;
    int width, height, channels;
    ptrdiff_t stride;
    // What the picture takes of width and height: less where a shrunk JPEG ends within its last pixel.
    double extent_x, extent_y;

    Pixels(const uint8_t* data, int width, int height, int channels, ptrdiff_t stride)
        : data(data), width(width), height(height), channels(channels), stride(stride), extent_x(width), extent_y(height) {}
};

// Resizes `view` as if to resized_width x resized_height and writes the out window as planes.
void resample(const Pixels& view, const vc_image_plan& plan, Scratch& scratch, uint8_t* output);

// Whether to take the vector code. Both give the same bits, which a test holds by VAECLUSTER_DATA_PLAIN=1.
bool use_avx2();

// A number that changes when this libjpeg-turbo decodes to other pixels than another one.
uint32_t jpeg_pixels();

// Decodes into `into`, perhaps smaller by a power of two when the plan takes the whole image and asks for far less.
class JpegDecoder {
public:
    JpegDecoder();
    ~JpegDecoder();
    JpegDecoder(const JpegDecoder&) = delete;
    JpegDecoder& operator=(const JpegDecoder&) = delete;
    Pixels decode(const uint8_t* bytes, int64_t size, const vc_image_plan& plan, Scratch& into, Scratch& inks);

private:
    void* handle;
};

}  // namespace vaecluster
