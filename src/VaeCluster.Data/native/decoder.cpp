// Bytes of an image file to the pixels of a plan: decode, turn upright, take the view, resize.
#include <atomic>
#include <cstdio>
#include <opencv2/core.hpp>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/imgcodecs.hpp>

#include "image.h"

namespace {

std::atomic<int64_t> live_objects{0};

}  // namespace

struct vc_data_decoder {
    vaecluster::JpegDecoder jpeg;
    vaecluster::Scratch decoded, upright, row;  // row doubles as the inks of a CMYK JPEG
    vc_data_decoder() { live_objects++; }
    ~vc_data_decoder() { live_objects--; }
};

namespace vaecluster {
namespace {

// OpenCV gives BGR or grey, 8 or 16 bit; of 16 bits the high byte counts, as libpng and PIL have it.
Pixels decode_by_opencv(const uint8_t* bytes, int64_t size, int channels, Scratch& into) {
    const cv::Mat file(1, static_cast<int>(size), CV_8U, const_cast<uint8_t*>(bytes));
    cv::Mat image;
    try {
        image = cv::imdecode(file, cv::IMREAD_ANYCOLOR | cv::IMREAD_ANYDEPTH | cv::IMREAD_IGNORE_ORIENTATION);
    } catch (const cv::Exception& error) {
        if (error.code == cv::Error::StsNoMem) throw;
        throw BrokenImage(error.err);
    }
    if (image.empty()) throw BrokenImage("the image data are damaged");
    if (image.depth() != CV_8U && image.depth() != CV_16U) throw BrokenImage("pixels of a type other than 8 or 16 bit");
    const int from = image.channels(), wide = image.depth() == CV_16U ? 2 : 1;
    uint8_t* out = into.resize(image.total() * channels);
    for (int y = 0; y < image.rows; y++) {
        const uint8_t* in = image.ptr<uint8_t>(y) + (wide - 1);  // little-endian: the high byte is the second
        for (int x = 0; x < image.cols; x++, in += from * wide, out += channels) {
            const int blue = in[0], green = in[from >= 3 ? wide : 0], red = in[from >= 3 ? 2 * wide : 0];
            if (channels == 3) {
                out[0] = static_cast<uint8_t>(red);
                out[1] = static_cast<uint8_t>(green);
                out[2] = static_cast<uint8_t>(blue);
            } else {
                out[0] = from >= 3 ? static_cast<uint8_t>((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16) : in[0];
            }
        }
    }
    return {into.data(), image.cols, image.rows, channels, static_cast<ptrdiff_t>(image.cols) * channels};
}

// EXIF: 2 mirrored, 3 turned by 180 degrees, 4 upside down, 5 to 8 with the axes exchanged.
Pixels turn_upright(const Pixels& image, int orientation, Scratch& into) {
    if (orientation <= 1) return image;
    const bool exchanged = orientation >= 5;
    const int width = exchanged ? image.height : image.width, height = exchanged ? image.width : image.height;
    uint8_t* out = into.resize(static_cast<size_t>(width) * height * image.channels);
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            int from_x = exchanged ? y : x, from_y = exchanged ? x : y;
            if (orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8) from_x = image.width - 1 - from_x;
            if (orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7) from_y = image.height - 1 - from_y;
            const uint8_t* in = image.data + from_y * image.stride + static_cast<ptrdiff_t>(from_x) * image.channels;
            for (int c = 0; c < image.channels; c++) *out++ = in[c];
        }
    }
    Pixels turned(into.data(), width, height, image.channels, static_cast<ptrdiff_t>(width) * image.channels);
    turned.extent_x = exchanged ? image.extent_y : image.extent_x;
    turned.extent_y = exchanged ? image.extent_x : image.extent_y;
    return turned;
}

void check(const vc_image_plan& plan) {
    if ((plan.channels != 1 && plan.channels != 3) || plan.view_width < 1 || plan.view_height < 1 || plan.out_width < 1 ||
        plan.out_height < 1 || plan.out_x < 0 || plan.out_y < 0 || plan.view_x < 0 || plan.view_y < 0 ||
        plan.out_x + plan.out_width > plan.resized_width || plan.out_y + plan.out_height > plan.resized_height)
        throw std::invalid_argument("the image plan asks for pixels outside of the image");
}

// The view is given in full-size pixels; a JPEG that was shrunk while decoding is seen whole.
Pixels take_view(const Pixels& image, const vc_image_plan& plan, bool shrunk) {
    if (shrunk) return image;
    if (plan.view_x + plan.view_width > image.width || plan.view_y + plan.view_height > image.height)
        throw BrokenImage("the decoded size differs from the header's");
    return {image.data + plan.view_y * image.stride + static_cast<ptrdiff_t>(plan.view_x) * image.channels,
            plan.view_width, plan.view_height, image.channels, image.stride};
}

void decode(vc_data_decoder& decoder, const uint8_t* bytes, int64_t size, const vc_image_plan& plan, uint8_t* output) {
    check(plan);
    vc_image_info info;
    vc_data_probe(bytes, size, &info);
    const bool jpeg = info.format == 1;
    Pixels image = jpeg ? decoder.jpeg.decode(bytes, size, plan, decoder.decoded, decoder.row)
                        : decode_by_opencv(bytes, size, plan.channels, decoder.decoded);
    const bool shrunk = jpeg && image.width < info.width;
    image = turn_upright(image, plan.orientation, decoder.upright);
    resample(take_view(image, plan, shrunk), plan, decoder.row, output);
}

}  // namespace
}  // namespace vaecluster

const char* vc_data_last_error() { return vaecluster::last_error().c_str(); }

int64_t vc_data_live_objects() { return live_objects; }

int vc_data_decoder_version(const char** result) {
    return vaecluster::guard([&] {
        static const std::string version = [] {
            char pixels[16];
            std::snprintf(pixels, sizeof pixels, "%08x", vaecluster::jpeg_pixels());
            return "libjpeg-turbo " VC_LIBJPEG_VERSION " (" + std::string(pixels) + "), OpenCV " + cv::getVersionString() + ", resize 1";
        }();
        *result = version.c_str();
    });
}

int vc_data_decoder_new(vc_data_decoder** decoder) {
    return vaecluster::guard([&] {
        // Broken images are ours to report, by name.
        static const auto quiet = cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
        (void)quiet;
        *decoder = new vc_data_decoder();
    });
}

void vc_data_decoder_free(vc_data_decoder* decoder) { delete decoder; }

int vc_data_decode(vc_data_decoder* decoder, const uint8_t* bytes, int64_t size, const vc_image_plan* plan, uint8_t* output,
                   int32_t* broken) {
    return vaecluster::guard([&] {
        *broken = 0;
        try {
            vaecluster::decode(*decoder, bytes, size, *plan, output);
        } catch (const vaecluster::BrokenImage& error) {
            *broken = 1;
            vaecluster::last_error() = error.what();
        }
    });
}

int vc_data_resample(vc_data_decoder* decoder, const uint8_t* pixels, int32_t width, int32_t height,
                     const vc_image_plan* plan, uint8_t* output) {
    return vaecluster::guard([&] {
        vaecluster::check(*plan);
        const vaecluster::Pixels image{pixels, width, height, plan->channels, static_cast<ptrdiff_t>(width) * plan->channels};
        vaecluster::resample(vaecluster::take_view(image, *plan, false), *plan, decoder->row, output);
    });
}
