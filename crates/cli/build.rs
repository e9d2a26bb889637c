//! Links libtorch by its absolute path, so that tests and binaries run without
//! `LD_LIBRARY_PATH`.
//!
//! Every package with tests or binaries on libtorch links to this file: Cargo applies
//! link arguments only to the package whose build script prints them.

use std::env::var_os;
use std::path::{Path, PathBuf};

fn main() {
    if let Some(lib) = var_os("DEP_TCH_LIBTORCH_LIB") {
        let lib = Path::new(&lib);
        // The libraries change if the user switches to a CUDA build of libtorch.
        println!("cargo::rerun-if-changed={}", lib.display());
        println!("cargo::rustc-link-arg=-Wl,-rpath,{}", lib.display());
        if lib.join("libtorch_cuda.so").exists() {
            // The linker would drop it, because no code refers to its symbols.
            println!("cargo::rustc-link-arg=-Wl,--no-as-needed,-ltorch_cuda,--as-needed");
        }
        return;
    }
    // A package that needs no libtorch gets it all the same if Cargo builds it together with
    // one that does: `cargo test --workspace` unites the features of gan-metrics.
    println!("cargo::rerun-if-env-changed=LIBTORCH");
    if let Some(libtorch) = var_os("LIBTORCH").map(PathBuf::from) {
        let lib = libtorch.join("lib");
        println!("cargo::rustc-link-arg=-Wl,-rpath,{}", lib.display());
    }
}
