namespace VaeCluster.Models.Presets;

/// <content>
/// The presets. The plain names train well; "-published" ones take batch, learning rate and beta from the texts they come
/// from, beta translated to sums over pixels and latents (the texts mix means and sums). The plain names' beta follows
/// from a Gaussian likelihood: squared error + beta * KL is right for a residual variance of beta / 2 a pixel.
/// </content>
public sealed partial record Preset
{
    public static IReadOnlyList<Preset> All { get; } =
    [
        Digits("mnist", "28 px digits, DCGAN-like, binary cross entropy", "{batch: 128, epochs: 10}", lr: "1e-3"),
        Digits("mnist-published", "mnist with the published batch and rate", "{batch: 1024, epochs: 10}", lr: "2e-3"),
        Strided("conv64", "64 px photos, five strided convolutions", "{batch: 64, epochs: 10}",
            objective: "{recon: squared, beta: 0.1, beta_warmup: 2000}", lr: "1e-3", data: "{flip: true}"),
        Strided("conv64-published", "conv64 with the published rate and beta", "{batch: 64, epochs: 10, seed: 1265}",
            objective: "{recon: squared, beta: 3.07}", lr: "5e-3", data: "{flip: true, crop_size: 148}"),
        Small("sd-small", "256 px photos, residual and attention blocks, 3.5 M parameters",
            objective: "{recon: squared, beta: 0.01, beta_warmup: 2000}"),
        Small("sd-small-published", "sd-small with the published beta",
            objective: "{recon: squared, beta: 48}"),
        Full("sd", "256 px photos, the Stable Diffusion AutoencoderKL",
            objective: "{recon: squared, beta: 0.01, beta_warmup: 2000}", optimizer: "{name: adam, lr: 1e-4}"),
        Full("sd-published", "sd with the published beta, at batch 4",
            objective: "{recon: squared, beta: 9.4}", optimizer: "{name: adam, lr: 1e-4}"),
        new("tiny", Architecture.StableDiffusion, "sd at two narrow levels and 32 px, for tests and first tries",
            () => StableDiffusion("tiny", size: 32, [32, 64], layers: 1),
            """
            objective: {recon: squared, beta: 0.1}
            optimizer: {name: adam, lr: 1e-3}
            train: {batch: 16, epochs: 10}
            """),
    ];

    private static Preset Digits(string name, string summary, string train, string lr) => new(
        name, Architecture.Digits, summary,
        () => new() { Preset = name },
        $$"""
        objective: {recon: bce, beta: 1}
        optimizer: {name: adam, lr: {{lr}}}
        train: {{train}}
        """);

    private static Preset Strided(string name, string summary, string train, string objective, string lr, string data) => new(
        name, Architecture.StridedConvolutions, summary,
        () => new()
        {
            Preset = name,
            ImageSize = 64,
            Channels = 3,
            Latent = 128,
            Widths = [32, 64, 128, 256, 512],
            DecoderWidths = [256, 128, 64, 32, 32],
        },
        $$$"""
        objective: {{{objective}}}
        optimizer: {name: adam, lr: {{{lr}}}, schedule: {kind: exponential, gamma: 0.95}}
        train: {{{train}}}
        data: {{{data}}}
        """);

    private static Preset Small(string name, string summary, string objective) => new(
        name, Architecture.SmallStableDiffusion, summary,
        () => new()
        {
            Preset = name,
            ImageSize = 256,
            Channels = 3,
            Latent = 4,
            Widths = [32, 64, 128, 128],
            DecoderWidths = [],
            LayersPerBlock = 2,
            Groups = 32,
            Heads = 4,
        },
        $$"""
        objective: {{objective}}
        optimizer: {name: adam, lr: 1e-4}
        train: {batch: 64, epochs: 20}
        """);

    private static Preset Full(string name, string summary, string objective, string optimizer) => new(
        name, Architecture.StableDiffusion, summary,
        () => StableDiffusion(name, size: 256, [128, 256, 512, 512], layers: 2),
        $$"""
        objective: {{objective}}
        optimizer: {{optimizer}}
        train: {batch: 4, slots: 4, epochs: 20}
        """);

    private static ModelOptions StableDiffusion(string name, int size, int[] widths, int layers) => new()
    {
        Preset = name,
        ImageSize = size,
        Channels = 3,
        Latent = 4,
        Widths = widths,
        DecoderWidths = [],
        LayersPerBlock = layers,
        Groups = 32,
        Heads = 1,
        Eps = 1e-6,
    };
}
