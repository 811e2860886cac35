#include "convolution.h"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/version.h>

#include <algorithm>
#include <array>
#include <vector>

#include "patches.h"

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;
using vaecluster::Patches;
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

    // On channels-last images oneDNN sums over all channels in one chain, on plain ones in short chains. In wide layers the
    // chain would cost a digit, and the reordering is cheap beside the work.
    bool plain_order() const { return !by_product() && std::max(channels_in, channels_out) * patches.kernel * patches.kernel > 1152; }

    at::Tensor prepare(const at::Tensor& weight) const { return plain_order() ? weight.contiguous() : weight_channels_last(weight); }

    at::Tensor forward(const at::Tensor& image, const at::Tensor& weight, const at::Tensor& bias) const {
        if (!by_product()) return at::conv2d(ordered(image), weight, bias, stride(), padding()).contiguous(kChannelsLast);
        return on_grid(product(patches.gather(image), matrix(weight).t(), bias));
    }

    // The image's gradient, plus bias [Cin] for its use as a transposed convolution.
    at::Tensor backward_image(const at::Tensor& grid, const at::Tensor& weight, const at::Tensor& bias) const {
        if (by_product()) return patches.scatter(at::mm(flat(grid), matrix(weight)), samples, channels_in, bias);
        auto result = onednn_gradients(grid, shape_of_image(grid), weight, {true, false, false})[0].contiguous(kChannelsLast);
        return bias.defined() ? result.add_(bias.view({1, -1, 1, 1})) : result;
    }

    at::Tensor backward_weight(const at::Tensor& grid, const at::Tensor& image, const at::Tensor& weight) const {
        if (!weight_by_product()) return onednn_gradients(grid, image, weight, {false, true, false})[1];
        const int64_t kernel = patches.kernel;
        return at::mm(flat(grid).t(), patches.gather(image)).view({channels_out, kernel, kernel, channels_in}).permute({0, 3, 1, 2});
    }

    std::array<at::Tensor, 3> backward(const at::Tensor& grid, const at::Tensor& image, const at::Tensor& weight,
                                       std::array<bool, 3> wanted) const {
        if (!weight_by_product()) {
            auto result = onednn_gradients(grid, image, weight, wanted);
            if (wanted[0]) result[0] = result[0].contiguous(kChannelsLast);
            return result;
        }
        return {wanted[0] ? backward_image(grid, weight, {}) : at::Tensor(),
                wanted[1] ? backward_weight(grid, image, weight) : at::Tensor(), wanted[2] ? grid.sum({0, 2, 3}) : at::Tensor()};
    }

  private:
    std::vector<int64_t> stride() const { return {patches.stride, patches.stride}; }
    std::vector<int64_t> padding() const { return {patches.padding, patches.padding}; }

    at::Tensor ordered(const at::Tensor& image) const { return plain_order() ? image.contiguous() : image; }

    // convolution_backward reads the shape of its input argument only when no weight's gradient is wanted.
    at::Tensor shape_of_image(const at::Tensor& like) const {
        return at::empty({samples, channels_in, patches.height, patches.width},
                         like.options().memory_format(plain_order() ? at::MemoryFormat::Contiguous : kChannelsLast));
    }

    at::Tensor matrix(const at::Tensor& weight) const { return weight.permute({0, 2, 3, 1}).reshape({channels_out, -1}); }
    at::Tensor flat(const at::Tensor& grid) const { return grid.permute({0, 2, 3, 1}).reshape({-1, channels_out}); }
    at::Tensor on_grid(const at::Tensor& rows) const {
        return rows.view({samples, patches.rows, patches.columns, channels_out}).permute({0, 3, 1, 2});
    }

    static at::Tensor product(const at::Tensor& a, const at::Tensor& b, const at::Tensor& bias) {
        return bias.defined() ? at::addmm(bias, a, b) : at::mm(a, b);
    }

    std::array<at::Tensor, 3> onednn_gradients(const at::Tensor& grid, const at::Tensor& image, const at::Tensor& weight,
                                               std::array<bool, 3> wanted) const {
        const std::vector<int64_t> ones{1, 1}, zeros{0, 0}, bias{channels_out};
        auto [x, w, b] = at::convolution_backward(ordered(grid), ordered(image), weight, at::OptionalIntArrayRef(at::IntArrayRef(bias)), stride(), padding(),
                                                  ones, /*transposed=*/false, zeros, /*groups=*/1, wanted);
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
        auto [dx, dw, db] = convolution.backward(grads[0].contiguous(kChannelsLast), x, w,
                                                 {context->needs_input_grad(0), context->needs_input_grad(1), context->needs_input_grad(2)});
        return {dx, dw.defined() ? weight_contiguous(dw) : dw, db, Variable(), Variable()};
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
        if (context->needs_input_grad(1)) dw = weight_contiguous(convolution.backward_weight(x, grad, w));
        if (context->needs_input_grad(2)) db = grad.sum({0, 2, 3});
        return {dx, dw, db, Variable(), Variable(), Variable()};
    }

  private:
    // Of the convolution whose input gradient this is: it maps the result back to the input, with the same weight.
    static Convolution geometry(const at::Tensor& x, const at::Tensor& weight, int64_t stride, int64_t padding, int64_t output_padding) {
        auto extent = [&](int64_t dim) { return (x.size(dim) - 1) * stride - 2 * padding + weight.size(dim) + output_padding; };
        return {weight, stride, padding, x.size(0), extent(2), extent(3), x.size(2), x.size(3)};
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
