// One after the other: a thread of libtorch each, and the counters of live objects belong to the process.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
