// The C interface of libvaecluster_data; Images/NativeImages.cs imports it.
#pragma once

#include <cstdint>

#include "guard.h"

extern "C" {

// What a file says about itself before anything is decoded. orientation is EXIF's, 1 to 8.
struct vc_image_info {
    int32_t format;  // 0 unknown, 1 JPEG, 2 PNG, 3 WebP, 4 TIFF, 5 GIF, 6 BMP
    int32_t width;   // as stored, before the orientation
    int32_t height;
    int32_t orientation;
    int32_t channels;
};

// Decode, turn upright, take the view, resize it to resized_*, keep the out_* window of that. All in upright pixels.
struct vc_image_plan {
    int32_t channels;  // 1 or 3
    int32_t orientation;
    int32_t view_x, view_y, view_width, view_height;
    int32_t resized_width, resized_height;
    int32_t out_x, out_y, out_width, out_height;
};

struct vc_data_decoder;
}

VAECLUSTER_EXPORT const char* vc_data_last_error();

// Decoders and what else lives in native memory; tests bring it to zero.
VAECLUSTER_EXPORT int64_t vc_data_live_objects();

// "libjpeg-turbo x, OpenCV y": what the pixels of a decoded image depend on.
VAECLUSTER_EXPORT int vc_data_decoder_version(const char** version);

// format 0 when the bytes are no image we know or their header is damaged.
VAECLUSTER_EXPORT int vc_data_probe(const uint8_t* bytes, int64_t size, vc_image_info* info);

// A decoder belongs to one thread at a time; it keeps its scratch memory between images.
VAECLUSTER_EXPORT int vc_data_decoder_new(vc_data_decoder** decoder);
VAECLUSTER_EXPORT void vc_data_decoder_free(vc_data_decoder* decoder);

// output: planes [channels, out_height, out_width]. broken 1: the bytes do not decode, vc_data_last_error says why.
VAECLUSTER_EXPORT int vc_data_decode(vc_data_decoder* decoder, const uint8_t* bytes, int64_t size,
                                     const vc_image_plan* plan, uint8_t* output, int32_t* broken);

// The same from pixels that are decoded already: interleaved, `channels` of the plan, width x height.
VAECLUSTER_EXPORT int vc_data_resample(vc_data_decoder* decoder, const uint8_t* pixels, int32_t width, int32_t height,
                                       const vc_image_plan* plan, uint8_t* output);

// One plane of bytes to floats: v/255, or v/127.5 - 1 when signed_range. stride in bytes; flip mirrors each row.
VAECLUSTER_EXPORT void vc_data_to_float(const uint8_t* pixels, int64_t stride, int32_t width, int32_t height,
                                        int32_t flip, int32_t signed_range, float* output);
