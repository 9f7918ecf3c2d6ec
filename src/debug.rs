//! `Debug` of types that have locks, threads or code of the program inside: their name, and what
//! tells one from another. It takes no lock, so that it may be printed anywhere.

/// Implements `Debug` for a type of this name, with these fields.
macro_rules! impl_debug {
    ($name:ident) => {
        impl_debug!($name, this => {});
    };
    ($name:ident, $this:ident => { $($field:ident: $value:expr),* }) => {
        impl ::std::fmt::Debug for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                let $this = self;
                let _ = $this;
                f.debug_struct(stringify!($name))
                    $(.field(stringify!($field), &$value))*
                    .finish_non_exhaustive()
            }
        }
    };
}

pub(crate) use impl_debug;
