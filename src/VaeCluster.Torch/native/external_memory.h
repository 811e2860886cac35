// Tensors in memory that libtorch did not allocate.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "guard.h"

// From now on the tensor, fp32 on the CPU, is the n floats at the address, which stay the caller's.
VAECLUSTER_EXPORT int vct_place(at::Tensor* tensor, float* address, int64_t n);
