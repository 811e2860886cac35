"""reference.py PRESET FOLDER ADAM_RATE SGD_RATE: what PyTorch makes of a preset, on weights, images and noise drawn from a seed.

Writes FOLDER/forward.safetensors (weights, inputs, outputs, loss terms, the gradient of every parameter) and, for each
optimizer, FOLDER/<optimizer>.safetensors: parameters and buffers after the preset's number of steps, each step on a
batch of its own."""
import os
import sys

import torch
import torch.nn.functional as F

from presets import PRESETS
from safetensors import save

BETA = 0.7
FREE_BITS = {"sd-small": 0.05}
OPTIMIZERS = {
    "adam": lambda p, adam, sgd: torch.optim.Adam(p, lr=adam, foreach=False),
    "adamw": lambda p, adam, sgd: torch.optim.AdamW(p, lr=adam, weight_decay=1e-2, foreach=False),
    "sgd": lambda p, adam, sgd: torch.optim.SGD(p, lr=sgd, momentum=0.9, foreach=False),
}


def prepare(model):
    """Norms that do something: as constructed they have weight 1 and bias 0."""
    for name, p in model.named_parameters():
        if "norm" in name:
            p.data.add_(0.1 * torch.randn_like(p))


def silence(model, preset):
    """Zero for the gradients that are nothing but noise."""
    named = dict(model.named_parameters())
    for line in open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "zero_gradients.txt")):
        words = line.split()
        if words and words[0] == preset:
            g = named[words[1]].grad
            first, end = map(int, words[2:]) if len(words) > 2 else (0, len(g))
            g[first:end] = 0


def losses(model, x, noise, recon, free_bits):
    mean, logvar = model.encode(x)
    logvar = torch.clamp(logvar, -30.0, 20.0)
    y = model.decode(mean + torch.exp(0.5 * logvar) * noise)
    if recon == "bce":
        r = F.binary_cross_entropy_with_logits(y, x, reduction="sum")
        shown = torch.sigmoid(y)
    else:
        r = ((y - x) ** 2).sum() if recon == "squared" else (y - x).abs().sum()
        shown = y
    each = 0.5 * (mean ** 2 + torch.exp(logvar) - 1 - logvar)
    return {
        "mean": mean, "logvar": logvar, "decoded": y, "recon": r, "kl": each.sum(),
        "squared_error": ((shown - x) ** 2).sum(), "total": r + BETA * torch.clamp(each, min=free_bits).sum(),
    }


def flat_image(model, shape):
    """A flat image has hardly a variance: here alone a wrong eps of a GroupNorm shows. BatchNorm would show noise."""
    if any(isinstance(m, torch.nn.BatchNorm2d) for m in model.modules()):
        return {}
    with torch.no_grad():
        x = torch.full((1, *shape), 0.1)
        mean = model.encode(x)[0]
        return {"flat/images": x, "flat/mean": mean, "flat/decoded": model.decode(mean)}


def main(preset, folder, *rates):
    torch.set_num_threads(1)
    build, shape, batch, recon, steps, seed = PRESETS[preset]
    torch.manual_seed(seed)
    model = build()
    prepare(model)
    start = {k: v.clone() for k, v in model.state_dict().items()}

    x = torch.rand(steps, batch, *shape)
    if recon != "bce":
        x = 2 * x - 1
    model.eval()
    with torch.no_grad():
        latent = model.encode(x[0])[0].shape[1:]
    model.train()
    noise = torch.randn(steps, batch, *latent)

    def backward(step):
        model.zero_grad(set_to_none=True)
        terms = losses(model, x[step], noise[step], recon, FREE_BITS.get(preset, 0.0))
        (terms["total"] / batch).backward()
        return terms

    flat = flat_image(model, shape)
    terms = backward(0)
    save(os.path.join(folder, "forward.safetensors"), {
        **{"weights/" + k: v for k, v in start.items()},
        "images": x, "noise": noise, **flat,
        **{"terms/" + k: v for k, v in terms.items()},
        **{"gradients/" + k: p.grad for k, p in model.named_parameters()},
        **{"buffers/" + k: v for k, v in model.named_buffers()},
    })

    # One step from the same gradient for all of them where a step is dear.
    first = [p.grad.clone() for p in model.parameters()]
    for name, make in OPTIMIZERS.items():
        model.load_state_dict(start)
        optimizer = make(model.parameters(), *rates)
        for step in range(steps):
            if steps == 1:
                for p, g in zip(model.parameters(), first):
                    p.grad = g.clone()
            else:
                backward(step)
            silence(model, preset)
            optimizer.step()
        save(os.path.join(folder, name + ".safetensors"), dict(model.state_dict()))


main(sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4]))
