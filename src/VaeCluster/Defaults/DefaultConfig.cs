using System.Reflection;

namespace VaeCluster;

/// <summary>The configuration that lies inside the program: Defaults/shapes.yaml.</summary>
internal static class DefaultConfig
{
    public const string Name = "shapes.yaml";

    public static string Text
    {
        get
        {
            using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(Name)
                ?? throw new InvalidOperationException($"{Name} is not in the program.");
            using var reader = new StreamReader(stream);
            return reader.ReadToEnd();
        }
    }
}
