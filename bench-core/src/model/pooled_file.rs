//! Files of runtimes that hand each blocking call to a pool of threads beside their workers, as
//! their own file types do.

use std::{fs, io, marker::PhantomData, os::unix::fs::FileExt, path::Path, sync::Arc};

use crate::{
    env::{Access, Buf, File},
    model::blocking,
};

/// A runtime's pool for blocking calls.
pub trait Unblock: 'static {
    /// Runs `work` on the pool and waits for it. A panic in it is an error.
    fn unblock<T: Send + 'static>(
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = io::Result<T>> + Send;
}

/// A file whose operations run on the pool of `P`.
#[derive(Debug)]
pub struct PooledFile<P>(Arc<fs::File>, PhantomData<fn() -> P>);

impl<P> Clone for PooledFile<P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0), PhantomData)
    }
}

impl<P: Unblock> PooledFile<P> {
    /// Opens it on the pool too.
    pub async fn open(path: &Path, access: Access) -> io::Result<Self> {
        let path = path.to_owned();
        let file = P::unblock(move || blocking::open(&path, access)).await??;
        Ok(Self(Arc::new(file), PhantomData))
    }
}

impl<P: Unblock> File for PooledFile<P> {
    async fn read_at(&self, mut buf: Buf, offset: u64) -> io::Result<Buf> {
        let file = Arc::clone(&self.0);
        let reading = move || {
            let n = FileExt::read_at(&*file, buf.spare(), offset)?;
            buf.advance(n);
            Ok(buf)
        };
        P::unblock(reading).await?
    }

    async fn write_at(&self, buf: Buf, offset: u64) -> io::Result<Buf> {
        let file = Arc::clone(&self.0);
        P::unblock(move || file.write_all_at(buf.filled(), offset).map(|()| buf)).await?
    }

    async fn sync(&self) -> io::Result<()> {
        let file = Arc::clone(&self.0);
        P::unblock(move || file.sync_data()).await?
    }
}
