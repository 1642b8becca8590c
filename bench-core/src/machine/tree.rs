//! The files of `/proc` and `/sys`, wherever they are.

use std::{fs, path::Path};

/// A root folder.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tree<'a>(pub(super) &'a Path);

impl Tree<'_> {
    /// A file's text on one line, `None` where it is missing, empty or can't be read.
    pub(super) fn text(&self, path: &str) -> Option<String> {
        let text = fs::read_to_string(self.0.join(path)).ok()?;
        let words: Vec<_> = text.split_ascii_whitespace().collect();
        (!words.is_empty()).then(|| words.join(" "))
    }

    /// Whether there is such a file or folder.
    pub(super) fn has(&self, path: &str) -> bool {
        self.0.join(path).exists()
    }

    /// Lines of a file.
    pub(super) fn lines(&self, path: &str) -> Vec<String> {
        let text = fs::read_to_string(self.0.join(path)).unwrap_or_default();
        text.lines().map(Into::into).collect()
    }

    /// The first value of a file of `name: value` lines.
    pub(super) fn field(&self, path: &str, name: &str) -> Option<String> {
        self.lines(path).iter().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            (found.trim() == name).then(|| value.trim().to_owned())
        })
    }

    /// A field of the first CPU.
    pub(super) fn cpuinfo(&self, name: &str) -> Option<String> {
        self.field("proc/cpuinfo", name)
    }

    /// Whether the first CPU has a flag.
    pub(super) fn has_flag(&self, flag: &str) -> bool {
        self.flags().iter().any(|known| known == flag)
    }

    /// Flags of the first CPU.
    pub(super) fn flags(&self) -> Vec<String> {
        let flags = self.cpuinfo("flags").or_else(|| self.cpuinfo("Features"));
        flags.unwrap_or_default().split(' ').filter(|f| !f.is_empty()).map(Into::into).collect()
    }

    /// Names in a folder, sorted.
    pub(super) fn names(&self, path: &str) -> Vec<String> {
        let entries = fs::read_dir(self.0.join(path)).into_iter().flatten().flatten();
        let mut names: Vec<_> =
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// CPUs online; 0 where nothing says.
    pub(super) fn cpus(&self) -> usize {
        let Some(online) = self.text("sys/devices/system/cpu/online") else {
            let lines = self.lines("proc/cpuinfo");
            return lines.iter().filter(|line| line.starts_with("processor")).count();
        };
        count_cpus(&online)
    }
}

/// CPUs of a list: `0-3,8`.
pub(crate) fn count_cpus(list: &str) -> usize {
    list.split(',').filter_map(count).sum()
}

/// CPUs of `3` or `0-7`.
fn count(range: &str) -> Option<usize> {
    match range.split_once('-') {
        None => range.parse::<usize>().ok().map(|_| 1),
        Some((first, last)) => (last.parse::<usize>().ok()? + 1).checked_sub(first.parse().ok()?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_cpus_are_counted() {
        for (range, cpus) in [("0", Some(1)), ("0-7", Some(8)), ("7-0", None), ("x", None)] {
            assert_eq!(count(range), cpus, "{range}");
        }
    }
}
