//! Records where libtorch lies in the binary and the tests, so that they run
//! without `LD_LIBRARY_PATH`.

use std::path::Path;

fn main() {
    let Some(lib) = std::env::var_os("DEP_TCH_LIBTORCH_LIB") else {
        return;
    };
    let lib = Path::new(&lib);
    // A switch to the CUDA build of libtorch changes what has to be linked.
    println!("cargo::rerun-if-changed={}", lib.display());
    println!("cargo::rustc-link-arg=-Wl,-rpath,{}", lib.display());
    if lib.join("libtorch_cuda.so").exists() {
        // Nothing refers to its symbols, so that the linker would leave it out.
        println!("cargo::rustc-link-arg=-Wl,--no-as-needed,-ltorch_cuda,--as-needed");
    }
}
