"""similarity.py FILE...: PSNR and SSIM by scikit-image, MS-SSIM in PyTorch, of two images in each file: float32 in [0, 1],
[2, channels, height, width] after three int32 with the shape. Prints a line for each file."""
import sys

import numpy as np
import torch
import torch.nn.functional as F
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

torch.set_num_threads(1)


def windows(planes):
    """Weighted means over all windows of 11 x 11: [N, 1, H, W] to [N, 1, H - 10, W - 10]."""
    x = torch.arange(11, dtype=torch.float64) - 5
    g = torch.exp(-x ** 2 / 4.5)
    kernel = torch.outer(g, g)
    return F.conv2d(planes, (kernel / kernel.sum())[None, None])


def maps(a, b):
    mu_a, mu_b = windows(a), windows(b)
    var_a, var_b = windows((a ** 2)) - mu_a ** 2, windows(b ** 2) - mu_b ** 2
    cov = windows(a * b) - mu_a * mu_b
    luminance = (2 * mu_a * mu_b + 1e-4) / (mu_a ** 2 + mu_b ** 2 + 1e-4)
    contrast = (2 * cov + 9e-4) / (var_a + var_b + 9e-4)
    return (luminance * contrast).mean((1, 2, 3)), contrast.mean((1, 2, 3))


def multi_scale(a, b):
    weights = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333]
    a, b = a[:, None], b[:, None]  # a channel is a sample
    values = []
    while len(values) < 5 and min(a.shape[2:]) >= 11:
        values.append(maps(a, b))
        a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
    used = torch.tensor(weights[:len(values)], dtype=torch.float64)
    used = used / used.sum()
    parts = [contrast for _, contrast in values[:-1]] + [values[-1][0]]
    return torch.stack([p.clamp(min=0) ** w for p, w in zip(parts, used)]).prod(0).mean().item()


for path in sys.argv[1:]:
    shape = np.fromfile(path, np.int32, 3)
    a, b = np.fromfile(path, np.float32, offset=12).astype(np.float64).reshape(2, *shape)
    print(peak_signal_noise_ratio(a, b, data_range=1),
          structural_similarity(a, b, data_range=1, channel_axis=0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False),
          multi_scale(torch.from_numpy(a), torch.from_numpy(b)))
