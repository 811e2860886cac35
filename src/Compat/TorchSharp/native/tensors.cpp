// What an at::Tensor is rather than what is computed with it: description, memory, gradient, lifetime.
#include "torchsharp.h"

#include <ATen/core/Tensor.h>
#include <torch/csrc/autograd/autograd.h>

namespace {

// The same struct stands in Native/Tensors.cs.
struct Description {
    int32_t dtype;
    int32_t device_type;
    int32_t device_index;
    int32_t dimensions;
    int64_t elements;
    int64_t element_size;
    int64_t storage_offset;
    int32_t contiguous;
    int32_t requires_grad;
    int32_t leaf;
    int32_t padding;
};

std::vector<at::Tensor> tensors_at(const at::Tensor* const* items, int32_t count) {
    std::vector<at::Tensor> tensors;
    for (int32_t i = 0; i < count; i++) {
        tensors.push_back(*items[i]);
    }
    return tensors;
}

}  // namespace

VAECLUSTER_EXPORT int vts_tensor_describe(const at::Tensor* tensor, Description* result) {
    return guarded([&] {
        auto device = tensor->device();
        *result = Description{
            static_cast<int32_t>(tensor->scalar_type()), static_cast<int32_t>(device.type()), device.index(),
            static_cast<int32_t>(tensor->dim()), tensor->numel(), static_cast<int64_t>(tensor->element_size()),
            tensor->storage_offset(), tensor->is_contiguous(), tensor->requires_grad(), tensor->is_leaf(), 0};
    });
}

// Writes sizes, then strides; result has room for twice the number of dimensions.
VAECLUSTER_EXPORT int vts_tensor_shape(const at::Tensor* tensor, int64_t* result) {
    return guarded([&] {
        auto sizes = tensor->sizes();
        auto strides = tensor->strides();
        std::copy(sizes.begin(), sizes.end(), result);
        std::copy(strides.begin(), strides.end(), result + sizes.size());
    });
}

VAECLUSTER_EXPORT int vts_tensor_data(const at::Tensor* tensor, void** result) {
    return guarded([&] { *result = tensor->data_ptr(); });
}

VAECLUSTER_EXPORT int vts_tensor_share(const at::Tensor* tensor, at::Tensor** result) {
    return guarded([&] { *result = share(*tensor); });
}

VAECLUSTER_EXPORT void vts_tensor_delete(at::Tensor* tensor) {
    release(tensor);
}

VAECLUSTER_EXPORT int vts_tensor_set_requires_grad(at::Tensor* tensor, int32_t value) {
    return guarded([&] { tensor->set_requires_grad(value != 0); });
}

VAECLUSTER_EXPORT int vts_tensor_retain_grad(at::Tensor* tensor) {
    return guarded([&] { tensor->retain_grad(); });
}

// Null when there is no gradient.
VAECLUSTER_EXPORT int vts_tensor_grad(const at::Tensor* tensor, at::Tensor** result) {
    return guarded([&] { *result = tensor->grad().defined() ? share(tensor->grad()) : nullptr; });
}

VAECLUSTER_EXPORT int vts_tensor_set_grad(at::Tensor* tensor, const at::Tensor* grad) {
    return guarded([&] { tensor->mutable_grad() = grad == nullptr ? at::Tensor() : *grad; });
}

VAECLUSTER_EXPORT int vts_backward(const at::Tensor* tensor, const at::Tensor* const* grads, int32_t grad_count,
                                   const at::Tensor* const* inputs, int32_t input_count, int32_t retain_graph,
                                   int32_t create_graph) {
    return guarded([&] {
        torch::autograd::backward({*tensor}, tensors_at(grads, grad_count), retain_graph != 0 || create_graph != 0,
                                  create_graph != 0, tensors_at(inputs, input_count));
    });
}
