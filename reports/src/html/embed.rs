//! What makes data safe to stand inside of a page: JSON in a script element, a file in a link, and
//! the content security policy that lets nothing else run.

use std::fmt::Write;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// JSON that no HTML parser takes for markup: `</script` and `<!--` can't occur in it, nor can what
/// old scripts took for the end of a line, or what turns the direction of a reader's text.
pub(super) fn script_json(value: &Value) -> Result<String, serde_json::Error> {
    let mut text = String::new();
    for c in serde_json::to_string(value)?.chars() {
        match c {
            '<' | '>' | '&' | '\u{7F}'..='\u{9F}' | '\u{2000}'..='\u{206F}' | '\u{FEFF}' => {
                let _ = write!(text, "\\u{:04x}", u32::from(c));
            }
            c => text.push(c),
        }
    }
    Ok(text)
}

/// A text file as a link's address. Everything but letters, digits and a few signs that mean
/// nothing in an address or an attribute is percent-encoded.
pub(super) fn link(kind: &str, text: &str) -> String {
    let mut address = format!("data:{kind};charset=utf-8,");
    for byte in text.bytes() {
        match byte {
            kept if kept.is_ascii_alphanumeric() || b"-_.,/+:=".contains(&kept) => {
                address.push(char::from(kept));
            }
            _ => {
                let _ = write!(address, "%{byte:02X}");
            }
        }
    }
    address
}

/// The page's policy: its own style sheet and scripts by their hashes, and no request at all.
pub(super) fn policy(style: &str, scripts: &[&str]) -> String {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    let scripts: Vec<String> = scripts.iter().map(|script| hash(script)).collect();
    format!(
        "default-src 'none'; script-src {}; style-src {}; img-src data:; base-uri 'none'; form-action 'none'",
        scripts.join(" "),
        hash(style)
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn json_stays_json_and_is_no_markup() {
        let value = json!({"</script><!--": "\u{2028}]]>&amp;\u{202E}\"\\"});
        let text = script_json(&value).unwrap();
        assert!(!text.contains(['<', '>', '&', '\u{2028}', '\u{202E}']), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn links_hold_any_text() {
        let address = link("text/csv", "a,\"b\"\n#%é<'&");
        assert_eq!(address, "data:text/csv;charset=utf-8,a,%22b%22%0A%23%25%C3%A9%3C%27%26");
    }

    #[test]
    fn the_policy_names_what_it_allows() {
        let policy = policy("", &["alert(1)"]);
        // As `printf 'alert(1)' | openssl dgst -sha256 -binary | base64` says.
        let script = "'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='";
        let style = "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='";
        assert!(policy.contains(script) && policy.contains(style), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
    }
}
