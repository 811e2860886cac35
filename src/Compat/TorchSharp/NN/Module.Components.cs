using TorchSharp.Modules;

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class nn
        {
            // Registration and enumeration. What is registered belongs to the module and leaves its dispose scope.
            public partial class Module
            {
                public virtual void register_parameter(string name, Parameter? param)
                {
                    if (param is null) return;
                    CheckNew(name);
                    param.DetachFromDisposeScope();
                    _parametersByName.Add(name, param);
                }

                public virtual void register_buffer(string name, Tensor? tensor, bool persistent = true)
                {
                    if (tensor is null) return;
                    CheckNew(name);
                    tensor.DetachFromDisposeScope();
                    _buffersByName.Add(name, (tensor, persistent));
                }

                public virtual void register_module(string name, Module? submodule)
                {
                    if (submodule is null) return;
                    CheckNew(name);
                    submodule.RegisterComponents();
                    _modulesByName.Add(name, submodule);
                }

                public void add_module(string name, Module module) => register_module(name, module);

                public virtual bool has_parameter(string target) => named_parameters().Any(item => item.name == target);

                public virtual bool has_buffer(string target) => named_buffers().Any(item => item.name == target);

                public virtual Parameter? get_parameter(string target) =>
                    named_parameters().FirstOrDefault(item => item.name == target).parameter;

                public virtual Tensor? get_buffer(string target) =>
                    named_buffers().FirstOrDefault(item => item.name == target).buffer;

                /// <summary>This module's own, then those of its submodules, depth first.</summary>
                public virtual IEnumerable<(string name, Parameter parameter)> named_parameters(bool recurse = true)
                {
                    foreach (var (key, parameter) in _parametersByName) yield return (key, parameter);
                    if (!recurse) yield break;
                    foreach (var (child, module) in _modulesByName)
                    {
                        foreach (var (key, parameter) in module.named_parameters()) yield return ($"{child}.{key}", parameter);
                    }
                }

                public virtual IEnumerable<(string name, Tensor buffer)> named_buffers(
                    bool recurse = true, bool include_nonpersistent = true)
                {
                    foreach (var (key, (buffer, persistent)) in _buffersByName)
                    {
                        if (persistent || include_nonpersistent) yield return (key, buffer);
                    }
                    if (!recurse) yield break;
                    foreach (var (child, module) in _modulesByName)
                    {
                        foreach (var (key, buffer) in module.named_buffers(true, include_nonpersistent))
                            yield return ($"{child}.{key}", buffer);
                    }
                }

                public virtual IEnumerable<(string name, Module module)> named_children() =>
                    _modulesByName.Select(item => (item.Key, item.Value));

                /// <summary>All modules below this one.</summary>
                public virtual IEnumerable<(string name, Module module)> named_modules()
                {
                    foreach (var (child, module) in _modulesByName)
                    {
                        yield return (child, module);
                        foreach (var (key, below) in module.named_modules()) yield return ($"{child}.{key}", below);
                    }
                }

                public virtual IEnumerable<Parameter> parameters(bool recurse = true) =>
                    named_parameters(recurse).Select(item => item.parameter);

                public virtual IEnumerable<Tensor> buffers(bool recurse = true, bool include_nonpersistent = true) =>
                    named_buffers(recurse, include_nonpersistent).Select(item => item.buffer);

                public virtual IEnumerable<Module> children() => _modulesByName.Values;

                public virtual IEnumerable<Module> modules() => named_modules().Select(item => item.module);

                // Puts a parameter in the place of the one of this name, which is disposed of; null takes it out.
                private protected void Replace(string key, Parameter? parameter)
                {
                    if (_parametersByName.TryGetValue(key, out var old) && !ReferenceEquals(old, parameter))
                    {
                        old.Dispose();
                        if (parameter is null) _parametersByName.Remove(key);
                        else _parametersByName[key] = parameter;
                    }
                    else
                    {
                        register_parameter(key, parameter);
                    }
                    parameter?.DetachFromDisposeScope();
                }

                private protected void Replace(string key, Tensor buffer)
                {
                    if (_buffersByName.TryGetValue(key, out var old) && !ReferenceEquals(old.Tensor, buffer)) old.Tensor.Dispose();
                    _buffersByName[key] = (buffer.DetachFromDisposeScope(), true);
                }

                private protected Parameter? Registered(string key) => _parametersByName.GetValueOrDefault(key);

                private protected Tensor? RegisteredBuffer(string key) => _buffersByName.GetValueOrDefault(key).Tensor;

                private protected void Unregister() => _modulesByName.Clear();

                private void CheckNew(string key)
                {
                    if (string.IsNullOrEmpty(key)) throw new ArgumentException("The name of a component cannot be empty.");
                    if (key.Contains('.', StringComparison.Ordinal))
                        throw new ArgumentException($"The name of a component cannot contain a dot: {key}");
                    if (_parametersByName.ContainsKey(key) || _buffersByName.ContainsKey(key) || _modulesByName.ContainsKey(key))
                        throw new InvalidOperationException($"{key} is already registered in {GetName()}.");
                }
            }
        }
    }
}

namespace TorchSharp.Utils
{
    /// <summary>The name under which a field is registered, where it is not the field's own.</summary>
    [AttributeUsage(AttributeTargets.Field)]
    public class ComponentNameAttribute : Attribute
    {
        public string Name { get; set; } = "";
    }
}
