// The state of libtorch around the tensors: generators, gradient mode, threads, CUDA, version.
#include "torchsharp.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <c10/core/GradMode.h>
#include <torch/cuda.h>
#include <torch/version.h>

#include <mutex>

namespace {

at::Generator default_generator(int32_t device_type, int32_t device_index) {
    return at::globalContext().defaultGenerator(
        c10::Device(static_cast<c10::DeviceType>(device_type), static_cast<c10::DeviceIndex>(device_index)));
}

}  // namespace

VAECLUSTER_EXPORT const char* vts_last_error() {
    return vaecluster::last_error().c_str();
}

VAECLUSTER_EXPORT int vts_live_objects(int64_t* result) {
    *result = live_objects.load(std::memory_order_relaxed);
    return 0;
}

VAECLUSTER_EXPORT int vts_version(const char** result) {
    *result = TORCH_VERSION;
    return 0;
}

VAECLUSTER_EXPORT int vts_generator_default(int32_t device_type, int32_t device_index, at::Generator** result) {
    return guarded([&] { *result = share(default_generator(device_type, device_index)); });
}

// A copy of the device's default generator: the one way that works for every kind of device without its headers.
VAECLUSTER_EXPORT int vts_generator_new(uint64_t seed, int32_t device_type, int32_t device_index,
                                        at::Generator** result) {
    return guarded([&] {
        at::Generator original = default_generator(device_type, device_index);
        std::unique_lock<std::mutex> lock(original.mutex());
        at::Generator copy = original.clone();
        lock.unlock();
        copy.set_current_seed(seed);
        *result = share(std::move(copy));
    });
}

VAECLUSTER_EXPORT void vts_generator_delete(at::Generator* generator) {
    release(generator);
}

VAECLUSTER_EXPORT int vts_generator_set_seed(at::Generator* generator, uint64_t seed) {
    return guarded([&] {
        std::lock_guard<std::mutex> lock(generator->mutex());
        generator->set_current_seed(seed);
    });
}

VAECLUSTER_EXPORT int vts_generator_current_seed(at::Generator* generator, uint64_t* result) {
    return guarded([&] {
        std::lock_guard<std::mutex> lock(generator->mutex());
        *result = generator->current_seed();
    });
}

// Seeds from the system's entropy and says with what.
VAECLUSTER_EXPORT int vts_generator_random_seed(at::Generator* generator, uint64_t* result) {
    return guarded([&] {
        std::lock_guard<std::mutex> lock(generator->mutex());
        *result = generator->seed();
    });
}

VAECLUSTER_EXPORT int vts_generator_state(at::Generator* generator, at::Tensor** result) {
    return guarded([&] {
        std::lock_guard<std::mutex> lock(generator->mutex());
        *result = share(generator->get_state());
    });
}

VAECLUSTER_EXPORT int vts_generator_set_state(at::Generator* generator, const at::Tensor* state) {
    return guarded([&] {
        std::lock_guard<std::mutex> lock(generator->mutex());
        generator->set_state(*state);
    });
}

// Every default generator: the CPU's, and those of CUDA where there is one.
VAECLUSTER_EXPORT int vts_manual_seed(uint64_t seed) {
    return guarded([&] { at::manual_seed(seed); });
}

VAECLUSTER_EXPORT int vts_grad_mode(int32_t* result) {
    *result = c10::GradMode::is_enabled();
    return 0;
}

VAECLUSTER_EXPORT int vts_set_grad_mode(int32_t enabled) {
    c10::GradMode::set_enabled(enabled != 0);
    return 0;
}

VAECLUSTER_EXPORT int vts_threads(int32_t* result) {
    return guarded([&] { *result = at::get_num_threads(); });
}

VAECLUSTER_EXPORT int vts_set_threads(int32_t count) {
    return guarded([&] { at::set_num_threads(count); });
}

VAECLUSTER_EXPORT int vts_interop_threads(int32_t* result) {
    return guarded([&] { *result = static_cast<int32_t>(at::get_num_interop_threads()); });
}

VAECLUSTER_EXPORT int vts_set_interop_threads(int32_t count) {
    return guarded([&] { at::set_num_interop_threads(count); });
}

VAECLUSTER_EXPORT int vts_cuda_device_count(int32_t* result) {
    return guarded([&] { *result = torch::cuda::is_available() ? static_cast<int32_t>(torch::cuda::device_count()) : 0; });
}

VAECLUSTER_EXPORT int vts_cuda_synchronize(int64_t device_index) {
    return guarded([&] { torch::cuda::synchronize(device_index); });
}
