namespace VaeCluster.Data.Order;

/// <summary>
/// Numbers that look random and are a function of their key: what is drawn does not depend on what was drawn before, so
/// any worker finds the same. Steele, Lea and Flood's SplitMix64 finalizer over an absorbed key.
/// </summary>
public static class Mixing
{
    public static ulong Finalize(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }

    public static ulong Absorb(ulong state, ulong value) => Finalize(state + 0x9E3779B97F4A7C15 + Finalize(value + 0xD1B54A32D192ED03));

    /// <summary>What a key is for, so that two uses of one seed share nothing.</summary>
    public static ulong Key(Purpose purpose, ulong seed, ulong first = 0, ulong second = 0) =>
        Absorb(Absorb(Absorb(Finalize((ulong)purpose), seed), first), second);

    /// <summary>In [0, bound), from the value's upper bits.</summary>
    public static long Below(ulong value, long bound) => (long)Math.BigMul(value, (ulong)bound, out _);
}

/// <summary>What a random number is drawn for.</summary>
public enum Purpose
{
    EpochOrder = 1,
    SplitOrder = 2,
    Replacement = 3,
    Augmentation = 4,
    Shapes = 5,
    ContactSheet = 6,
    Noise = 7,
    ValidationNoise = 8,

    /// <summary>Latents drawn with a trained model, by image.</summary>
    Latents = 9,
}
