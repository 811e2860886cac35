// What every native library of the project has in common: each exported function returns a status and its result
// through its last parameter; whatever is thrown becomes a thread-local message that the caller fetches.
#pragma once

#include <exception>
#include <string>

#define VAECLUSTER_EXPORT extern "C" __attribute__((visibility("default")))

namespace vaecluster {

// The message of the last failure on this thread; one per native library, since each is built with hidden visibility.
inline std::string& last_error() {
    thread_local std::string message;
    return message;
}

// Runs body; 0, or 1 with last_error set. oneDNN, OpenCV and CUDA throw types of their own, hence the last clause.
template <typename Body>
int guard(Body&& body) noexcept {
    try {
        body();
        return 0;
    } catch (const std::exception& error) {
        last_error() = error.what();
    } catch (...) {
        last_error() = "an exception of an unknown type";
    }
    return 1;
}

}  // namespace vaecluster
