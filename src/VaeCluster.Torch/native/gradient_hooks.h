// Tells when the gradients of a bucket are complete, while backward still computes the others: a post hook on each
// parameter's AccumulateGrad node, as DistributedDataParallel's reducer has it.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "guard.h"

struct vct_gradient_hooks;

// Called on the thread that runs backward (the caller's for CPU, the engine's for CUDA) with the bucket's index.
typedef void (*vct_bucket_ready)(void* context, int32_t bucket);

// bucket_of_parameter[i] in [0, bucket_count) is the bucket that parameters[i] lies in.
VAECLUSTER_EXPORT int vct_gradient_hooks_new(at::Tensor** parameters, const int32_t* bucket_of_parameter, int32_t count,
                                             int32_t bucket_count, vct_bucket_ready callback, void* context,
                                             vct_gradient_hooks** result);
// The next backward reports its buckets (armed = 1) or does not (0: a slot or micro-batch before the last).
VAECLUSTER_EXPORT int vct_gradient_hooks_arm(vct_gradient_hooks* hooks, int32_t armed);
VAECLUSTER_EXPORT int vct_gradient_hooks_delete(vct_gradient_hooks* hooks);
