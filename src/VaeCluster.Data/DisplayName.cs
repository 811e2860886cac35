using System.Text;

namespace VaeCluster.Data;

/// <summary>File names for messages: one line each, whatever characters they contain.</summary>
public static class DisplayName
{
    public static string Of(string path)
    {
        if (!path.Any(char.IsControl)) return path;
        var text = new StringBuilder(path.Length + 8);
        foreach (var character in path)
        {
            if (char.IsControl(character)) text.Append($"\\x{(int)character:X2}");
            else text.Append(character);
        }
        return text.ToString();
    }
}
