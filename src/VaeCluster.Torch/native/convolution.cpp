#include "convolution.h"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/version.h>

#include <algorithm>
#include <array>
#include <vector>

#include "held_weights.h"
#include "patches.h"

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;
using vaecluster::Patches;
using vaecluster::derived;
using vaecluster::doubled_weight;
using vaecluster::doubled_weight_backward;
using vaecluster::weight_channels_last;
using vaecluster::weight_contiguous;

namespace {

constexpr auto kChannelsLast = at::MemoryFormat::ChannelsLast;

// A convolution from image [B, Cin, height, width] to [B, Cout, rows, columns]. Images come and go channels last; the weight
// [Cout, Cin, K, K] is taken as prepare() gives it.
struct Convolution {
    Patches patches;
    int64_t samples, channels_in, channels_out;

    Convolution(const at::Tensor& weight, int64_t stride, int64_t padding, int64_t samples, int64_t height, int64_t width, int64_t rows,
                int64_t columns)
        : patches{weight.size(2), stride, padding, height, width, rows, columns},
          samples(samples), channels_in(weight.size(1)), channels_out(weight.size(0)) {}

    // Measured with one thread, decided by shape alone: oneDNN works along the rows of the grid, and idles on short ones.
    bool by_product() const {
        return patches.rows * patches.columns <= 9 || (channels_in == 1 && patches.kernel * patches.kernel <= channels_out);
    }
    // Few places for many weights: oneDNN spends its time on setting up and adding what it sums them in.
    bool weight_by_product() const {
        return by_product() || samples * patches.rows * patches.columns <= 2 * std::max(channels_in, channels_out);
    }

    // The weight in the memory order that most of the work wants.
    at::Tensor prepare(const at::Tensor& weight) const {
        return derived(weight, plain_forward() && plain_backward() ? weight_contiguous : weight_channels_last);
    }

    at::Tensor forward(const at::Tensor& image, const at::Tensor& weight, const at::Tensor& bias) const {
        if (by_product()) return on_grid(product(patches.gather(image), matrix(weight).t(), bias));
        const bool plain = plain_forward();
        return at::conv2d(image_in(image, plain), weight_in(weight, plain), bias, stride(), padding()).contiguous(kChannelsLast);
    }

    // The image's gradient, plus bias [Cin] for its use as a transposed convolution.
    at::Tensor backward_image(const at::Tensor& grid, const at::Tensor& weight, const at::Tensor& bias) const {
        if (by_product()) return patches.scatter(at::mm(flat(grid), matrix(weight)), samples, channels_in, bias);
        const bool plain = plain_backward();
        // convolution_backward reads the shape of its input argument only when no weight's gradient is wanted.
        const auto shape = at::empty({samples, channels_in, patches.height, patches.width}, grid.options().memory_format(format(plain)));
        auto result = onednn_gradients(grid, shape, weight, plain, {true, false, false})[0].contiguous(kChannelsLast);
        return bias.defined() ? result.add_(bias.view({1, -1, 1, 1})) : result;
    }

    // The gradients of weight, in some memory order, and bias.
    std::array<at::Tensor, 2> backward_weight(const at::Tensor& grid, const at::Tensor& image, const at::Tensor& weight, bool bias) const {
        if (weight_by_product()) {
            const auto gather = patches.gather(image);
            const auto bias_gradient = bias ? grid.sum({0, 2, 3}) : at::Tensor();
            // The weight's plain order, as its gradient is kept, is had by reordering patches or result: the fewer of them.
            if (gather.size(0) < channels_out) {
                const auto plain = weight_contiguous(kernels(gather, channels_in));
                return {at::mm(flat(grid).t(), plain.view({plain.size(0), -1})).view({channels_out, channels_in, patches.kernel, patches.kernel}), bias_gradient};
            }
            return {kernels(at::mm(flat(grid).t(), gather), channels_in), bias_gradient};
        }
        auto result = onednn_gradients(grid, image, weight, plain_forward() && plain_backward(), {false, true, bias});
        return {result[1], result[2]};
    }

  private:
    std::vector<int64_t> stride() const { return {patches.stride, patches.stride}; }
    std::vector<int64_t> padding() const { return {patches.padding, patches.padding}; }

    // On channels-last images oneDNN adds up all channels and places in one chain, on plain ones in short chains. A long chain
    // costs a digit, and the reordering is cheap beside that much work.
    bool plain(int64_t chain) const { return !by_product() && (chain > 1152 || (chain >= 1024 && patches.stride > 1)); }
    bool plain_forward() const { return plain(channels_in * patches.kernel * patches.kernel); }
    bool plain_backward() const { return plain(channels_out * patches.kernel * patches.kernel / (patches.stride * patches.stride)); }

    static at::MemoryFormat format(bool plain) { return plain ? at::MemoryFormat::Contiguous : kChannelsLast; }
    static at::Tensor image_in(const at::Tensor& image, bool plain) { return image.contiguous(format(plain)); }
    static at::Tensor weight_in(const at::Tensor& weight, bool plain) { return plain ? weight_contiguous(weight) : weight_channels_last(weight); }

    at::Tensor matrix(const at::Tensor& weight) const { return weight.permute({0, 2, 3, 1}).reshape({channels_out, -1}); }
    at::Tensor flat(const at::Tensor& grid) const { return grid.permute({0, 2, 3, 1}).reshape({-1, channels_out}); }
    // [N, K * K * channels] as [N, channels, K, K], channels last.
    at::Tensor kernels(const at::Tensor& rows, int64_t channels) const {
        return rows.view({rows.size(0), patches.kernel, patches.kernel, channels}).permute({0, 3, 1, 2});
    }
    at::Tensor on_grid(const at::Tensor& rows) const {
        return rows.view({samples, patches.rows, patches.columns, channels_out}).permute({0, 3, 1, 2});
    }

    static at::Tensor product(const at::Tensor& a, const at::Tensor& b, const at::Tensor& bias) {
        return bias.defined() ? at::addmm(bias, a, b) : at::mm(a, b);
    }

    std::array<at::Tensor, 3> onednn_gradients(const at::Tensor& grid, const at::Tensor& image, const at::Tensor& weight, bool plain,
                                               std::array<bool, 3> wanted) const {
        const std::vector<int64_t> ones{1, 1}, zeros{0, 0}, bias{channels_out};
        auto [x, w, b] = at::convolution_backward(image_in(grid, plain), image_in(image, plain), weight_in(weight, plain),
                                                  at::OptionalIntArrayRef(at::IntArrayRef(bias)), stride(), padding(), ones,
                                                  /*transposed=*/false, zeros, /*groups=*/1, wanted);
        return {x, w, b};
    }
};

struct Conv : torch::autograd::Function<Conv> {
    static Variable forward(AutogradContext* context, const Variable& input, const Variable& weight, const Variable& bias, int64_t stride,
                            int64_t padding) {
        const auto x = input.contiguous(kChannelsLast);
        const auto convolution = geometry(x, weight, stride, padding);
        const auto w = convolution.prepare(weight);
        context->save_for_backward({x, w});
        context->saved_data["stride"] = stride;
        context->saved_data["padding"] = padding;
        return convolution.forward(x, w, bias);
    }

    static variable_list backward(AutogradContext* context, variable_list grads) {
        const auto saved = context->get_saved_variables();
        const auto &x = saved[0], &w = saved[1];
        const auto convolution = geometry(x, w, context->saved_data["stride"].toInt(), context->saved_data["padding"].toInt());
        const auto grad = grads[0].contiguous(kChannelsLast);
        at::Tensor dx;
        if (context->needs_input_grad(0)) dx = convolution.backward_image(grad, w, {});
        auto [dw, db] = convolution.backward_weight(grad, x, w, context->needs_input_grad(2));
        return {dx, weight_contiguous(dw), db, Variable(), Variable()};
    }

  private:
    static Convolution geometry(const at::Tensor& x, const at::Tensor& weight, int64_t stride, int64_t padding) {
        auto extent = [&](int64_t dim) { return (x.size(dim) + 2 * padding - weight.size(dim)) / stride + 1; };
        return {weight, stride, padding, x.size(0), x.size(2), x.size(3), extent(2), extent(3)};
    }
};

struct ConvTranspose : torch::autograd::Function<ConvTranspose> {
    static Variable forward(AutogradContext* context, const Variable& input, const Variable& weight, const Variable& bias, int64_t stride,
                            int64_t padding, int64_t output_padding) {
        const auto x = input.contiguous(kChannelsLast);
        const auto convolution = geometry(x, weight, stride, padding, output_padding);
        const auto w = convolution.prepare(weight);
        context->save_for_backward({x, w});
        context->saved_data["stride"] = stride;
        context->saved_data["padding"] = padding;
        context->saved_data["output_padding"] = output_padding;
        return convolution.backward_image(x, w, bias);
    }

    static variable_list backward(AutogradContext* context, variable_list grads) {
        const auto saved = context->get_saved_variables();
        const auto &x = saved[0], &w = saved[1];
        const auto grad = grads[0].contiguous(kChannelsLast);
        const auto convolution = geometry(x, w, context->saved_data["stride"].toInt(), context->saved_data["padding"].toInt(),
                                          context->saved_data["output_padding"].toInt());
        at::Tensor dx, dw, db;
        if (context->needs_input_grad(0)) dx = convolution.forward(grad, w, {});
        if (context->needs_input_grad(1)) dw = weight_contiguous(convolution.backward_weight(x, grad, w, false)[0]);
        if (context->needs_input_grad(2)) db = grad.sum({0, 2, 3});
        return {dx, dw, db, Variable(), Variable(), Variable()};
    }

    // Of the convolution whose input gradient this is: it maps the result back to the input, with the same weight.
    static Convolution geometry(const at::Tensor& x, const at::Tensor& weight, int64_t stride, int64_t padding, int64_t output_padding) {
        auto extent = [&](int64_t dim) { return (x.size(dim) - 1) * stride - 2 * padding + weight.size(dim) + output_padding; };
        return {weight, stride, padding, x.size(0), extent(2), extent(3), x.size(2), x.size(3)};
    }
};

struct DoubledConv : torch::autograd::Function<DoubledConv> {
    static Variable forward(AutogradContext* context, const Variable& input, const Variable& weight, const Variable& bias) {
        const auto x = input.contiguous(kChannelsLast), doubled = derived(weight, doubled_weight);
        const auto convolution = geometry(x, doubled);
        const auto w = convolution.prepare(doubled);
        context->save_for_backward({x, w});
        return convolution.backward_image(x, w, bias);
    }

    static variable_list backward(AutogradContext* context, variable_list grads) {
        const auto saved = context->get_saved_variables();
        const auto &x = saved[0], &w = saved[1];
        const auto grad = grads[0].contiguous(kChannelsLast);
        const auto convolution = geometry(x, w);
        at::Tensor dx, dw, db;
        if (context->needs_input_grad(0)) dx = convolution.forward(grad, w, {});
        if (context->needs_input_grad(1)) dw = doubled_weight_backward(convolution.backward_weight(x, grad, w, false)[0]);
        if (context->needs_input_grad(2)) db = grad.sum({0, 2, 3});
        return {dx, dw, db};
    }

    // The weight grows from 9 to 16 places, which has to be less work than the image saves.
    static bool pays(const at::Tensor& x) { return 4 * x.size(0) * x.size(2) * x.size(3) >= x.size(1); }

  private:
    static Convolution geometry(const at::Tensor& x, const at::Tensor& weight) {
        return ConvTranspose::geometry(x, weight, /*stride=*/2, /*padding=*/1, /*output_padding=*/0);
    }
};

bool autocast() {
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
    return at::autocast::is_autocast_enabled(at::kCPU);
#else
    return at::autocast::is_cpu_enabled();
#endif
}

bool fp32(const at::Tensor& input, const at::Tensor& weight) {
    return input.scalar_type() == at::kFloat && weight.scalar_type() == at::kFloat && input.numel() > 0;
}

at::Tensor value(const at::Tensor* tensor) { return tensor ? *tensor : at::Tensor(); }

}  // namespace

int vct_conv2d(at::Tensor* input, at::Tensor* weight, at::Tensor* bias, int64_t stride, int64_t padding, at::Tensor** result) {
    return vaecluster::guard([&] {
        const auto &x = *input, &w = *weight;
        TORCH_CHECK(x.dim() == 4 && w.dim() == 4 && x.size(1) == w.size(1), "conv2d: the channels of an input of shape ", x.sizes(),
                    " do not go with a weight of shape ", w.sizes());
        // Under autocast ATen's own operator casts; only the memory order of the images is chosen.
        *result = new at::Tensor(fp32(x, w) && !autocast()
                                     ? Conv::apply(x, w, value(bias), stride, padding)
                                     : at::conv2d(x.contiguous(kChannelsLast), w, value(bias), {stride, stride}, {padding, padding}));
    });
}

int vct_conv2d_doubled(at::Tensor* input, at::Tensor* weight, at::Tensor* bias, at::Tensor** result) {
    return vaecluster::guard([&] {
        const auto &x = *input, &w = *weight;
        TORCH_CHECK(x.dim() == 4 && w.dim() == 4 && x.size(1) == w.size(1) && w.size(2) == 3 && w.size(3) == 3,
                    "conv2d_doubled: the channels of an input of shape ", x.sizes(), " do not go with a weight of shape ", w.sizes());
        if (fp32(x, w) && !autocast() && DoubledConv::pays(x)) {
            *result = new at::Tensor(DoubledConv::apply(x, w, value(bias)));
            return;
        }
        auto doubled = at::upsample_nearest2d(x.contiguous(kChannelsLast), {2 * x.size(2), 2 * x.size(3)});
        *result = new at::Tensor(fp32(x, w) && !autocast() ? Conv::apply(doubled, w, value(bias), int64_t(1), int64_t(1))
                                                           : at::conv2d(doubled, w, value(bias), {1, 1}, {1, 1}));
    });
}

int vct_conv_transpose2d(at::Tensor* input, at::Tensor* weight, at::Tensor* bias, int64_t stride, int64_t padding, int64_t output_padding,
                         at::Tensor** result) {
    return vaecluster::guard([&] {
        const auto &x = *input, &w = *weight;
        TORCH_CHECK(x.dim() == 4 && w.dim() == 4 && x.size(1) == w.size(0), "conv_transpose2d: the channels of an input of shape ",
                    x.sizes(), " do not go with a weight of shape ", w.sizes());
        TORCH_CHECK(output_padding < stride, "conv_transpose2d: output_padding ", output_padding, " must be below stride ", stride);
        if (!fp32(x, w)) {
            *result = new at::Tensor(at::conv_transpose2d(x, w, value(bias), {stride, stride}, {padding, padding}, {output_padding, output_padding}));
            return;
        }
        // Faster in fp32 than ATen's in bf16: autocast shall not reach the matrix products.
        c10::impl::ExcludeDispatchKeyGuard no_autocast(c10::DispatchKey::AutocastCPU);
        *result = new at::Tensor(ConvTranspose::apply(x, w, value(bias), stride, padding, output_padding));
    });
}
