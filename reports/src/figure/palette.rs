//! The colour and dash of a model: the same in every figure of every report.
//!
//! A family has a colour (Okabe and Ito's set, which the colour-blind can tell apart), a variant
//! has a dash. Families and variants that are not known get theirs from their name.

/// CSS classes of a model's lines: `c0`…`c7` for the colour, `d0`…`d3` for the dash.
pub(crate) fn classes(model: &str) -> String {
    let (family, variant) = model.split_once('/').unwrap_or((model, ""));
    let variant = variant.split(['+', '#']).next().unwrap_or_default();
    let colour = match family {
        "blocking" => 0,
        "threads" => 1,
        "rayon" => 2,
        "tokio" => 3,
        "smol" => 4,
        "async-std" => 5,
        "compio" | "monoio" | "may" => 6,
        "python" => 7,
        other => 1 + hash(other) % 7,
    };
    let dash = match variant {
        "sequential" | "per-task" | "multi-thread" | "multi" | "default" => 0,
        "current-thread" | "single" => 1,
        "block-on" => 2,
        other if other.starts_with("pool") => u64::from(family == "threads"),
        other => hash(other) % 4,
    };
    format!("c{colour} d{dash}")
}

/// FNV-1a: stable for ever, which the standard library's hashes are not.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_keeps_its_looks() {
        assert_eq!(classes("tokio/multi-thread"), "c3 d0");
        assert_eq!(classes("tokio/current-thread"), "c3 d1");
        assert_eq!(classes("threads/pool-64"), "c1 d1");
        assert_eq!(classes("\"><script>"), classes("\"><script>"));
        assert!(classes("own/thing").starts_with('c'));
    }
}
