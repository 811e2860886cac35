// Weights that do not change for a while, as in the slots of a step: each is brought into a layer's order once.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "guard.h"

// On this thread, until the matching release, what is derived from a weight stays in memory. Pairs may nest.
VAECLUSTER_EXPORT int vct_weights_hold();
VAECLUSTER_EXPORT int vct_weights_release();

namespace vaecluster {

using Derivation = at::Tensor (*)(const at::Tensor& weight);

// derive(weight); the same result again while weights are held.
at::Tensor derived(const at::Tensor& weight, Derivation derive);

}  // namespace vaecluster
