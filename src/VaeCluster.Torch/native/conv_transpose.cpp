#include "conv_transpose.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <array>
#include <vector>

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

namespace {

struct Shape {
    int64_t stride, padding, output_padding;
};

std::array<at::Tensor, 3> convolution_gradients(const at::Tensor& grad, const at::Tensor& input, const at::Tensor& weight,
                                                const Shape& shape, std::array<bool, 3> wanted) {
    const std::vector<int64_t> stride{shape.stride, shape.stride}, padding{shape.padding, shape.padding}, ones{1, 1}, zeros{0, 0};
    auto [x, w, b] = at::convolution_backward(grad, input, weight, at::OptionalIntArrayRef(at::IntArrayRef(zeros)), stride,
                                              padding, ones, /*transposed=*/false, zeros, /*groups=*/1, wanted);
    return {x, w, b};
}

struct ConvTranspose : torch::autograd::Function<ConvTranspose> {
    // The convolution whose input gradient this is maps [B, Cout, H', W'] to [B, Cin, H, W] with the same weight.
    static Variable forward(AutogradContext* context, const Variable& input, const Variable& weight, const Variable& bias,
                            Shape shape) {
        context->save_for_backward({input, weight});
        context->saved_data["stride"] = shape.stride;
        context->saved_data["padding"] = shape.padding;
        context->saved_data["output_padding"] = shape.output_padding;

        auto extent = [&](int64_t dim) {
            return (input.size(dim) - 1) * shape.stride - 2 * shape.padding + weight.size(dim) + shape.output_padding;
        };
        // convolution_backward reads the shape of its input argument only.
        auto like = at::empty({1}, input.options()).expand({input.size(0), weight.size(1), extent(2), extent(3)});
        auto output = convolution_gradients(input, like, weight, shape, {true, false, false})[0];
        return bias.defined() ? output.add_(bias.view({1, -1, 1, 1})) : output;
    }

    static variable_list backward(AutogradContext* context, variable_list grads) {
        const auto saved = context->get_saved_variables();
        const auto &input = saved[0], &weight = saved[1];
        const Shape shape{context->saved_data["stride"].toInt(), context->saved_data["padding"].toInt(),
                          context->saved_data["output_padding"].toInt()};
        const auto grad = grads[0].contiguous();

        at::Tensor grad_input, grad_weight, grad_bias;
        if (context->needs_input_grad(0)) {
            grad_input = at::conv2d(grad, weight, {}, {shape.stride, shape.stride}, {shape.padding, shape.padding});
        }
        if (context->needs_input_grad(1)) {
            grad_weight = convolution_gradients(input, grad, weight, shape, {false, true, false})[1];
        }
        if (context->needs_input_grad(2)) grad_bias = grad.sum({0, 2, 3});
        return {grad_input, grad_weight, grad_bias, Variable()};
    }
};

}  // namespace

int vct_conv_transpose2d(at::Tensor* input, at::Tensor* weight, at::Tensor* bias, int64_t stride, int64_t padding,
                         int64_t output_padding, at::Tensor** result) {
    return vaecluster::guard([&] {
        const auto& x = *input;
        const auto& w = *weight;
        TORCH_CHECK(x.dim() == 4 && w.dim() == 4 && x.size(1) == w.size(0), "conv_transpose2d: an input of shape ", x.sizes(),
                    " does not go with a weight of shape ", w.sizes());
        TORCH_CHECK(output_padding < stride, "conv_transpose2d: output_padding ", output_padding, " must be below stride ", stride);
        *result = new at::Tensor(
            ConvTranspose::apply(x, w, bias ? *bias : at::Tensor(), Shape{stride, padding, output_padding}));
    });
}
