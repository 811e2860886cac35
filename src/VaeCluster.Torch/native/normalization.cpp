#include "normalization.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "normalization_blocks.h"

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;
using vaecluster::Activation;
using vaecluster::Kind;
using vaecluster::apply_block;
using vaecluster::backward_block;
using vaecluster::block_moments;
using vaecluster::finish_block;

namespace {

// A block of pixels is worked on several times while it lies in the first-level cache.
constexpr int64_t kBlockFloats = 4096;
// The parts of an image, which threads share out. A constant: the order of the sums must not follow the threads.
constexpr int64_t kParts = 8;

// A batch normalisation is a group normalisation of one sample, whose pixels are all images', with a group for each channel.
struct Shape {
    int64_t samples, pixels, channels, groups;
    int64_t block() const { return std::max<int64_t>(kBlockFloats / channels, 8); }
    int64_t part() const { return (pixels + kParts - 1) / kParts; }
};

// Moments of a part of an image, channel by channel: pixels, mean and summed squares of the deviation from it.
struct Moments {
    int64_t count = 0;
    std::vector<double> mean, squares;
};

// Runs body(first pixel, end, part) for each part of an image, and sample(n) for each image: threads share the images out,
// or the parts of one when there are fewer images than threads.
template <typename Body>
void each_part(const Shape& shape, const Body& body) {
    at::parallel_for(0, kParts, 1, [&](int64_t begin, int64_t end) {
        for (int64_t part = begin; part < end; part++) {
            body(std::min(part * shape.part(), shape.pixels), std::min((part + 1) * shape.part(), shape.pixels), part);
        }
    });
}

template <typename Body>
void each_sample(const Shape& shape, const Body& sample) {
    if (shape.samples < at::get_num_threads()) {
        for (int64_t n = 0; n < shape.samples; n++) sample(n);
        return;
    }
    at::parallel_for(0, shape.samples, 1, [&](int64_t begin, int64_t end) {
        for (int64_t n = begin; n < end; n++) sample(n);
    });
}

// The pairwise update of Chan, Golub & LeVeque (1983), channel by channel.
template <typename Value>
void merge(Moments& into, const Value* mean, const Value* squares, int64_t count, int64_t channels) {
    if (count == 0) return;
    const double total = double(into.count + count), share = count / total, cross = into.count * share;
    for (int64_t c = 0; c < channels; c++) {
        const double delta = mean[c] - into.mean[c];
        into.mean[c] += delta * share;
        into.squares[c] += squares[c] + delta * delta * cross;
    }
    into.count += count;
}

// What apply_block takes, channel by channel, from an image's moments of groups.
struct Factors {
    std::vector<float> mean, scale;
    Factors(const Shape& shape, const float* group_mean, const float* group_rstd, const float* weight)
        : mean(shape.channels), scale(shape.channels) {
        const int64_t width = shape.channels / shape.groups;
        for (int64_t c = 0; c < shape.channels; c++) {
            mean[c] = group_mean[c / width];
            scale[c] = group_rstd[c / width] * weight[c];
        }
    }
};

void moments_of_sample(const Shape& shape, const float* x, double eps, float* group_mean, float* group_rstd, double* group_variance) {
    const int64_t channels = shape.channels, width = channels / shape.groups;
    std::vector<Moments> parts(kParts);
    each_part(shape, [&](int64_t first, int64_t end, int64_t part) {
        auto& moments = parts[part];
        moments.mean.assign(channels, 0);
        moments.squares.assign(channels, 0);
        std::vector<float> mean(channels), squares(channels);
        for (int64_t p = first; p < end; p += shape.block()) {
            const int64_t count = std::min(shape.block(), end - p);
            block_moments(x + p * channels, count, channels, mean.data(), squares.data());
            merge(moments, mean.data(), squares.data(), count, channels);
        }
    });
    auto& all = parts[0];
    for (int64_t part = 1; part < kParts; part++) merge(all, parts[part].mean.data(), parts[part].squares.data(), parts[part].count, channels);
    for (int64_t g = 0; g < shape.groups; g++) {
        double mean = 0, squares = 0;
        for (int64_t c = g * width; c < (g + 1) * width; c++) mean += all.mean[c];
        mean /= double(width);
        for (int64_t c = g * width; c < (g + 1) * width; c++) {
            const double delta = all.mean[c] - mean;
            squares += all.squares[c] + delta * delta * double(shape.pixels);
        }
        group_mean[g] = float(mean);
        group_variance[g] = squares / double(width * shape.pixels);
        group_rstd[g] = float(1 / std::sqrt(group_variance[g] + eps));
    }
}

// The running statistics of a batch normalisation: moved by momentum towards the batch's mean and unbiased variance.
struct Running {
    at::Tensor mean, variance; // [C], or undefined
    double momentum;

    void move(const Shape& shape, const float* batch_mean, const double* batch_variance) const {
        if (!mean.defined()) return;
        float *m = mean.data_ptr<float>(), *v = variance.data_ptr<float>();
        const double keep = 1 - momentum, unbiased = double(shape.pixels) / double(std::max<int64_t>(shape.pixels - 1, 1));
        for (int64_t c = 0; c < shape.channels; c++) {
            m[c] = float(keep * m[c] + momentum * batch_mean[c]);
            v[c] = float(keep * v[c] + momentum * batch_variance[c] * unbiased);
        }
    }
};

struct Normalization : torch::autograd::Function<Normalization> {
    // groups: 0 for a batch normalisation.
    static Variable forward(AutogradContext* context, const Variable& input, const Variable& weight, const Variable& bias,
                            int64_t groups, double eps, Activation activation, const Running& running) {
        const auto x = input.contiguous(at::MemoryFormat::ChannelsLast), w = weight.contiguous(), b = bias.contiguous();
        const Shape shape = shape_of(x, groups);
        auto y = at::empty_like(x);
        auto moments = at::empty({2, shape.samples, shape.groups}, x.options().memory_format(at::MemoryFormat::Contiguous));
        const float *px = x.data_ptr<float>(), *pw = w.data_ptr<float>(), *pb = b.data_ptr<float>();
        float *py = y.data_ptr<float>(), *pm = moments.data_ptr<float>();

        each_sample(shape, [&](int64_t n) {
            const int64_t offset = n * shape.pixels * shape.channels;
            float *mean = pm + n * shape.groups, *rstd = pm + (shape.samples + n) * shape.groups;
            std::vector<double> variance(shape.groups);
            moments_of_sample(shape, px + offset, eps, mean, rstd, variance.data());
            running.move(shape, mean, variance.data());
            const Factors factors(shape, mean, rstd, pw);
            each_part(shape, [&](int64_t first, int64_t end, int64_t) {
                for (int64_t p = first; p < end; p += shape.block()) {
                    const int64_t at = offset + p * shape.channels;
                    apply_block(px + at, py + at, std::min(shape.block(), end - p), shape.channels, factors.mean.data(),
                                factors.scale.data(), pb, activation);
                }
            });
        });

        context->save_for_backward({x, w, b, moments});
        context->saved_data["groups"] = groups;
        context->saved_data["kind"] = int64_t(activation.kind);
        context->saved_data["slope"] = double(activation.slope);
        return y;
    }

    static variable_list backward(AutogradContext* context, variable_list grads) {
        const auto saved = context->get_saved_variables();
        const auto &x = saved[0], &w = saved[1], &b = saved[2], &moments = saved[3];
        const Activation activation{Kind(context->saved_data["kind"].toInt()), float(context->saved_data["slope"].toDouble())};
        const Shape shape = shape_of(x, context->saved_data["groups"].toInt());
        const int64_t channels = shape.channels, groups = shape.groups, width = channels / groups;
        const auto dy = grads[0].contiguous(at::MemoryFormat::ChannelsLast);
        auto dx = at::empty_like(x);
        const float *px = x.data_ptr<float>(), *pw = w.data_ptr<float>(), *pb = b.data_ptr<float>(), *pm = moments.data_ptr<float>(),
                    *pdy = dy.data_ptr<float>();
        float* pdx = dx.data_ptr<float>();
        // Of each sample and channel: the sum of dz, and of dz * (x - mean).
        std::vector<double> sums(2 * shape.samples * channels);

        each_sample(shape, [&](int64_t n) {
            const int64_t offset = n * shape.pixels * channels;
            const float *mean = pm + n * groups, *rstd = pm + (shape.samples + n) * groups;
            const Factors factors(shape, mean, rstd, pw);
            std::vector<double> parts(2 * kParts * channels);
            each_part(shape, [&](int64_t first, int64_t end, int64_t part) {
                std::vector<float> block(2 * channels);
                double* into = parts.data() + 2 * part * channels;
                for (int64_t p = first; p < end; p += shape.block()) {
                    const int64_t at = offset + p * channels;
                    backward_block(px + at, pdy + at, pdx + at, std::min(shape.block(), end - p), channels, factors.mean.data(),
                                   factors.scale.data(), pb, activation, block.data(), block.data() + channels);
                    for (int64_t i = 0; i < 2 * channels; i++) into[i] += block[i];
                }
            });
            double *sum = sums.data() + 2 * n * channels, *sum_x = sum + channels;
            for (int64_t part = 0; part < kParts; part++) {
                for (int64_t i = 0; i < 2 * channels; i++) sum[i] += parts[2 * part * channels + i];
            }

            // dx = rstd * (weight * dz - average(weight * dz) - xhat * average(weight * dz * xhat)) over the group.
            std::vector<float> slope(channels), shift(channels);
            for (int64_t g = 0; g < groups; g++) {
                double plain = 0, along = 0;
                for (int64_t c = g * width; c < (g + 1) * width; c++) {
                    plain += pw[c] * sum[c];
                    along += pw[c] * sum_x[c];
                }
                const double r = rstd[g], share = 1.0 / double(width * shape.pixels);
                std::fill_n(slope.data() + g * width, width, float(-r * r * r * along * share));
                std::fill_n(shift.data() + g * width, width, float(-r * plain * share));
            }
            each_part(shape, [&](int64_t first, int64_t end, int64_t) {
                for (int64_t p = first; p < end; p += shape.block()) {
                    const int64_t at = offset + p * channels;
                    finish_block(px + at, pdx + at, std::min(shape.block(), end - p), channels, factors.mean.data(),
                                 factors.scale.data(), slope.data(), shift.data());
                }
            });
        });

        auto dw = at::empty({channels}, x.options()), db = at::empty({channels}, x.options());
        for (int64_t c = 0; c < channels; c++) {
            double weight = 0, bias = 0;
            for (int64_t n = 0; n < shape.samples; n++) {
                bias += sums[2 * n * channels + c];
                weight += sums[(2 * n + 1) * channels + c] * pm[(shape.samples + n) * groups + c / width];
            }
            dw.data_ptr<float>()[c] = float(weight);
            db.data_ptr<float>()[c] = float(bias);
        }
        return {dx, dw, db, Variable(), Variable(), Variable(), Variable()};
    }

  private:
    static Shape shape_of(const at::Tensor& x, int64_t groups) {
        const int64_t pixels = x.size(2) * x.size(3), channels = x.size(1);
        return groups > 0 ? Shape{x.size(0), pixels, channels, groups} : Shape{1, x.size(0) * pixels, channels, channels};
    }
};

void check(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
    TORCH_CHECK(x.dim() == 4 && x.scalar_type() == at::kFloat && x.device().is_cpu(), "normalisation: expected fp32 images on the CPU, got ",
                x.scalar_type(), x.sizes());
    TORCH_CHECK(weight.numel() == x.size(1) && bias.numel() == x.size(1), "normalisation: ", x.size(1),
                " channels do not go with weights of ", weight.numel());
}

bool fits(const at::Tensor& x) { return x.size(1) % vaecluster::kLanes == 0 && x.numel() > 0; }

}  // namespace

int vct_group_norm(at::Tensor* input, at::Tensor* weight, at::Tensor* bias, int64_t groups, double eps, int32_t silu,
                   at::Tensor** result) {
    return vaecluster::guard([&] {
        const auto& x = *input;
        check(x, *weight, *bias);
        TORCH_CHECK(groups > 0 && x.size(1) % groups == 0, "group_norm: ", x.size(1), " channels do not go with ", groups, " groups");
        if (fits(x)) {
            *result = new at::Tensor(Normalization::apply(x, *weight, *bias, groups, eps, Activation{silu ? Kind::kSilu : Kind::kNone, 0}, Running{}));
            return;
        }
        auto y = at::group_norm(x, groups, *weight, *bias, eps);
        *result = new at::Tensor(silu ? at::silu(y) : y);
    });
}

int vct_batch_norm(at::Tensor* input, at::Tensor* weight, at::Tensor* bias, at::Tensor* running_mean, at::Tensor* running_variance,
                   double momentum, double eps, int32_t rectifier, double slope, at::Tensor** result) {
    return vaecluster::guard([&] {
        const auto& x = *input;
        check(x, *weight, *bias);
        if (fits(x)) {
            *result = new at::Tensor(Normalization::apply(x, *weight, *bias, int64_t(0), eps,
                                                          Activation{rectifier ? Kind::kRectifier : Kind::kNone, float(slope)},
                                                          Running{*running_mean, *running_variance, momentum}));
            return;
        }
        auto y = at::batch_norm(x, *weight, *bias, *running_mean, *running_variance, /*training=*/true, momentum, eps, /*cudnn_enabled=*/false);
        *result = new at::Tensor(rectifier ? at::leaky_relu(y, slope) : y);
    });
}
