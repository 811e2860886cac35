// Every operator of ATen through its schema: found by name, called with values on a stack ("boxed"). So one function
// serves them all, autograd and autocast apply as in PyTorch, and arguments that a newer libtorch has added take the
// defaults of its schema.
#include "torchsharp.h"

#include <ATen/core/Tensor.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>

#include <string>
#include <vector>

namespace {

enum Tag : int32_t {
    missing, none, tensor, integer, real, boolean, integers, reals, tensors, generator, device, text
};

// The same struct stands in Native/Operators.cs.
struct Value {
    int32_t tag;
    int32_t count;  // length of a list or a text, index of a device
    union {
        int64_t integer;  // also a dtype, a boolean, the type of a device
        double real;
        const void* pointer;  // at::Tensor, at::Generator, an array, UTF-8
    };
};

// What the schema wants where C# has fewer kinds of values than it.
enum class Wanted { as_given, real, integers, booleans, optional_tensors };

struct Operator {
    c10::OperatorHandle handle;
    std::vector<Wanted> wanted;
};

Wanted wanted_for(c10::TypePtr type) {
    if (type->kind() == c10::TypeKind::OptionalType) {
        type = type->containedType(0);
    }
    if (type->kind() == c10::TypeKind::FloatType) {
        return Wanted::real;
    }
    if (type->kind() != c10::TypeKind::ListType) {
        return Wanted::as_given;
    }
    switch (type->containedType(0)->kind()) {
        case c10::TypeKind::BoolType: return Wanted::booleans;
        case c10::TypeKind::OptionalType: return Wanted::optional_tensors;
        case c10::TypeKind::IntType: return Wanted::integers;
        default: return Wanted::as_given;
    }
}

template <typename T>
c10::IValue list_of(const T* items, int32_t count) {
    c10::List<T> list;
    list.reserve(count);
    for (int32_t i = 0; i < count; i++) {
        list.push_back(items[i]);
    }
    return list;
}

c10::IValue tensor_list(const Value& value, bool optional) {
    auto* items = static_cast<const at::Tensor* const*>(value.pointer);
    if (optional) {
        // Untyped, because std::optional and c10::optional are one type in some versions and two in others.
        c10::impl::GenericList list(c10::OptionalType::create(c10::TensorType::get()));
        for (int32_t i = 0; i < value.count; i++) {
            list.push_back(items[i] == nullptr ? c10::IValue() : c10::IValue(*items[i]));
        }
        return list;
    }
    c10::List<at::Tensor> list;
    list.reserve(value.count);
    for (int32_t i = 0; i < value.count; i++) {
        list.push_back(*items[i]);
    }
    return list;
}

c10::IValue to_ivalue(const Value& value, Wanted wanted) {
    switch (value.tag) {
        case none: return {};
        case tensor: return *static_cast<const at::Tensor*>(value.pointer);
        case integer:
            if (wanted == Wanted::real) {
                return static_cast<double>(value.integer);
            }
            return wanted == Wanted::integers ? list_of<int64_t>(&value.integer, 1) : c10::IValue(value.integer);
        case real: return value.real;
        case boolean: return value.integer != 0;
        case integers: {
            auto* items = static_cast<const int64_t*>(value.pointer);
            if (wanted == Wanted::booleans) {
                c10::List<bool> list;
                for (int32_t i = 0; i < value.count; i++) {
                    list.push_back(items[i] != 0);
                }
                return list;
            }
            return list_of<int64_t>(items, value.count);
        }
        case reals: return list_of<double>(static_cast<const double*>(value.pointer), value.count);
        case tensors: return tensor_list(value, wanted == Wanted::optional_tensors);
        case generator: return *static_cast<const at::Generator*>(value.pointer);
        case device:
            return c10::Device(static_cast<c10::DeviceType>(value.integer), static_cast<c10::DeviceIndex>(value.count));
        case text: return std::string(static_cast<const char*>(value.pointer), value.count);
        default: throw std::runtime_error("an argument of an unknown kind");
    }
}

Value share_tensor(const at::Tensor& result) {
    Value value{none, 0, {0}};
    if (result.defined()) {
        value.tag = tensor;
        value.pointer = share(result);
    }
    return value;
}

Value to_value(const c10::IValue& result) {
    Value value{none, 0, {0}};
    if (result.isTensor()) {
        return share_tensor(result.toTensor());
    }
    if (result.isTensorList()) {
        // Read by the caller before the next call on this thread.
        thread_local std::vector<at::Tensor*> handles;
        handles.clear();
        for (const at::Tensor& item : result.toTensorVector()) {
            handles.push_back(share(item));
        }
        value.tag = tensors;
        value.count = static_cast<int32_t>(handles.size());
        value.pointer = handles.data();
    } else if (result.isInt()) {
        value.tag = integer;
        value.integer = result.toInt();
    } else if (result.isDouble()) {
        value.tag = real;
        value.real = result.toDouble();
    } else if (result.isBool()) {
        value.tag = boolean;
        value.integer = result.toBool();
    } else if (!result.isNone()) {
        throw std::runtime_error("a result of the kind " + result.tagKind() + " is not supported");
    }
    return value;
}

}  // namespace

// Operators live as long as the process. Fails when this libtorch does not have the operator.
VAECLUSTER_EXPORT int vts_operator(const char* name, const char* overload, Operator** result) {
    return guarded([&] {
        auto handle = c10::Dispatcher::singleton().findSchemaOrThrow(name, overload);
        std::vector<Wanted> wanted;
        for (const auto& argument : handle.schema().arguments()) {
            wanted.push_back(wanted_for(argument.type()));
        }
        *result = new Operator{handle, std::move(wanted)};
    });
}

VAECLUSTER_EXPORT int vts_has_operator(const char* name, const char* overload, int32_t* result) {
    return guarded([&] { *result = c10::Dispatcher::singleton().findSchema({name, overload}).has_value(); });
}

// Fills at most capacity results and drops the others; in-place operators are called with capacity 0.
VAECLUSTER_EXPORT int vts_call(const Operator* op, const Value* arguments, int32_t count, int32_t capacity,
                               Value* results) {
    return guarded([&] {
        const auto& declared = op->handle.schema().arguments();
        torch::jit::Stack stack;
        stack.reserve(declared.size());
        for (size_t i = 0; i < declared.size(); i++) {
            if (i < static_cast<size_t>(count) && arguments[i].tag != missing) {
                stack.push_back(to_ivalue(arguments[i], op->wanted[i]));
            } else if (const auto& preset = declared[i].default_value()) {
                stack.push_back(*preset);
            } else if (declared[i].type()->kind() == c10::TypeKind::OptionalType) {
                stack.emplace_back();
            } else {
                throw std::runtime_error(op->handle.schema().name() + ": no value for the argument " +
                                         declared[i].name());
            }
        }
        op->handle.callBoxed(&stack);
        for (size_t i = 0; i < stack.size() && i < static_cast<size_t>(capacity); i++) {
            results[i] = to_value(stack[i]);
        }
    });
}
