//! The destination of the guest's stdout and stderr, and of this host's messages.

use std::fmt;
use std::io::Write as _;

use bytes::Bytes;
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::p2::OutputStream as _;
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;

/// The destination of the guest's stdout and stderr. Messages of the host, such as a trap or a rejected destination, go
/// there too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Output {
    /// This process's own; the host's messages go to stderr.
    #[default]
    Inherit,
    /// Into memory, to be read with [`Host::output`](crate::Host::output).
    Capture,
}

/// An [`Output`] in use.
#[derive(Clone)]
pub(crate) enum Sink {
    Inherit,
    Capture(MemoryOutputPipe),
}

impl fmt::Debug for Sink {
    /// Without the captured text, which may contain a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Inherit => "Inherit",
            Self::Capture(_) => "Capture",
        })
    }
}

impl Sink {
    pub(crate) fn new(output: Output) -> Self {
        match output {
            Output::Inherit => Self::Inherit,
            Output::Capture => Self::Capture(MemoryOutputPipe::new(usize::MAX)),
        }
    }

    /// Gives the guest its stdout and stderr.
    pub(crate) fn connect(&self, wasi: &mut WasiCtxBuilder) {
        match self {
            Self::Inherit => wasi.inherit_stdout().inherit_stderr(),
            Self::Capture(pipe) => wasi.stdout(pipe.clone()).stderr(pipe.clone()),
        };
    }

    /// Writes a message of the host.
    pub(crate) fn say(&self, message: fmt::Arguments<'_>) {
        let line = format!("idhook-host: {message}\n");
        // A failed write cannot be reported.
        match self {
            Self::Inherit => _ = std::io::stderr().write_all(line.as_bytes()),
            Self::Capture(pipe) => _ = pipe.clone().write(Bytes::from(line)),
        }
    }

    /// The captured text so far.
    pub(crate) fn contents(&self) -> String {
        match self {
            Self::Inherit => String::new(),
            Self::Capture(pipe) => String::from_utf8_lossy(&pipe.contents()).into_owned(),
        }
    }
}
