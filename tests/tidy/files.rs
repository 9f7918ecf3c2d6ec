//! The text files that belong to the project.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Folders that no file of the project is in, for where git cannot be asked.
const FOREIGN_FOLDERS: &[&str] = &["target", "build", ".git"];

/// One text file of the project.
pub struct File {
    /// From the top of the project, with forward slashes.
    pub path: String,
    pub text: String,
}

impl File {
    /// Whether the file's name ends in one of these extensions.
    pub fn has_extension(&self, extensions: &[&str]) -> bool {
        self.path.rsplit_once('.').is_some_and(|(_, found)| extensions.contains(&found))
    }

    /// Whether somebody writes this file by hand, and in our style.
    pub fn is_handwritten(&self) -> bool {
        let generated = [
            "Cargo.lock",
            "cpp/rogue/detail/Objects.h",
            "include/rogue_mem.h",
            "include/rogue_mem_binding.h",
            "python/rogue/_impl/declarations.py",
            "python/rogue/_impl/table.py",
            "src/capi/generated.rs",
            "tests/exported_symbols.txt",
        ];
        !generated.contains(&self.path.as_str())
            && !self.path.starts_with("LICENSE")
            && !self.path.starts_with("src/capi/generated/")
            && !self.path.starts_with("tests/vectors/")
            && !self.path.starts_with("fuzz/seeds/")
    }

    /// Rust, C and C++ sources and the scripts around them.
    pub fn is_code(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        self.is_handwritten()
            && (self.has_extension(&["rs", "c", "h", "cpp", "py", "sh", "cmake", "toml"])
                || ["Makefile", "CMakeLists.txt", "run"].contains(&name)
                || self.text.starts_with("#!"))
    }
}

/// The top folder of the project.
pub fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The text of one file; panics with its name where it cannot be read.
pub fn read(path: &str) -> String {
    std::fs::read_to_string(top().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every text file that git knows or would add; without git (an unpacked archive), every text file
/// outside the build folders.
pub fn project_files() -> Vec<File> {
    let mut files: Vec<File> = listed_by_git()
        .unwrap_or_else(listed_by_walking)
        .into_iter()
        .filter_map(|path| {
            let bytes = std::fs::read(top().join(&path)).ok()?;
            Some(File { path, text: String::from_utf8(bytes).ok()? })
        })
        .collect();
    files.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(files.iter().any(|file| file.path == "src/lib.rs"), "the project was not found");
    files
}

fn listed_by_git() -> Option<Vec<String>> {
    if !top().join(".git").exists() {
        return None;
    }
    let output = Command::new("git")
        .current_dir(top())
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output
        .status
        .success()
        .then(|| text.split('\0').filter(|path| !path.is_empty()).map(str::to_owned).collect())
}

fn listed_by_walking() -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(top().join(&folder)).expect("a folder of the project") {
            let entry = entry.expect("an entry of a folder of the project");
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = folder.join(&name);
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if !FOREIGN_FOLDERS.contains(&name.as_str()) {
                    folders.push(path);
                }
            } else {
                found.push(path.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    found
}

#[test]
fn walking_finds_what_git_lists() {
    if let Some(listed) = listed_by_git() {
        let walked = listed_by_walking();
        let missed: Vec<_> = listed
            .iter()
            .filter(|path| top().join(path).is_file() && !walked.contains(path))
            .collect();
        assert!(missed.is_empty(), "{missed:?}");
    }
}
