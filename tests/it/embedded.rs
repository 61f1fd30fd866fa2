//! Sessions of programs that embed idhook.

pub(crate) mod ensure_groups;
mod fleet;
pub(crate) mod sessions;
mod vcf;
