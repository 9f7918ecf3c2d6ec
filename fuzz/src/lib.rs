//! What the programs of `fuzz_targets/` share.

use testkit::fuzz::heap::Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[doc(hidden)]
pub use libfuzzer_sys;

/// The program of one target. It names its body, instead of looking it up, so that the linker leaves
/// out the others: libFuzzer looks at every counter of the program after every execution.
#[macro_export]
macro_rules! target {
    ($body:path) => {
        $crate::libfuzzer_sys::fuzz_target!(|data: &[u8]| $body(data));
    };
}
