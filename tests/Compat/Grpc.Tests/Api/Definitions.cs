using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace Grpc.Tests.Api;

/// <summary>What assemblies define for others, read from their metadata.</summary>
internal sealed class Definitions : IDisposable
{
    private readonly List<PEReader> files = [];
    private readonly HashSet<Reference> shown = [];

    public Definitions(IEnumerable<string> paths)
    {
        foreach (var path in paths)
        {
            var file = new PEReader(File.OpenRead(path));
            files.Add(file);
            Read(file.GetMetadataReader());
        }
    }

    public IReadOnlySet<string> AssemblyNames =>
        files.Select(file => file.GetMetadataReader()).Select(reader => reader.GetString(reader.GetAssemblyDefinition().Name)).ToHashSet();

    public bool Have(Reference reference) => shown.Contains(reference);

    public void Dispose() => files.ForEach(file => file.Dispose());

    private void Read(MetadataReader reader)
    {
        var names = new SignatureNames();
        foreach (var handle in reader.TypeDefinitions)
        {
            var type = reader.GetTypeDefinition(handle);
            var name = names.GetTypeFromDefinition(reader, handle, 0);
            if (!IsShown(reader, handle)) continue;
            shown.Add(new Reference(name, null, null));
            foreach (var method in type.GetMethods().Select(reader.GetMethodDefinition))
            {
                if (!IsShown(method.Attributes & MethodAttributes.MemberAccessMask)) continue;
                shown.Add(new Reference(name, reader.GetString(method.Name), SignatureNames.Text(method.DecodeSignature(names, null))));
            }
            foreach (var field in type.GetFields().Select(reader.GetFieldDefinition))
            {
                if (!IsShown((MethodAttributes)(field.Attributes & FieldAttributes.FieldAccessMask))) continue;
                shown.Add(new Reference(name, reader.GetString(field.Name), field.DecodeSignature(names, null)));
            }
        }
    }

    private static bool IsShown(MetadataReader reader, TypeDefinitionHandle handle)
    {
        var type = reader.GetTypeDefinition(handle);
        return (type.Attributes & TypeAttributes.VisibilityMask) switch
        {
            TypeAttributes.Public => true,
            TypeAttributes.NestedPublic or TypeAttributes.NestedFamily or TypeAttributes.NestedFamORAssem => IsShown(reader, type.GetDeclaringType()),
            _ => false,
        };
    }

    // Fields and methods have the same values for their access.
    private static bool IsShown(MethodAttributes access) =>
        access is MethodAttributes.Public or MethodAttributes.Family or MethodAttributes.FamORAssem;
}
