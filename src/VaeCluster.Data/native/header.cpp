// Sizes and orientation from a file's header, so that nothing is decoded whose size was not looked at. Every read is
// bounds-checked: the bytes come from anywhere.
#include <cstring>

#include "vaecluster_data.h"

namespace {

struct Reader {
    const uint8_t* bytes;
    int64_t size;
    bool big = true;

    bool has(int64_t at, int64_t count) const { return at >= 0 && count >= 0 && at <= size - count; }
    uint32_t u8(int64_t at) const { return has(at, 1) ? bytes[at] : 0; }
    uint32_t u16(int64_t at) const {
        if (!has(at, 2)) return 0;
        return big ? bytes[at] << 8 | bytes[at + 1] : bytes[at + 1] << 8 | bytes[at];
    }
    uint32_t u32(int64_t at) const {
        return big ? u16(at) << 16 | u16(at + 2) : u16(at + 2) << 16 | u16(at);
    }
    bool starts(int64_t at, const char* text, int64_t length) const {
        return has(at, length) && std::memcmp(bytes + at, text, length) == 0;
    }
};

// Fills what the first directory of a TIFF says; EXIF is such a TIFF, of which only the orientation matters.
void read_tiff(Reader file, vc_image_info* info) {
    if (file.starts(0, "II*\0", 4)) file.big = false;
    else if (!file.starts(0, "MM\0*", 4)) return;
    const int64_t directory = file.u32(4);
    const int entries = static_cast<int>(file.u16(directory));
    info->channels = 1;
    for (int i = 0; i < entries; i++) {
        const int64_t entry = directory + 2 + 12LL * i;
        if (!file.has(entry, 12)) return;
        const uint32_t type = file.u16(entry + 2);
        const uint32_t value = type == 3 ? file.u16(entry + 8) : file.u32(entry + 8);
        switch (file.u16(entry)) {
            case 256: info->width = static_cast<int32_t>(value); break;
            case 257: info->height = static_cast<int32_t>(value); break;
            case 274: if (value >= 1 && value <= 8) info->orientation = static_cast<int32_t>(value); break;
            case 277: info->channels = static_cast<int32_t>(value); break;
            default: break;
        }
    }
}

int32_t exif_orientation(const uint8_t* bytes, int64_t size) {
    vc_image_info exif{0, 0, 0, 1, 0};
    read_tiff({bytes, size}, &exif);
    return exif.orientation;
}

void read_jpeg(Reader file, vc_image_info* info) {
    int64_t at = 2;
    while (file.has(at, 4)) {
        if (file.u8(at) != 0xFF) { at++; continue; }  // garbage between segments, as decoders tolerate it
        const uint32_t marker = file.u8(at + 1);
        if (marker == 0xFF) { at++; continue; }
        if (marker == 0x00 || marker == 0x01 || (marker >= 0xD0 && marker <= 0xD8)) { at += 2; continue; }
        if (marker == 0xD9 || marker == 0xDA) return;
        const int64_t length = file.u16(at + 2);
        if (length < 2) return;
        const bool frame = marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
        if (frame) {
            info->height = static_cast<int32_t>(file.u16(at + 5));
            info->width = static_cast<int32_t>(file.u16(at + 7));
            info->channels = static_cast<int32_t>(file.u8(at + 9));
            return;
        }
        if (marker == 0xE1 && file.starts(at + 4, "Exif\0\0", 6) && file.has(at + 10, length - 8))
            info->orientation = exif_orientation(file.bytes + at + 10, length - 8);
        at += 2 + length;
    }
}

void read_png(Reader file, vc_image_info* info) {
    if (!file.starts(12, "IHDR", 4)) return;
    info->width = static_cast<int32_t>(file.u32(16));
    info->height = static_cast<int32_t>(file.u32(20));
    const uint32_t colour = file.u8(25);
    info->channels = colour == 0 || colour == 4 ? 1 : 3;
    for (int64_t at = 8; file.has(at, 12);) {
        const int64_t length = file.u32(at);
        if (file.starts(at + 4, "eXIf", 4) && file.has(at + 8, length))
            info->orientation = exif_orientation(file.bytes + at + 8, length);
        at += 12 + length;
    }
}

void read_webp(Reader file, vc_image_info* info) {
    file.big = false;
    info->channels = 3;
    for (int64_t at = 12; file.has(at, 8);) {
        const int64_t length = file.u32(at + 4), data = at + 8;
        if (file.starts(at, "VP8 ", 4) && info->width == 0) {
            info->width = static_cast<int32_t>(file.u16(data + 6) & 0x3FFF);
            info->height = static_cast<int32_t>(file.u16(data + 8) & 0x3FFF);
        } else if (file.starts(at, "VP8L", 4) && info->width == 0) {
            const uint32_t bits = file.u32(data + 1);
            info->width = static_cast<int32_t>((bits & 0x3FFF) + 1);
            info->height = static_cast<int32_t>((bits >> 14 & 0x3FFF) + 1);
        } else if (file.starts(at, "VP8X", 4)) {
            info->width = static_cast<int32_t>((file.u32(data + 4) & 0xFFFFFF) + 1);
            info->height = static_cast<int32_t>((file.u32(data + 7) & 0xFFFFFF) + 1);
        } else if (file.starts(at, "EXIF", 4) && file.has(data, length)) {
            const int64_t skip = file.starts(data, "Exif\0\0", 6) ? 6 : 0;
            info->orientation = exif_orientation(file.bytes + data + skip, length - skip);
        }
        at = data + length + (length & 1);
    }
}

}  // namespace

int vc_data_probe(const uint8_t* bytes, int64_t size, vc_image_info* info) {
    *info = {0, 0, 0, 1, 0};
    Reader file{bytes, size};
    if (file.starts(0, "\xFF\xD8\xFF", 3)) {
        info->format = 1;
        read_jpeg(file, info);
    } else if (file.starts(0, "\x89PNG\r\n\x1A\n", 8)) {
        info->format = 2;
        read_png(file, info);
    } else if (file.starts(0, "RIFF", 4) && file.starts(8, "WEBP", 4)) {
        info->format = 3;
        read_webp(file, info);
    } else if (file.starts(0, "II*\0", 4) || file.starts(0, "MM\0*", 4)) {
        info->format = 4;
        read_tiff(file, info);
    } else if (file.starts(0, "GIF87a", 6) || file.starts(0, "GIF89a", 6)) {
        file.big = false;
        *info = {5, static_cast<int32_t>(file.u16(6)), static_cast<int32_t>(file.u16(8)), 1, 3};
    } else if (file.starts(0, "BM", 2) && file.u8(14) >= 40) {
        file.big = false;
        const auto height = static_cast<int32_t>(file.u32(22));
        *info = {6, static_cast<int32_t>(file.u32(18)), height < 0 && height != INT32_MIN ? -height : height, 1, 3};
    }
    if (info->width <= 0 || info->height <= 0) *info = {0, 0, 0, 1, 0};
    return 0;
}
