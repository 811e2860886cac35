namespace VaeCluster;

/// <summary>By this name the tests' cluster says what is not as it should be; here that ends the benchmark.</summary>
internal static class Assert
{
    public static void True(bool condition, string message)
    {
        if (!condition) Fail(message);
    }

    public static void False(bool condition, string message) => True(!condition, message);

    public static void Contains(string expected, string actual, StringComparison comparison) => True(actual.Contains(expected, comparison), actual);

    public static void DoesNotContain(string unexpected, string actual, StringComparison comparison) => False(actual.Contains(unexpected, comparison), actual);

    public static void Fail(string message) => throw new InvalidOperationException(message);
}
