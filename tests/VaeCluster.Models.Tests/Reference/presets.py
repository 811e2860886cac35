"""The presets in plain PyTorch, written from the papers' and diffusers' descriptions and not from the C#: what the C#
models are compared with. Only the names of the parameters are agreed on."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F


class Res(nn.Module):
    def __init__(self, cin, cout, groups, eps):
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, cin, eps=eps)
        self.conv1 = nn.Conv2d(cin, cout, 3, padding=1)
        self.norm2 = nn.GroupNorm(groups, cout, eps=eps)
        self.conv2 = nn.Conv2d(cout, cout, 3, padding=1)
        self.conv_shortcut = nn.Conv2d(cin, cout, 1) if cin != cout else None

    def forward(self, x):
        h = self.conv1(F.silu(self.norm1(x)))
        h = self.conv2(F.silu(self.norm2(h)))
        return h + (x if self.conv_shortcut is None else self.conv_shortcut(x))


class SeparateAttention(nn.Module):
    """One head, the four projections apart, as in AutoencoderKL."""

    def __init__(self, c, groups, eps):
        super().__init__()
        self.group_norm = nn.GroupNorm(groups, c, eps=eps)
        self.to_q, self.to_k, self.to_v = nn.Linear(c, c), nn.Linear(c, c), nn.Linear(c, c)
        self.to_out = nn.ModuleList([nn.Linear(c, c)])

    def forward(self, x):
        b, c, h, w = x.shape
        t = self.group_norm(x).reshape(b, c, h * w).transpose(1, 2)
        q, k, v = self.to_q(t), self.to_k(t), self.to_v(t)
        a = torch.softmax((q * (1 / math.sqrt(c))) @ k.transpose(1, 2), dim=-1)
        t = self.to_out[0](a @ v)
        return x + t.transpose(1, 2).reshape(b, c, h, w)


class FusedAttention(nn.Module):
    """Several heads, one projection for q, k and v."""

    def __init__(self, c, heads, groups, eps):
        super().__init__()
        self.heads = heads
        self.group_norm = nn.GroupNorm(groups, c, eps=eps)
        self.to_qkv = nn.Linear(c, 3 * c)
        self.to_out = nn.ModuleList([nn.Linear(c, c)])

    def forward(self, x):
        b, c, h, w = x.shape
        d = c // self.heads
        t = self.group_norm(x).flatten(2).transpose(1, 2)
        q, k, v = self.to_qkv(t).view(b, h * w, 3, self.heads, d).permute(2, 0, 3, 1, 4)
        a = torch.softmax((q * (1 / math.sqrt(d))) @ k.transpose(-1, -2), dim=-1)
        t = self.to_out[0]((a @ v).transpose(1, 2).reshape(b, h * w, c))
        return x + t.transpose(1, 2).reshape(b, c, h, w)


class Conv(nn.Module):
    """A down or up sampler: what happens around its convolution differs by preset."""

    def __init__(self, cin, cout, mode):
        super().__init__()
        self.mode = mode
        self.conv = nn.Conv2d(cin, cout, 3, stride=1 if mode == "up" else 2, padding=0 if mode == "down-right" else 1)

    def forward(self, x):
        if self.mode == "down-right":
            x = F.pad(x, (0, 1, 0, 1))
        if self.mode == "up":
            x = F.interpolate(x, scale_factor=2.0, mode="nearest")
        return self.conv(x)


class Up(nn.Module):
    def forward(self, x):
        return F.interpolate(x, scale_factor=2.0, mode="nearest")


class Level(nn.Module):
    def __init__(self, resnets, downsampler=None, upsampler=None):
        super().__init__()
        self.resnets = nn.ModuleList(resnets)
        if downsampler is not None:
            self.downsamplers = nn.ModuleList([downsampler])
        if upsampler is not None:
            self.upsamplers = nn.ModuleList([upsampler])

    def forward(self, x):
        for r in self.resnets:
            x = r(x)
        for s in [*getattr(self, "downsamplers", []), *getattr(self, "upsamplers", [])]:
            x = s(x)
        return x


class Mid(nn.Module):
    def __init__(self, res, attention):
        super().__init__()
        self.resnets = nn.ModuleList([res(), res()])
        self.attentions = nn.ModuleList([attention()])

    def forward(self, x):
        return self.resnets[1](self.attentions[0](self.resnets[0](x)))


class Half(nn.Module):
    """An encoder or a decoder of the Stable Diffusion family: the order of its parts is all that differs."""

    def __init__(self, cin, first, downs, mid, ups, last, groups, eps, cout):
        super().__init__()
        self.conv_in = nn.Conv2d(cin, first, 3, padding=1)
        if downs:
            self.down_blocks = nn.ModuleList(downs)
        self.mid_block = mid
        if ups:
            self.up_blocks = nn.ModuleList(ups)
        self.conv_norm_out = nn.GroupNorm(groups, last, eps=eps)
        self.conv_out = nn.Conv2d(last, cout, 3, padding=1)

    def forward(self, x):
        x = self.conv_in(x)
        for b in getattr(self, "down_blocks", []):
            x = b(x)
        x = self.mid_block(x)
        for b in getattr(self, "up_blocks", []):
            x = b(x)
        return self.conv_out(F.silu(self.conv_norm_out(x)))


class StableDiffusion(nn.Module):
    def __init__(self, widths, layers, latent=4, groups=32, eps=1e-6):
        super().__init__()
        res = lambda a, b: Res(a, b, groups, eps)
        top = widths[-1]
        mid = lambda: Mid(lambda: res(top, top), lambda: SeparateAttention(top, groups, eps))
        downs, c = [], widths[0]
        for i, w in enumerate(widths):
            rs = [res(c if j == 0 else w, w) for j in range(layers)]
            downs.append(Level(rs, downsampler=Conv(w, w, "down-right") if i + 1 < len(widths) else None))
            c = w
        ups = []
        for i, w in enumerate(reversed(widths)):
            rs = [res(c if j == 0 else w, w) for j in range(layers + 1)]
            ups.append(Level(rs, upsampler=Conv(w, w, "up") if i + 1 < len(widths) else None))
            c = w
        self.encoder = Half(3, widths[0], downs, mid(), None, top, groups, eps, 2 * latent)
        self.decoder = Half(latent, top, None, mid(), ups, widths[0], groups, eps, 3)
        self.quant_conv = nn.Conv2d(2 * latent, 2 * latent, 1)
        self.post_quant_conv = nn.Conv2d(latent, latent, 1)

    def encode(self, x):
        return self.quant_conv(self.encoder(x)).chunk(2, dim=1)

    def decode(self, z):
        return self.decoder(self.post_quant_conv(z))


class SmallStableDiffusion(nn.Module):
    def __init__(self, latent=4, groups=32, eps=1e-5):
        super().__init__()
        res = lambda a, b: Res(a, b, groups, eps)
        mid = lambda: Mid(lambda: res(128, 128), lambda: FusedAttention(128, 4, groups, eps))
        downs = [
            Level([res(32, 32), res(32, 32)], downsampler=Conv(32, 64, "down")),
            Level([res(64, 64), res(64, 64)], downsampler=Conv(64, 128, "down")),
            Level([res(128, 128), res(128, 128)], downsampler=Conv(128, 128, "down")),
        ]

        class UpFirst(Level):
            def forward(self, x):
                return super().forward(F.interpolate(x, scale_factor=2.0, mode="nearest"))

        ups = [
            UpFirst([res(128, 128), res(128, 128)]),
            UpFirst([res(128, 128), res(128, 64)]),
            UpFirst([res(64, 64), res(64, 32), res(32, 32)]),
        ]
        self.encoder = Half(3, 32, downs, mid(), None, 128, groups, eps, 2 * latent)
        self.decoder = Half(latent, 128, None, mid(), ups, 32, groups, eps, 3)

    def encode(self, x):
        return self.encoder(x).chunk(2, dim=1)

    def decode(self, z):
        return self.decoder(z)


class Stage(nn.Module):
    """Convolution, BatchNorm, activation."""

    def __init__(self, conv, width, act):
        super().__init__()
        self.conv, self.norm, self.act = conv, nn.BatchNorm2d(width), act

    def forward(self, x):
        return self.act(self.norm(self.conv(x)))


class Bare(nn.Module):
    def __init__(self, conv):
        super().__init__()
        self.conv = conv

    def forward(self, x):
        return self.conv(x)


class Dense(nn.Module):
    def __init__(self, cin, cout):
        super().__init__()
        self.linear = nn.Linear(cin, cout)

    def forward(self, x):
        return self.linear(x)


class Stages(nn.Module):
    def __init__(self, stages, **heads):
        super().__init__()
        self.stages = nn.ModuleList(stages)
        for name, head in heads.items():
            setattr(self, name, head)

    def run(self, x):
        for s in self.stages:
            x = s(x)
        return x


class Conv64(nn.Module):
    def __init__(self, widths=(32, 64, 128, 256, 512), latent=128):
        super().__init__()
        act = lambda v: F.leaky_relu(v, 0.01)
        self.top = widths[-1]
        chain = [3, *widths]
        self.encoder = Stages(
            [Stage(nn.Conv2d(a, b, 3, stride=2, padding=1), b, act) for a, b in zip(chain, chain[1:])],
            head=Dense(4 * self.top, 2 * latent))
        back = [*reversed(widths), widths[0]]
        self.decoder = Stages(
            [Stage(nn.ConvTranspose2d(a, b, 3, stride=2, padding=1, output_padding=1), b, act)
             for a, b in zip(back, back[1:])],
            project=Dense(latent, 4 * self.top), head=Bare(nn.Conv2d(widths[0], 3, 3, padding=1)))

    def encode(self, x):
        return self.encoder.head(self.encoder.run(x).flatten(1))[:, :, None, None].chunk(2, dim=1)

    def decode(self, z):
        h = self.decoder.project(z.flatten(1)).view(-1, self.top, 2, 2)
        return torch.tanh(self.decoder.head(self.decoder.run(h)))


class Mnist(nn.Module):
    def __init__(self, latent=32):
        super().__init__()
        leaky, relu = (lambda v: F.leaky_relu(v, 0.2)), F.relu
        self.encoder = Stages(
            [Stage(nn.Conv2d(1, 16, 4, stride=2), 16, leaky), Stage(nn.Conv2d(16, 32, 4, stride=2), 32, leaky)],
            head=Bare(nn.Conv2d(32, 2 * latent, 4, stride=2)))
        self.decoder = Stages(
            [Stage(nn.ConvTranspose2d(latent, 256, 3, stride=2), 256, relu),
             Stage(nn.ConvTranspose2d(256, 128, 4, stride=1), 128, relu),
             Stage(nn.ConvTranspose2d(128, 64, 3, stride=2), 64, relu)],
            head=Bare(nn.ConvTranspose2d(64, 1, 4, stride=2)))

    def encode(self, x):
        return self.encoder.head(self.encoder.run(x)).chunk(2, dim=1)

    def decode(self, z):
        return self.decoder.head(self.decoder.run(z))


# name: (model, image shape, batch, recon, steps, seed). A rectifier's gradient jumps at 0: with these seeds no input of one
# is nearer to it in the first step than 5e-6, so that rounding can't put it on the other side.
PRESETS = {
    "mnist": (Mnist, (1, 28, 28), 8, "bce", 20, 20),
    "conv64": (Conv64, (3, 64, 64), 4, "squared", 20, 39),
    "sd-small": (SmallStableDiffusion, (3, 32, 32), 2, "squared", 20, 20),
    "sd": (lambda: StableDiffusion([128, 256, 512, 512], 2), (3, 64, 64), 1, "squared", 1, 20),
    "tiny": (lambda: StableDiffusion([32, 64], 1), (3, 32, 32), 2, "l1", 20, 20),
}
