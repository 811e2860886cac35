using System.IO.Compression;

namespace Grpc.Net.Compression;

/// <summary>A message encoding; its name stands in grpc-encoding and grpc-accept-encoding.</summary>
public interface ICompressionProvider
{
    string EncodingName { get; }

    Stream CreateCompressionStream(Stream stream, CompressionLevel? compressionLevel);

    Stream CreateDecompressionStream(Stream stream);
}
