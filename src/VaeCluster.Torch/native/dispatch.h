// One body compiled for several instruction sets; the best that this CPU has is picked once. Compiled without contraction,
// and with each fused multiply-add written out, a body gives the same bits in all of them.
#pragma once

#define BODY static inline __attribute__((always_inline))

#define DISPATCH(result, name, parameters, arguments)                                                      \
    __attribute__((target("avx512f,avx512vl,avx512dq,fma"))) result name##_avx512 parameters { return name arguments; } \
    __attribute__((target("avx2,fma"))) result name##_avx2 parameters { return name arguments; }           \
    result name##_any parameters { return name arguments; }                                                \
    const auto name##_best = __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") ? name##_avx512 \
                             : __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")        ? name##_avx2   \
                                                                                                      : name##_any;
