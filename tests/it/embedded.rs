//! Sessions of programs that embed idhook.

pub(crate) mod ensure_groups;
pub(crate) mod sessions;
