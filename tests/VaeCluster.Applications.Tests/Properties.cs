// Models get their weights from libtorch's default generator, which is one for all threads.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
