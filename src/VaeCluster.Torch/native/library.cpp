#include "library.h"

#include <ATen/Context.h>
#include <ATen/Version.h>
#include <torch/version.h>

#include <atomic>
#include <string>

namespace vaecluster {
namespace {
std::atomic<int64_t> live_objects{0};
}
void count_object(int64_t change) { live_objects += change; }
}  // namespace vaecluster

const char* vct_last_error() { return vaecluster::last_error().c_str(); }

int vct_deterministic(int32_t enabled) {
    return vaecluster::guard([&] {
        auto& context = at::globalContext();
        context.setDeterministicAlgorithms(enabled != 0, /*warn_only=*/false);
        context.setDeterministicCuDNN(enabled != 0);
        context.setBenchmarkCuDNN(false);
    });
}

int vct_live_objects(int64_t* count) {
    return vaecluster::guard([&] { *count = vaecluster::live_objects.load(); });
}

int vct_description(const char** text) {
    return vaecluster::guard([&] {
        thread_local std::string description;
        description = "libtorch " TORCH_VERSION;
        // The kernel set that ATen picked for this CPU (DEFAULT, AVX2, AVX512); ATEN_CPU_CAPABILITY overrides it.
        const std::string config = at::show_config();
        const std::string key = "CPU capability usage: ";
        if (const auto at = config.find(key); at != std::string::npos) {
            const auto end = config.find('\n', at);
            description += ", CPU kernels " + config.substr(at + key.size(), end - at - key.size());
        }
        *text = description.c_str();
    });
}
