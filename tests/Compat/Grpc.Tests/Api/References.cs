using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace Grpc.Tests.Api;

/// <summary>A type that an assembly takes from another, or a member of it with its signature.</summary>
internal sealed record Reference(string Type, string? Member, string? Signature);

/// <summary>Reads from an assembly's metadata what it takes from others.</summary>
internal static class References
{
    public static IReadOnlyList<Reference> Of(string path, IReadOnlySet<string> fromAssemblies)
    {
        using var file = new PEReader(File.OpenRead(path));
        var reader = file.GetMetadataReader();
        var names = new SignatureNames();
        var found = new List<Reference>();
        foreach (var handle in reader.TypeReferences)
        {
            if (fromAssemblies.Contains(AssemblyOf(reader, handle))) found.Add(new Reference(names.GetTypeFromReference(reader, handle, 0), null, null));
        }
        foreach (var handle in reader.MemberReferences)
        {
            var member = reader.GetMemberReference(handle);
            if (DeclaringType(reader, member.Parent) is not { } type || !fromAssemblies.Contains(AssemblyOf(reader, type))) continue;
            var signature = member.GetKind() == MemberReferenceKind.Method
                ? SignatureNames.Text(member.DecodeMethodSignature(names, null))
                : member.DecodeFieldSignature(names, null);
            found.Add(new Reference(names.GetTypeFromReference(reader, type, 0), reader.GetString(member.Name), signature));
        }
        return found;
    }

    /// <summary>The type itself, also where the member's parent is an instance of a generic type.</summary>
    private static TypeReferenceHandle? DeclaringType(MetadataReader reader, EntityHandle parent)
    {
        if (parent.Kind == HandleKind.TypeReference) return (TypeReferenceHandle)parent;
        if (parent.Kind != HandleKind.TypeSpecification) return null;
        var blob = reader.GetBlobReader(reader.GetTypeSpecification((TypeSpecificationHandle)parent).Signature);
        if (blob.ReadSignatureTypeCode() != SignatureTypeCode.GenericTypeInstance) return null;
        blob.ReadByte();
        var generic = blob.ReadTypeHandle();
        return generic.Kind == HandleKind.TypeReference ? (TypeReferenceHandle)generic : null;
    }

    private static string AssemblyOf(MetadataReader reader, TypeReferenceHandle handle)
    {
        var scope = reader.GetTypeReference(handle).ResolutionScope;
        return scope.Kind switch
        {
            HandleKind.TypeReference => AssemblyOf(reader, (TypeReferenceHandle)scope),
            HandleKind.AssemblyReference => reader.GetString(reader.GetAssemblyReference((AssemblyReferenceHandle)scope).Name),
            _ => "",
        };
    }
}
