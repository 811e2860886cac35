using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

[assembly: DisableRuntimeMarshalling]

namespace VaeCluster.Data.Images;

/// <summary>native/vaecluster_data.h, name by name.</summary>
internal static unsafe partial class NativeImages
{
    private const string Library = "vaecluster_data";

    [LibraryImport(Library)]
    private static partial byte* vc_data_last_error();

    [LibraryImport(Library)]
    internal static partial long vc_data_live_objects();

    [LibraryImport(Library)]
    private static partial int vc_data_decoder_version(byte** version);

    [LibraryImport(Library)]
    internal static partial int vc_data_probe(byte* bytes, long size, ImageInfo* info);

    [LibraryImport(Library)]
    internal static partial int vc_data_decoder_new(nint* decoder);

    [LibraryImport(Library)]
    internal static partial void vc_data_decoder_free(nint decoder);

    [LibraryImport(Library)]
    internal static partial int vc_data_decode(nint decoder, byte* bytes, long size, ImagePlan* plan, byte* output, int* broken);

    [LibraryImport(Library)]
    internal static partial int vc_data_resample(nint decoder, byte* pixels, int width, int height, ImagePlan* plan, byte* output);

    [LibraryImport(Library)]
    internal static partial void vc_data_to_float(byte* pixels, long stride, int width, int height, int flip, int signedRange, float* output);

    internal static string LastError() => Marshal.PtrToStringUTF8((nint)vc_data_last_error()) ?? "";

    internal static string DecoderVersion()
    {
        byte* version;
        Check(vc_data_decoder_version(&version));
        return Marshal.PtrToStringUTF8((nint)version) ?? "";
    }

    internal static void Check(int status)
    {
        if (status != 0) throw new InvalidOperationException($"libvaecluster_data failed: {LastError()}");
    }
}

/// <summary>vc_image_info.</summary>
internal struct ImageInfo
{
    public ImageFormat Format;
    public int Width, Height, Orientation, Channels;
}

/// <summary>vc_image_plan.</summary>
internal struct ImagePlan
{
    public int Channels, Orientation;
    public int ViewX, ViewY, ViewWidth, ViewHeight;
    public int ResizedWidth, ResizedHeight;
    public int OutX, OutY, OutWidth, OutHeight;
}

/// <summary>By content, not by name.</summary>
public enum ImageFormat
{
    Unknown,
    Jpeg,
    Png,
    WebP,
    Tiff,
    Gif,
    Bmp,
}
