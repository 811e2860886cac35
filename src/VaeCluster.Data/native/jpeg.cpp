// JPEG by libjpeg-turbo: accurate DCT and smooth upsampling, its defaults, which are also PIL's.
#include <turbojpeg.h>

#include <cstring>

#include "image.h"

namespace vaecluster {

namespace {

// The largest shrinking in the frequency domain that leaves `gap` times the pixels asked for in each direction: the
// triangle filter behind it hides the difference (tests hold it to 2/255 on the mean).
constexpr int gap = 3;

int shrinking(int width, int height, const vc_image_plan& plan) {
    const bool turned = plan.orientation >= 5;
    const int upright_width = turned ? height : width, upright_height = turned ? width : height;
    if (plan.view_x != 0 || plan.view_y != 0 || plan.view_width != upright_width || plan.view_height != upright_height)
        return 1;
    int by = 8;
    while (by > 1 && (upright_width / by < gap * plan.resized_width || upright_height / by < gap * plan.resized_height))
        by /= 2;
    return by;
}

bool has_end_marker(const uint8_t* bytes, int64_t size) {
    for (int64_t at = size - 2; at >= 2; at--)
        if (bytes[at] == 0xFF && bytes[at + 1] == 0xD9) return true;
        else if (bytes[at] == 0xFF && bytes[at + 1] == 0xDA) return false;  // the last scan begins and nothing ends it
    return false;
}

// libjpeg mends what it can and warns. Stray bytes between segments are harmless; missing or damaged data are not.
bool harmless(const char* warning, const uint8_t* bytes, int64_t size) {
    if (!has_end_marker(bytes, size)) return false;
    if (std::strstr(warning, "extraneous bytes")) return true;
    return !std::strstr(warning, "Corrupt JPEG data") && !std::strstr(warning, "Premature end");
}

// Adobe's inverted inks, the convention of every CMYK JPEG in the wild (and PIL's).
void inks_to_colour(const uint8_t* inks, size_t count, int channels, uint8_t* out) {
    for (size_t i = 0; i < count; i++, inks += 4, out += channels) {
        int colour[3];
        for (int c = 0; c < 3; c++) {
            const int product = inks[c] * inks[3] + 128;
            colour[c] = ((product >> 8) + product) >> 8;
        }
        if (channels == 3) for (int c = 0; c < 3; c++) out[c] = static_cast<uint8_t>(colour[c]);
        else out[0] = static_cast<uint8_t>((colour[0] * 19595 + colour[1] * 38470 + colour[2] * 7471 + 0x8000) >> 16);
    }
}

}  // namespace

JpegDecoder::JpegDecoder() : handle(tjInitDecompress()) {
    if (!handle) throw std::runtime_error(tjGetErrorStr2(nullptr));
}

JpegDecoder::~JpegDecoder() { tjDestroy(handle); }

Pixels JpegDecoder::decode(const uint8_t* bytes, int64_t size, const vc_image_plan& plan, Scratch& into, Scratch& inks) {
    int width, height, subsampling, colours;
    if (tjDecompressHeader3(handle, bytes, static_cast<unsigned long>(size), &width, &height, &subsampling, &colours) != 0)
        throw BrokenImage(tjGetErrorStr2(handle));
    const int by = shrinking(width, height, plan);
    const int out_width = (width + by - 1) / by, out_height = (height + by - 1) / by;
    const size_t count = static_cast<size_t>(out_width) * out_height;
    const bool four = colours == TJCS_CMYK || colours == TJCS_YCCK;

    uint8_t* target = into.resize(count * plan.channels);
    const int format = four ? TJPF_CMYK : plan.channels == 1 ? TJPF_GRAY : TJPF_RGB;
    if (tjDecompress2(handle, bytes, static_cast<unsigned long>(size), four ? inks.resize(count * 4) : target, out_width, 0,
                      out_height, format, TJFLAG_LIMITSCANS) != 0) {
        const char* reason = tjGetErrorStr2(handle);
        if (tjGetErrorCode(handle) != TJERR_WARNING) {
            if (std::strstr(reason, "emory")) throw std::runtime_error(reason);
            throw BrokenImage(reason);
        }
        if (!harmless(reason, bytes, size)) throw BrokenImage(reason);
    }
    if (four) inks_to_colour(inks.data(), count, plan.channels, target);
    Pixels pixels(target, out_width, out_height, plan.channels, static_cast<ptrdiff_t>(out_width) * plan.channels);
    pixels.extent_x = static_cast<double>(width) / by;
    pixels.extent_y = static_cast<double>(height) / by;
    return pixels;
}

// TurboJPEG does not tell its version, and the version does not tell which vector code runs: so a picture is encoded,
// decoded whole and shrunk, and what comes out is hashed (FNV-1a).
uint32_t jpeg_pixels() {
    constexpr int side = 64;
    std::vector<uint8_t> picture(side * side * 3);
    for (size_t i = 0; i < picture.size(); i++) picture[i] = static_cast<uint8_t>(i * i / 97 + i / 5);
    const auto encoder = tjInitCompress();
    unsigned char* bytes = nullptr;
    unsigned long size = 0;
    const int status = tjCompress2(encoder, picture.data(), side, 0, side, TJPF_RGB, &bytes, &size, TJSAMP_420, 85, 0);
    std::vector<uint8_t> file(bytes, bytes + (status == 0 ? size : 0));
    tjFree(bytes);
    tjDestroy(encoder);
    if (status != 0) throw std::runtime_error("libjpeg-turbo can't encode its test picture");

    uint32_t hash = 2166136261u;
    JpegDecoder decoder;
    Scratch into, inks;
    for (const int resized : {side, side / 8}) {
        const vc_image_plan plan{3, 1, 0, 0, side, side, resized, resized, 0, 0, resized, resized};
        const Pixels pixels = decoder.decode(file.data(), static_cast<int64_t>(file.size()), plan, into, inks);
        for (int i = 0; i < pixels.width * pixels.height * 3; i++) hash = (hash ^ pixels.data[i]) * 16777619u;
    }
    return hash;
}

}  // namespace vaecluster
