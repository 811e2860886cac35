#include "autocast.h"

#include <ATen/autocast_mode.h>
#include <torch/version.h>

int vct_autocast_bf16(int32_t cuda, int32_t enabled, int32_t* was_enabled) {
    return vaecluster::guard([&] {
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
        const auto device = cuda ? at::kCUDA : at::kCPU;
        *was_enabled = at::autocast::is_autocast_enabled(device);
        at::autocast::set_autocast_dtype(device, at::kBFloat16);
        at::autocast::set_autocast_enabled(device, enabled != 0);
#else
        if (cuda) {
            *was_enabled = at::autocast::is_enabled();
            at::autocast::set_autocast_gpu_dtype(at::kBFloat16);
            at::autocast::set_enabled(enabled != 0);
        } else {
            *was_enabled = at::autocast::is_cpu_enabled();
            at::autocast::set_autocast_cpu_dtype(at::kBFloat16);
            at::autocast::set_cpu_enabled(enabled != 0);
        }
#endif
        // Casts of weights are cached while it is on; weights change between steps.
        if (!enabled) at::autocast::clear_cache();
    });
}
