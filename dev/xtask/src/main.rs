//! `cargo demo`, `cargo serve`, `cargo simulator`, and `cargo xtask` for everything else.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    xtask::cli::run(std::env::args_os()).await
}
