#include "external_memory.h"

#include <ATen/ATen.h>

int vct_place(at::Tensor* tensor, float* address, int64_t n) {
    return vaecluster::guard([&] {
        TORCH_CHECK(tensor->device().is_cpu() && tensor->scalar_type() == at::kFloat, "only an fp32 tensor on the CPU can be placed");
        const at::Tensor there = at::from_blob(address, {n}, at::kFloat);
        tensor->set_(there.storage(), 0, {n}, {1});
    });
}
