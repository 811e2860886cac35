// What the whole library offers: its last error, the objects that it keeps alive, and what it runs on.
#pragma once

#include <cstdint>

#include "guard.h"

namespace vaecluster {
void count_object(int64_t change);  // +1 when an object is handed out, -1 when it is deleted
}

VAECLUSTER_EXPORT const char* vct_last_error();
// Refuse operators whose result depends on anything but their input (per process); CUDA convolutions included.
VAECLUSTER_EXPORT int vct_deterministic(int32_t enabled);
VAECLUSTER_EXPORT int vct_live_objects(int64_t* count);
// "libtorch 1.13.0, CPU kernels AVX2, ...": goes into the worker's fingerprint. Valid until the thread's next call.
VAECLUSTER_EXPORT int vct_description(const char** text);
