//! Gives the shared library its soname, and on Linux its own copy of the unwinder.
//!
//! Without a soname a consumer records the path that it linked against, and the installed library
//! could not be moved.

use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let minor = std::env::var("CARGO_PKG_VERSION_MINOR").unwrap();
    let major = std::env::var("CARGO_PKG_VERSION_MAJOR").unwrap();
    let os = std::env::var("CARGO_CFG_TARGET_OS").unwrap();
    // While the version is 0.x every minor release may change the ABI; from 1.0 only a major may.
    let abi = if major == "0" { format!("0.{minor}") } else { major };
    match os.as_str() {
        "linux" | "android" | "freebsd" => {
            println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,librogue_mem.so.{abi}");
            if std::env::var("CARGO_CFG_TARGET_ENV").unwrap() == "gnu" {
                link_unwinder_statically();
            }
        }
        "macos" => {
            println!(
                "cargo:rustc-cdylib-link-arg=-Wl,-install_name,@rpath/librogue_mem.{abi}.dylib"
            );
        }
        _ => {}
    }
}

/// Resolves `-lgcc_s`, with which rustc links the handling of panics, to the static libraries of
/// gcc: the shared library then needs only the C library. A linker script of that name does it, in
/// a folder that the linker searches first. Their symbols stay hidden, and no panic leaves this
/// library, so the unwinder of other code does not matter.
///
/// Without gcc's static libraries nothing is changed, and libgcc_s.so.1 is needed.
fn link_unwinder_statically() {
    let linker = std::env::var("RUSTC_LINKER").unwrap_or_else(|_| String::from("cc"));
    println!("cargo:rerun-if-env-changed=RUSTC_LINKER");
    let (Some(unwinder), Some(helpers)) =
        (static_library(&linker, "libgcc_eh.a"), static_library(&linker, "libgcc.a"))
    else {
        return;
    };
    let folder = PathBuf::from(std::env::var_os("OUT_DIR").unwrap()).join("unwinder");
    std::fs::create_dir_all(&folder).unwrap();
    let script = format!("GROUP ( \"{}\" \"{}\" )\n", unwinder.display(), helpers.display());
    std::fs::write(folder.join("libgcc_s.so"), script).unwrap();
    println!("cargo:rustc-cdylib-link-arg=-L{}", folder.display());
}

/// The path of one of the linking compiler's own libraries.
fn static_library(linker: &str, name: &str) -> Option<PathBuf> {
    let answer = Command::new(linker).arg(format!("-print-file-name={name}")).output().ok()?;
    // For a missing library the answer is its bare name.
    let path = String::from_utf8(answer.stdout).ok()?;
    let path = Path::new(path.trim_end());
    (path.is_absolute() && path.exists()).then(|| path.to_owned())
}
