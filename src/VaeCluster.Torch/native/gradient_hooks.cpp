#include "gradient_hooks.h"

#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>

#include <atomic>
#include <memory>
#include <vector>

#include "library.h"

using torch::autograd::Node;
using torch::autograd::variable_list;

namespace {

// Shared by the hooks, which outlive the handle when a graph still holds their node.
struct State {
    vct_bucket_ready callback;
    void* context;
    std::atomic<bool> armed{false};
    std::vector<int32_t> parameters_in_bucket;
    std::unique_ptr<std::atomic<int32_t>[]> missing;  // per bucket, in the armed backward

    void ready(int32_t bucket) {
        if (!armed.load(std::memory_order_acquire)) return;
        if (missing[bucket].fetch_sub(1, std::memory_order_acq_rel) == 1) callback(context, bucket);
    }
};

struct Hook : torch::autograd::FunctionPostHook {
    Hook(std::shared_ptr<State> state, int32_t bucket) : state(std::move(state)), bucket(bucket) {}

    variable_list operator()(const variable_list& outputs, const variable_list&) override {
        state->ready(bucket);
        return outputs;
    }

    std::shared_ptr<State> state;
    int32_t bucket;
};

}  // namespace

struct vct_gradient_hooks {
    std::shared_ptr<State> state = std::make_shared<State>();
    // A leaf holds its accumulator weakly: without these references the hooks would be gone before they fire.
    std::vector<std::shared_ptr<Node>> accumulators;
    std::vector<uintptr_t> keys;
};

int vct_gradient_hooks_new(at::Tensor** parameters, const int32_t* bucket_of_parameter, int32_t count,
                           int32_t bucket_count, vct_bucket_ready callback, void* context, vct_gradient_hooks** result) {
    return vaecluster::guard([&] {
        auto hooks = std::make_unique<vct_gradient_hooks>();
        auto& state = *hooks->state;
        state.callback = callback;
        state.context = context;
        state.parameters_in_bucket.assign(bucket_count, 0);
        state.missing = std::make_unique<std::atomic<int32_t>[]>(bucket_count);
        for (int32_t i = 0; i < count; i++) {
            auto accumulator = torch::autograd::impl::grad_accumulator(*parameters[i]);
            TORCH_CHECK(accumulator != nullptr, "parameter ", i, " is not a leaf that requires a gradient");
            hooks->keys.push_back(accumulator->add_post_hook(std::make_unique<Hook>(hooks->state, bucket_of_parameter[i])));
            hooks->accumulators.push_back(std::move(accumulator));
            state.parameters_in_bucket.at(bucket_of_parameter[i])++;
        }
        vaecluster::count_object(1);
        *result = hooks.release();
    });
}

int vct_gradient_hooks_arm(vct_gradient_hooks* hooks, int32_t armed) {
    return vaecluster::guard([&] {
        auto& state = *hooks->state;
        state.armed.store(false, std::memory_order_release);
        for (size_t i = 0; i < state.parameters_in_bucket.size(); i++) state.missing[i] = state.parameters_in_bucket[i];
        state.armed.store(armed != 0, std::memory_order_release);
    });
}

int vct_gradient_hooks_delete(vct_gradient_hooks* hooks) {
    return vaecluster::guard([&] {
        hooks->state->armed = false;
        for (size_t i = 0; i < hooks->keys.size(); i++) hooks->accumulators[i]->del_post_hook(hooks->keys[i]);
        delete hooks;
        vaecluster::count_object(-1);
    });
}
