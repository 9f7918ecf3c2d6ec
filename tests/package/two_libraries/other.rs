//! A second static library in Rust, with the standard library in it: it allocates, panics and
//! catches, so that it needs what the first one needs.

/// The length of the text that a panic leaves behind.
#[no_mangle]
pub extern "C" fn other_panics() -> usize {
    let caught = std::panic::catch_unwind(|| {
        let words: Vec<String> = (0..3).map(|number| format!("word {number}")).collect();
        panic!("{}", words.join(", "));
    });
    caught.unwrap_err().downcast_ref::<String>().map_or(0, String::len)
}
