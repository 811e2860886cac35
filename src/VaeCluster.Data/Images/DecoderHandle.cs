using System.Runtime.InteropServices;

namespace VaeCluster.Data.Images;

/// <summary>A native decoder; belongs to one thread at a time.</summary>
internal sealed class DecoderHandle : SafeHandle
{
    public DecoderHandle() : base(0, ownsHandle: true) { }

    public override bool IsInvalid => handle == 0;

    public static unsafe DecoderHandle Create()
    {
        var decoder = new DecoderHandle();
        nint pointer;
        NativeImages.Check(NativeImages.vc_data_decoder_new(&pointer));
        decoder.SetHandle(pointer);
        return decoder;
    }

    protected override bool ReleaseHandle()
    {
        NativeImages.vc_data_decoder_free(handle);
        return true;
    }
}
