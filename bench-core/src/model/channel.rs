//! The channel of models whose runtime has none of its own: one that works under any executor.

use crate::env::{Rx, Tx};

impl<T: Send + 'static> Tx<T> for async_channel::Sender<T> {
    async fn send(&self, value: T) -> Result<(), T> {
        async_channel::Sender::send(self, value).await.map_err(|error| error.0)
    }
}

impl<T: Send + 'static> Rx<T> for async_channel::Receiver<T> {
    async fn recv(&mut self) -> Option<T> {
        async_channel::Receiver::recv(self).await.ok()
    }
}
