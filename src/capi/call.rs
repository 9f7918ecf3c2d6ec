//! The running C function, which its errors are named after.

use std::any::type_name;
use std::borrow::Cow;

use crate::error::{Error, Status};

/// The running C function.
#[derive(Clone, Copy)]
pub(super) struct Call {
    body: &'static str,
}

impl Call {
    /// The call whose body is a closure of type `F`.
    pub(super) fn of<F>(_body: &F) -> Call {
        Call { body: type_name::<F>() }
    }

    /// Name of the C function. A closure's type is named after the function that it is written
    /// in, so this cannot disagree with it.
    fn function(self) -> &'static str {
        let mut path = self.body.rsplit("::");
        path.find(|part| !part.starts_with('{')).unwrap_or(self.body)
    }

    /// An error of this call.
    pub(super) fn error(self, status: Status, text: impl Into<Cow<'static, str>>) -> Error {
        self.error_with(status, text.into())
    }

    #[cold]
    #[inline(never)]
    fn error_with(self, status: Status, text: Cow<'static, str>) -> Error {
        Error::new(status, self.function(), text)
    }
}
