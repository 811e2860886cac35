namespace VaeCluster.Data.Sources.Tar;

/// <summary>A file in a tar archive.</summary>
/// <param name="Name">As the archive has it.</param>
/// <param name="Offset">Of its bytes, behind its header.</param>
/// <param name="Size">Bytes.</param>
internal readonly record struct TarMember(string Name, long Offset, long Size);
