//! Work handed from a runtime's task to rayon's global pool, and waited for.
//!
//! The one file beside `model/rayon.rs` that names rayon: a hand-off is a parameter of a
//! scenario, under every runtime, and not a model of its own.

use std::io;

#[cfg(feature = "rayon")]
use crate::model::blocking::guarded;

/// Runs `work` on a rayon worker. `Unsupported` where rayon is not built in.
#[cfg(feature = "rayon")]
pub async fn rayon<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    let (done, result) = async_channel::bounded(1);
    rayon::spawn(move || {
        // Nobody may be waiting any more; then nobody misses it. A panic that rayon sees aborts
        // the process.
        let _ = done.try_send(guarded(work));
    });
    Ok(result.recv().await.map_err(io::Error::other)??)
}

/// Runs `work` on a rayon worker. `Unsupported` where rayon is not built in.
#[cfg(not(feature = "rayon"))]
pub fn rayon<T: Send + 'static>(
    _work: impl FnOnce() -> T + Send + 'static,
) -> std::future::Ready<io::Result<T>> {
    std::future::ready(Err(io::ErrorKind::Unsupported.into()))
}
