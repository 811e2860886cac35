using System.Globalization;
using System.Text.RegularExpressions;
using VaeCluster.Config.Binding;
using VaeCluster.Data;

namespace VaeCluster.Config.Runs;

/// <summary>
/// The folder of one run: config.yaml, manifest, metrics.csv, loss.png, summary.json, weights.safetensors, pictures/,
/// tensorboard/, checkpoints/, and journal/ where a coordinator led it. Files are written under a temporary name and renamed,
/// so that a reader never sees half of one. One process at a time trains in it.
/// </summary>
public sealed partial class RunFolder : IDisposable
{
    public const string ConfigName = "config.yaml";
    public const string ManifestName = "manifest";
    public const string JournalName = "journal";
    public const string MetricsName = "metrics.csv";
    public const string ValidationName = "validation.csv";
    public const string SummaryName = "summary.json";
    public const string WeightsName = "weights.safetensors";
    public const string LossCurveName = "loss.png";
    public const string PicturesName = "pictures";
    public const string TensorBoardName = "tensorboard";
    private const string LockName = ".lock";
    private const int PicturesKept = 5;

    private FileStream? _lock;

    private RunFolder(string path) => Path = path;

    /// <summary>Absolute.</summary>
    public string Path { get; }

    /// <summary>A run was begun here.</summary>
    public bool HoldsRun => File.Exists(In(ConfigName));

    public string ConfigPath => In(ConfigName);

    /// <summary>The list of samples that the run was begun with.</summary>
    public string ManifestPath => In(ManifestName);

    /// <summary>The folder of TensorBoard's event files.</summary>
    public string TensorBoardPath => In(TensorBoardName);

    /// <summary>The folder of the journal's files.</summary>
    public string JournalPath => In(JournalName);

    public string WeightsPath => In(WeightsName);

    /// <summary>A place to train in: new, empty, or with a run in it. Nothing is written yet.</summary>
    /// <exception cref="UserErrorException">The path holds something else.</exception>
    public static RunFolder Prepare(string path)
    {
        var folder = new RunFolder(Absolute(path));
        if (File.Exists(folder.Path))
            throw new UserErrorException($"{path}: is a file; a run needs a folder. Name another one with --run.");
        try
        {
            // A fresh volume has a lost+found.
            var other = !Directory.Exists(folder.Path) || folder.HoldsRun ? null : Directory.EnumerateFileSystemEntries(folder.Path)
                .Select(entry => System.IO.Path.GetFileName(entry))
                .FirstOrDefault(name => name is not ("lost+found" or LockName));
            if (other is not null)
            {
                throw new UserErrorException(
                    $"{path}: is not empty and holds no run (found {Mistake.Shorten(other)}). Name a new folder with --run, or empty this one.");
            }
        }
        catch (UnauthorizedAccessException e)
        {
            throw new UserErrorException($"{path}: the run folder can't be read: {e.Message}", e);
        }
        return folder;
    }

    /// <summary>A run that is there, to look at.</summary>
    public static RunFolder Open(string path)
    {
        var folder = new RunFolder(Absolute(path));
        if (!Directory.Exists(folder.Path)) throw new UserErrorException($"{path}: there is no such folder.");
        if (!folder.HoldsRun) throw new UserErrorException($"{path}: holds no run: there is no {ConfigName} in it.");
        return folder;
    }

    /// <summary>Makes the folder, or takes the one that is there, and writes the configuration.</summary>
    /// <exception cref="UserErrorException">It can't be written, or another process trains in it.</exception>
    public void Begin(RunConfig config)
    {
        var yaml = config.ToYaml();
        try
        {
            if (!Directory.Exists(Path)) CreateWhole(yaml);
            TakeLock();
            Directory.CreateDirectory(In(PicturesName));
            WriteText(ConfigName, yaml);
            // It is of the steps before; where this training is killed, the series tell more.
            File.Delete(In(SummaryName));
        }
        catch (Exception e) when (e is UnauthorizedAccessException || (e is IOException && !DiskFull.Is(e)))
        {
            throw new UserErrorException($"{Path}: the run folder can't be written: {e.Message}", e);
        }
    }

    /// <summary>The configuration that the run was begun with.</summary>
    public RunConfig ReadConfig() => ConfigSources.FromFile(ConfigPath).Load();

    /// <exception cref="UserErrorException">A run is here that was begun with another configuration.</exception>
    public void ThrowIfAnother(RunConfig config)
    {
        if (!HoldsRun) return;
        var difference = RunConfig.Difference(ReadConfig(), config).Where(d => !d.MayChange).ToList();
        if (difference.Count == 0) return;
        throw new UserErrorException([
            $"{Path} holds a run with another configuration. Name a new folder with --run, or take these back:",
            .. difference.Select(d => $"  {d}"),
        ]);
    }

    /// <summary>The pictures after a step, as pictures/NAME-STEP.png; of each name the last ones are kept.</summary>
    /// <param name="step">Sorts the names.</param>
    /// <param name="write">Writes each picture to the path that it gets for its name.</param>
    /// <returns>The names, and where the pictures are.</returns>
    public IReadOnlyList<(string Name, string Path)> WritePictures(long step, Action<Func<string, string>> write)
    {
        var folder = Directory.CreateDirectory(In(PicturesName)).FullName;
        var names = new List<string>();
        try
        {
            write(name =>
            {
                names.Add(name);
                return Temporary(name);
            });
            foreach (var name in names)
            {
                File.Move(Temporary(name), Final(name), overwrite: true);
                var kept = Directory.GetFiles(folder, $"{name}-*.png").Order(StringComparer.Ordinal).ToList();
                foreach (var old in kept.SkipLast(PicturesKept)) File.Delete(old);
            }
            return [.. names.Select(name => (name, Final(name)))];
        }
        catch
        {
            foreach (var name in names) File.Delete(Temporary(name));
            throw;
        }

        string Final(string name) => System.IO.Path.Combine(folder, $"{name}-{step:D7}.png");
        string Temporary(string name) => System.IO.Path.Combine(folder, $"{name}.{Environment.ProcessId}.tmp");
    }

    /// <summary>The pictures after a step that are there, by name.</summary>
    public IEnumerable<(string Name, string Path)> PicturesOf(long step)
    {
        var ending = $"-{step:D7}.png";
        return !Directory.Exists(In(PicturesName)) ? [] : Directory.GetFiles(In(PicturesName), "*" + ending).Order(StringComparer.Ordinal)
            .Select(path => (System.IO.Path.GetFileName(path)[..^ending.Length], path));
    }

    /// <summary>The newest picture of each name; files of other names are none.</summary>
    public IEnumerable<(string Name, long Step, string Path)> NewestPictures() => !Directory.Exists(In(PicturesName)) ? [] : Directory.GetFiles(In(PicturesName))
        .Select(path => (Match: PictureFile().Match(System.IO.Path.GetFileName(path)), Path: path))
        .Where(file => file.Match.Success)
        .Select(file => (Name: file.Match.Groups[1].Value, Step: long.Parse(file.Match.Groups[2].ValueSpan, CultureInfo.InvariantCulture), file.Path))
        .GroupBy(picture => picture.Name, (_, pictures) => pictures.MaxBy(picture => picture.Step))
        .OrderBy(picture => picture.Name, StringComparer.Ordinal);

    /// <summary>The series of steps, to append to; rows after a step are dropped, because they will be done again.</summary>
    public MetricsLog OpenMetrics(long afterStep) => MetricsLog.Open(In(MetricsName), MetricsRow.Header, afterStep);

    /// <summary>The series of validations.</summary>
    public MetricsLog OpenValidation(long afterStep) => MetricsLog.Open(In(ValidationName), ValidationRow.Header, afterStep);

    public IReadOnlyList<MetricsRow> ReadMetrics() => MetricsLog.Read(In(MetricsName), MetricsRow.Header).Select(MetricsRow.Parse).ToList();

    public IReadOnlyList<ValidationRow> ReadValidations() =>
        MetricsLog.Read(In(ValidationName), ValidationRow.Header).Select(ValidationRow.Parse).ToList();

    /// <summary>The losses over the steps so far, as a picture.</summary>
    public void WriteLossCurve() => LossCurve.Write(In(LossCurveName), ReadMetrics(), ReadValidations());

    public void WriteSummary(RunSummary summary) => WriteText(SummaryName, summary.ToJson() + "\n");

    /// <summary>What the last training left, or null where it was cut off before it could write one.</summary>
    public RunSummary? ReadSummary()
    {
        var path = In(SummaryName);
        return File.Exists(path) ? RunSummary.FromJson(File.ReadAllText(path), path) : null;
    }

    /// <summary>Writes a file as a whole: under another name first, then renamed.</summary>
    /// <param name="name">Relative to the folder.</param>
    /// <param name="write">Writes to the path it is given.</param>
    public void WriteWhole(string name, Action<string> write) => Whole.WriteFile(In(name), write);

    public void Dispose() => _lock?.Dispose();

    [GeneratedRegex(@"^([a-z]{1,40})-([0-9]{7,18})\.png\z")]
    private static partial Regex PictureFile();

    private static string Absolute(string path)
    {
        if (string.IsNullOrWhiteSpace(path) || path.Contains('\0')) throw new UserErrorException("--run: names no folder.");
        return System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path));
    }

    private string In(string name) => System.IO.Path.Combine(Path, name);

    private void WriteText(string name, string text) => WriteWhole(name, path => File.WriteAllText(path, text));

    // Beside its place, then moved: a folder that is there has a configuration in it.
    private void CreateWhole(string yaml) =>
        Whole.WriteFolder(Path, temporary => File.WriteAllText(System.IO.Path.Combine(temporary, ConfigName), yaml));

    private void TakeLock()
    {
        if (_lock is not null) return;
        try
        {
            // Held by an advisory lock on the open file, so a killed process leaves none behind.
            _lock = new FileStream(In(LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
        }
        catch (IOException e) when (!DiskFull.Is(e) && File.Exists(In(LockName)))
        {
            throw new UserErrorException($"{Path}: another process trains in this folder. End it first, or name another folder with --run.", e);
        }
    }
}
