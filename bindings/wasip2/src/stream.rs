//! Bodies over `wasi:io/streams`: read completely within a limit, written with back-pressure.

use bytes::Bytes;
use wasip2::io::error::Error as IoError;
use wasip2::io::streams::{InputStream, OutputStream, StreamError};

use crate::reactor::ready;

/// The most that is read from a stream at once.
const PIECE: u64 = 64 << 10;

/// Why a body could not be read completely.
pub(crate) enum Unread {
    /// It is longer than the limit.
    TooLarge,
    /// It was truncated.
    Broken(IoError),
}

/// Reads `stream` to its end.
pub(crate) async fn read(stream: &InputStream, limit: usize) -> Result<Bytes, Unread> {
    let mut whole = Vec::new();
    while let Some(piece) = next(stream).await {
        match piece {
            Ok(piece) if piece.len() > limit - whole.len() => return Err(Unread::TooLarge),
            // Most bodies are one piece.
            Ok(piece) if whole.is_empty() => whole = piece.into(),
            Ok(piece) => whole.extend_from_slice(&piece),
            Err(why) => return Err(Unread::Broken(why)),
        }
    }
    Ok(whole.into())
}

/// The next piece of `stream`; `None` at its end.
pub(crate) async fn next(stream: &InputStream) -> Option<Result<Bytes, IoError>> {
    loop {
        match stream.read(PIECE) {
            Ok(piece) if piece.is_empty() => ready(stream.subscribe()).await,
            Ok(piece) => return Some(Ok(piece.into())),
            Err(StreamError::Closed) => return None,
            Err(StreamError::LastOperationFailed(why)) => return Some(Err(why)),
        }
    }
}

/// Writes all of `bytes` and returns when they are sent; an error means that the reader is gone.
pub(crate) async fn write(stream: &OutputStream, mut bytes: &[u8]) -> Result<(), StreamError> {
    while !bytes.is_empty() {
        let room = usize::try_from(stream.check_write()?).unwrap_or(usize::MAX);
        if room == 0 {
            ready(stream.subscribe()).await;
            continue;
        }
        let (now, later) = bytes.split_at(room.min(bytes.len()));
        stream.write(now)?;
        bytes = later;
    }
    stream.flush()?;
    while stream.check_write()? == 0 {
        ready(stream.subscribe()).await;
    }
    Ok(())
}
