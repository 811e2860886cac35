using System.CommandLine;
using Spectre.Console;
using VaeCluster.Data;
using VaeCluster.Data.Splits;

namespace VaeCluster.Commands;

/// <summary>What has to do with data sets rather than with runs.</summary>
internal static class DataCommand
{
    public static readonly Argument<string> Source = new("source")
    {
        Description = "shapes:[FOLDER][?count=2000&size=32&seed=1], folder:PATH, idx:PATH, celeba:PATH or tar:PATH, as in data.source.",
    };

    public static readonly Option<SplitMode> SplitBy = new("--split")
    {
        Description = "auto: as the source has it, else by share; share; source.",
        HelpName = "mode",
    };

    public static readonly Option<double> Share = new("--share")
    {
        Description = "The share that trains, when split by share.",
        HelpName = "share",
        DefaultValueFactory = _ => new SplitOptions().Share,
    };

    public static Command Create() => new ExampleCommand("data", "Look at a data set, pack it into shards, or fetch it from an object storage.",
        ("vaecluster data describe folder:photos", "counts, sizes, broken files, mean, deviation, a contact sheet"),
        ("vaecluster data pack folder:photos shards", "WebDataset shards with an index beside each"),
        ("vaecluster data fetch s3://images/shards /images", "the shards from a bucket, onto a local disk"))
    {
        DataDescribeCommand.Create(), DataPackCommand.Create(), DataFetchCommand.Create(),
    };

    public static DataOptions OptionsOf(ParseResult parsed)
    {
        var share = parsed.GetValue(Share);
        if (share is not (> 0 and <= 1)) throw new UserErrorException($"--share {share} is no share: give a number above 0, up to 1.");
        return new DataOptions
        {
            Source = parsed.GetRequiredValue(Source),
            Split = new SplitOptions { By = parsed.GetValue(SplitBy), Share = share },
        };
    }

    /// <summary>Runs what takes a while, with a line that moves where somebody watches.</summary>
    public static T Watched<T>(TextWriter output, string what, Func<Action<string>, T> work)
    {
        if (!Terminal.IsLive) return work(_ => { });
        return Terminal.On(output).Status().Start(what, context => work(text => context.Status = Markup.Escape(text)));
    }

    /// <summary>Progress on the thread that makes it; System.Progress would tell it on the thread pool, out of order.</summary>
    public sealed class Report<T>(Action<T> report) : IProgress<T>
    {
        void IProgress<T>.Report(T value) => report(value);
    }
}
