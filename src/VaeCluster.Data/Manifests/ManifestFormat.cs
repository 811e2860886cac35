using System.Runtime.InteropServices;

namespace VaeCluster.Data.Manifests;

/// <summary>
/// The manifest's file, little-endian: this header, then one table. Its id is the SHA-256 of all that follows the hash.
/// It is read in place, from a mapping: any entry is found without reading the others, so that millions of them cost a
/// worker the pages that it touches.
/// </summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal unsafe struct ManifestHeader
{
    public const ulong MagicNumber = 0x3130494E414D4156; // "VAMANI01"
    public const int HashedFrom = 40;

    public ulong Magic;
    public fixed byte Hash[32];
    public int Kind;
    public int ByShare;
    public long Train, Validation, Test;
    public ulong SplitSeed;
    /// <summary>Where the table's directory begins.</summary>
    public long Directory;
    /// <summary>Parts in the directory: blocks of file names, shards, or record files.</summary>
    public long Parts;
}

internal enum ManifestKind
{
    Files = 1,
    Shards = 2,
    Records = 3,
}
