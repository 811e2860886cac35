namespace VaeCluster.Data.Tests;

/// <summary>For tests that look at what belongs to the whole process (memory, native objects): nothing runs beside them.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
