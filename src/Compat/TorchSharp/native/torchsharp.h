// What the three parts of this library share: the guard that turns libtorch's exceptions into a status, and the count
// of the objects that C# holds.
#pragma once

#include "guard.h"

#include <c10/util/Exception.h>

#include <atomic>
#include <cstdint>
#include <stdexcept>

// hidden visibility: one counter and one message for this library alone.
inline std::atomic<int64_t> live_objects{0};

// As vaecluster::guard; c10's errors without the C++ backtrace, which tells a caller in C# nothing.
template <typename Body>
int guarded(Body&& body) noexcept {
    return vaecluster::guard([&] {
        try {
            body();
        } catch (const c10::Error& error) {
            throw std::runtime_error(error.what_without_backtrace());
        }
    });
}

// A handle to what C# owns from now on; deleted by the delete function of its type.
template <typename T>
T* share(T value) {
    T* handle = new T(std::move(value));
    live_objects.fetch_add(1, std::memory_order_relaxed);
    return handle;
}

template <typename T>
void release(T* handle) {
    delete handle;
    live_objects.fetch_sub(1, std::memory_order_relaxed);
}
