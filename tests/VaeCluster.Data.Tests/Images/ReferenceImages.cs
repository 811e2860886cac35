using System.Diagnostics;
using System.Text;

namespace VaeCluster.Data.Tests.Images;

/// <summary>Images as PIL and torchvision make them, by the distribution's Python.</summary>
internal static class ReferenceImages
{
    private const string Python = "/usr/bin/python3";

    // Reads NUL-separated paths, writes [n, channels, size, size] bytes. size 0 keeps each image's own.
    private const string Script = """
        import sys, numpy
        from PIL import Image, ImageOps
        from torchvision import transforms
        size, mode, resize, crop, out = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5]
        bilinear = transforms.InterpolationMode.BILINEAR
        steps = []
        if crop: steps.append(transforms.CenterCrop(crop))
        if size and resize == 'stretch' or crop: steps.append(transforms.Resize((size, size), bilinear))
        elif size: steps += [transforms.Resize(size, bilinear), transforms.CenterCrop(size)]
        with open(out, 'wb') as file:
            for path in sys.stdin.buffer.read().split(b'\0'):
                image = ImageOps.exif_transpose(Image.open(path)).convert(mode)
                for step in steps: image = step(image)
                pixels = numpy.asarray(image)
                file.write((pixels.transpose(2, 0, 1) if pixels.ndim == 3 else pixels[None]).tobytes())
        """;

    public static byte[] Of(IEnumerable<string> paths, int size, int channels, string resize = "short", int crop = 0)
    {
        var output = Path.GetTempFileName();
        try
        {
            Run(Script, string.Join('\0', paths), $"{size}", channels == 1 ? "L" : "RGB", resize, $"{crop}", output);
            return File.ReadAllBytes(output);
        }
        finally
        {
            File.Delete(output);
        }
    }

    /// <summary>Runs a script of the distribution's Python.</summary>
    public static void Run(string script, string input, params string[] arguments)
    {
        Assert.SkipUnless(File.Exists(Python), $"{Python} is not here; eng/setup.sh test installs it.");
        var start = new ProcessStartInfo(Python, ["-c", script, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardError = true,
            StandardInputEncoding = new UTF8Encoding(false),
        };
        using var process = Process.Start(start)!;
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        var errors = process.StandardError.ReadToEnd();
        Assert.True(process.WaitForExit(TimeSpan.FromMinutes(2)), "the Python script did not end");
        Assert.True(process.ExitCode == 0, errors);
    }
}
