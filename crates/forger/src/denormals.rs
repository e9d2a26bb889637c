//! Denormal numbers count as zero: on many processors they slow arithmetic down many times.

#![allow(unsafe_code)]

use std::ffi::c_void;

// These are the names of the Itanium C++ ABI. Windows has others and does not compile this file.
unsafe extern "C" {
    #[link_name = "_ZN2at13globalContextEv"]
    fn global_context() -> *mut c_void;
    #[link_name = "_ZN2at7Context16setFlushDenormalEb"]
    fn set_flush_denormal(context: *mut c_void, on: bool) -> bool;
}

/// Sets results and inputs below the smallest normal number to zero in this thread and in the
/// threads that it starts, as `torch.set_flush_denormal(True)` does. Call it before other
/// threads exist. Returns whether the processor can.
pub fn flush() -> bool {
    // SAFETY: both functions exist with these signatures in the libtorch that torch-sys links
    // (`at::globalContext` and `at::Context::setFlushDenormal`); a reference is a pointer.
    // The second one sets two bits of the thread's control register and keeps the rounding mode.
    unsafe { set_flush_denormal(global_context(), true) }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use tch::{Kind, Tensor};

    use super::*;

    /// The share of a large tensor of denormals that an addition leaves above zero. Both threads
    /// of libtorch add.
    fn remaining() -> f64 {
        let tiny = Tensor::from_slice(&vec![1i32; 1 << 20]).view_dtype(Kind::Float);
        let sum = (&tiny + &tiny).view_dtype(Kind::Int);
        sum.not_equal(0).to_kind(Kind::Double).mean(Kind::Double).double_value(&[])
    }

    /// Runs `action` in a new thread, for which libtorch has two threads. The setting of the
    /// other tests' threads stays.
    fn in_a_thread<T: Send>(action: impl FnOnce() -> T + Send) -> T {
        let action = || {
            let _ = tch::get_num_threads();
            tch::set_num_threads(2);
            action()
        };
        thread::scope(|scope| scope.spawn(action).join().unwrap())
    }

    #[test]
    fn threads_of_libtorch_and_new_threads_flush_denormals() {
        let shares = in_a_thread(|| {
            assert_eq!(remaining(), 1.0);
            in_a_thread(|| {
                assert!(flush());
                [remaining(), in_a_thread(remaining)]
            })
        });
        assert_eq!(shares, [0.0, 0.0]);
    }
}
