//! Who runs this machine, where somebody does.
//!
//! Two witnesses: what the kernel says (the CPU's `hypervisor` flag, the names in DMI and in
//! `/sys/hypervisor`), which can be recorded, and the CPU itself, which names the hypervisor where
//! DMI is hidden or names the vendor of the cloud only.

use super::tree::Tree;

/// Text for the record: `KVM (Amazon EC2)`, `KVM`, `Amazon EC2`; `None` where nothing says that
/// there is a hypervisor. `by_cpu` is [`by_cpuid`]'s, and `None` for a recorded tree.
pub(super) fn hypervisor(tree: &Tree<'_>, by_cpu: Option<String>) -> Option<String> {
    let xen = tree.text("sys/hypervisor/type");
    if by_cpu.is_none() && !tree.has_flag("hypervisor") {
        // arm64 has no such flag: there only what names itself is known.
        return xen;
    }
    let vendor = tree
        .text("sys/class/dmi/id/sys_vendor")
        .or_else(|| tree.text("sys/class/dmi/id/product_name"));
    Some(match (by_cpu.or(xen), vendor) {
        (Some(name), Some(vendor)) => format!("{name} ({vendor})"),
        (Some(name), None) | (None, Some(name)) => name,
        (None, None) => "a hypervisor that does not say its name".into(),
    })
}

/// What the CPU says. Leaf 1, ECX bit 31 is reserved for hypervisors, which set it; leaf
/// `4000_0000h` is theirs, and names them in EBX, ECX, EDX (AMD64 Architecture Programmer's Manual,
/// vol. 3, appendix E.3.1).
#[cfg(target_arch = "x86_64")]
pub(super) fn by_cpuid() -> Option<String> {
    use std::arch::x86_64::__cpuid;
    if __cpuid(1).ecx >> 31 == 0 {
        return None;
    }
    let signature = |leaf| {
        let found = __cpuid(leaf);
        let bytes = [found.ebx, found.ecx, found.edx].map(u32::to_le_bytes);
        String::from_utf8_lossy(bytes.as_flattened()).into_owned()
    };
    let first = name(&signature(0x4000_0000));
    // Others pretend to be Hyper-V there, and say who they are at the next base.
    let second = (first == "Hyper-V").then(|| signature(0x4000_0100));
    let other = second.filter(|text| KNOWN.iter().any(|(known, _)| known == text));
    Some(other.map_or(first, |text| name(&text)))
}

/// There is no such instruction here.
#[cfg(not(target_arch = "x86_64"))]
pub(super) fn by_cpuid() -> Option<String> {
    None
}

/// Signatures, and what they stand for.
const KNOWN: [(&str, &str); 8] = [
    ("KVMKVMKVM\0\0\0", "KVM"),
    ("Microsoft Hv", "Hyper-V"),
    ("VMwareVMware", "VMware"),
    ("XenVMMXenVMM", "Xen"),
    ("TCGTCGTCGTCG", "QEMU"),
    ("VBoxVBoxVBox", "VirtualBox"),
    ("bhyve bhyve ", "bhyve"),
    ("ACRNACRNACRN", "ACRN"),
];

/// An unknown signature is its own name.
fn name(signature: &str) -> String {
    let known = KNOWN.iter().find(|(known, _)| *known == signature);
    let own = signature.trim_matches(|c: char| c == '\0' || c.is_whitespace());
    match known {
        Some((_, name)) => (*name).into(),
        None if own.is_empty() => "a hypervisor that does not say its name".into(),
        None => own.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_names() {
        for (signature, expected) in [
            ("KVMKVMKVM\0\0\0", "KVM"),
            (" lrpepyh  vr", "lrpepyh  vr"),
            ("\0\0\0\0\0\0\0\0\0\0\0\0", "a hypervisor that does not say its name"),
        ] {
            assert_eq!(name(signature), expected);
        }
    }

    /// The flag in `/proc/cpuinfo` is the bit that is read here.
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    #[test]
    fn the_cpu_and_the_kernel_agree() {
        let tree = Tree(std::path::Path::new("/"));
        assert_eq!(by_cpuid().is_some(), tree.has_flag("hypervisor"));
    }
}
