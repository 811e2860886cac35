// Mixed precision: inside, ATen runs convolutions and matrix products in bf16 and keeps weights and sums in fp32.
#pragma once

#include <cstdint>

#include "guard.h"

// cuda: 0 for the CPU, 1 for CUDA. Per thread. was_enabled gets the state to restore.
VAECLUSTER_EXPORT int vct_autocast_bf16(int32_t cuda, int32_t enabled, int32_t* was_enabled);
