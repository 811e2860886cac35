using System.CommandLine;
using System.Globalization;
using Spectre.Console;
using VaeCluster.Models;
using VaeCluster.Models.Presets;

namespace VaeCluster.Commands;

/// <summary>The models one can name, and what they cost.</summary>
internal static class PresetsCommand
{
    public static Command Create()
    {
        var command = new ExampleCommand("presets", "List the presets with their parameters and FLOPs.",
            ("vaecluster presets", "which models there are, and what they cost"));
        command.SetAction(parsed => Show(parsed.InvocationConfiguration.Output));
        return command;
    }

    private static void Show(TextWriter output)
    {
        var table = new Table().Border(TableBorder.Simple)
            .AddColumn("preset")
            .AddColumn("image")
            .AddColumn(new TableColumn("parameters").RightAligned())
            .AddColumn(new TableColumn("GFLOP forward").RightAligned())
            .AddColumn("what it is");
        foreach (var preset in Preset.All)
        {
            using var model = ImageAutoencoder.Create(preset.Model());
            var image = model.InputShape;
            table.AddRow(
                preset.Name,
                $"{image.Channels}x{image.Height}x{image.Width}",
                model.ParameterCount.ToString("N0", CultureInfo.InvariantCulture),
                (model.ForwardFlops / 1e9).ToString("N3", CultureInfo.InvariantCulture),
                Markup.Escape(preset.Summary));
        }
        Terminal.On(output).Write(table);
        output.WriteLine("A training step costs three times the forward pass. Multiply and add count as two.");
    }
}
