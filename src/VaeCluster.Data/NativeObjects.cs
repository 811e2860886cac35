using VaeCluster.Data.Images;

namespace VaeCluster.Data;

/// <summary>What lives in native memory: none is left when every data set and pipeline was disposed.</summary>
public static class NativeObjects
{
    public static long Live => NativeImages.vc_data_live_objects();
}
