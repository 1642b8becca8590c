//! Rust sources as the paths that they name: comments and texts do not count, `use` groups are
//! written out, and what is compiled for tests alone can be left out.

use std::{
    fs,
    path::{Path, PathBuf},
    str::FromStr,
};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A source file: where it is, from the root of the repository, and what is in it.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

/// A path as it is written (`std::fs::read` as `["std", "fs", "read"]`), and its line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) segments: Vec<String>,
    /// Whether it is a method or a field: it follows a dot.
    pub(crate) member: bool,
    /// Whether it is the name of a macro that is called.
    pub(crate) called: bool,
    pub(crate) line: usize,
}

impl Source {
    /// For the checks of the checks.
    pub(crate) fn planted(path: &str, text: &str) -> Self {
        Self { path: path.into(), text: text.into() }
    }

    /// Every path in it.
    pub(crate) fn names(&self) -> Vec<Named> {
        self.walk(false)
    }

    /// Every path in it, but for items under `#[cfg(test)]`.
    pub(crate) fn names_outside_tests(&self) -> Vec<Named> {
        self.walk(true)
    }

    fn walk(&self, skip_tests: bool) -> Vec<Named> {
        let tokens = TokenStream::from_str(&self.text)
            .unwrap_or_else(|error| panic!("{} is not Rust: {error}", self.path));
        let mut walk = Walk { skip_tests, found: Vec::new() };
        walk.tokens(&tokens.into_iter().collect::<Vec<_>>(), &[]);
        walk.found
    }

    /// The text of its `//!` comments.
    pub(crate) fn module_docs(&self) -> String {
        let lines = self.text.lines().map_while(|line| line.strip_prefix("//!"));
        lines.collect::<Vec<_>>().join("\n")
    }
}

impl Named {
    /// Whether these segments stand in it, side by side.
    pub(crate) fn has(&self, part: &[&str]) -> bool {
        self.segments.windows(part.len()).any(|window| window == part)
    }

    /// The crate, module or item that it starts at.
    pub(crate) fn head(&self) -> &str {
        &self.segments[0]
    }
}

struct Walk {
    skip_tests: bool,
    found: Vec<Named>,
}

impl Walk {
    fn tokens(&mut self, tokens: &[TokenTree], prefix: &[String]) {
        let mut at = 0;
        while at < tokens.len() {
            if self.skip_tests && is_cfg_test(&tokens[at..]) {
                at = end_of_item(tokens, at);
                continue;
            }
            match &tokens[at] {
                TokenTree::Ident(_) => at = self.path(tokens, at, prefix),
                TokenTree::Group(group) => {
                    self.tokens(&group.stream().into_iter().collect::<Vec<_>>(), &[]);
                    at += 1;
                }
                _ => at += 1,
            }
        }
    }

    /// A path from its first segment on; returns where it ends.
    fn path(&mut self, tokens: &[TokenTree], first: usize, prefix: &[String]) -> usize {
        let line = tokens[first].span().start().line;
        let member = first > 0 && is_punct(&tokens[first - 1], '.') && !is_range(tokens, first);
        let mut segments = prefix.to_vec();
        segments.push(tokens[first].to_string());
        let mut at = first + 1;
        while is_colons(tokens, at) {
            match tokens.get(at + 2) {
                Some(TokenTree::Ident(name)) => segments.push(name.to_string()),
                Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                    let inner: Vec<_> = group.stream().into_iter().collect();
                    self.tokens(&inner, &segments);
                    return at + 3;
                }
                _ => break,
            }
            at += 3;
        }
        let called = tokens.get(at).is_some_and(|next| is_punct(next, '!'));
        self.found.push(Named { segments, member, called, line });
        at
    }
}

fn is_punct(token: &TokenTree, wanted: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == wanted)
}

fn is_colons(tokens: &[TokenTree], at: usize) -> bool {
    let colon = |i: usize| tokens.get(i).is_some_and(|token| is_punct(token, ':'));
    colon(at) && colon(at + 1)
}

/// Whether what precedes is `..` and not a dot.
fn is_range(tokens: &[TokenTree], first: usize) -> bool {
    first > 1 && is_punct(&tokens[first - 2], '.')
}

/// `#[cfg(test)]`.
fn is_cfg_test(tokens: &[TokenTree]) -> bool {
    let [hash, TokenTree::Group(attribute), ..] = tokens else { return false };
    is_punct(hash, '#') && attribute.stream().to_string().replace(' ', "") == "cfg(test)"
}

/// Behind the item whose attributes begin at `at`: its last brace, or its semicolon.
fn end_of_item(tokens: &[TokenTree], at: usize) -> usize {
    let ends = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        other => is_punct(other, ';'),
    };
    tokens[at..].iter().position(ends).map_or(tokens.len(), |length| at + length + 1)
}

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file under these folders with this extension, sorted.
pub(crate) fn files(folders: &[&str], extension: &str) -> Vec<Source> {
    let mut found = Vec::new();
    for folder in folders {
        collect(&root().join(folder), extension, &mut found);
    }
    found.sort();
    assert!(!found.is_empty(), "no .{extension} files under {folders:?}");
    let read = |path: PathBuf| {
        let relative = path.strip_prefix(root()).expect("it is below the root");
        Source {
            path: relative.to_string_lossy().into_owned(),
            text: fs::read_to_string(&path)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display())),
        }
    };
    found.into_iter().map(read).collect()
}

fn collect(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
    {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            collect(&path, extension, found);
        } else if path.extension().is_some_and(|found| found == extension) {
            found.push(path);
        }
    }
}

#[test]
fn paths_are_what_the_code_names() {
    let text = r#"
        //! tokio::main in a comment
        use std::{fs, io::{self, Read as _}, net::*};
        use crate::{model::{tokio::Tokio, blocking}, clock};
        #[cfg(test)]
        mod tests { use smol::block_on; }
        fn f<'a>(x: &'a str) { ::rayon::spawn(|| cx.env.now()); println!("smol::run {x}"); 'x' }
    "#;
    let source = Source::planted("planted.rs", text);
    let names = source.names_outside_tests();
    let written: Vec<String> = names.iter().map(|named| named.segments.join("::")).collect();
    for expected in [
        "std::fs",
        "std::io::self",
        "std::io::Read",
        "crate::model::tokio::Tokio",
        "crate::model::blocking",
        "crate::clock",
        "rayon::spawn",
        "println",
    ] {
        assert!(written.iter().any(|path| path == expected), "{expected}: {written:?}");
    }
    assert!(names.iter().any(|named| named.member && named.segments == ["now"]));
    assert!(names.iter().any(|named| named.called && named.segments == ["println"]));
    assert!(!written.iter().any(|path| path.starts_with("smol") || path.starts_with("tokio")));
    assert!(source.names().iter().any(|named| named.head() == "smol"), "tests count elsewhere");
}
