//! Race a runtime of your own in the standard courses: here one single-threaded tokio per CPU,
//! whose tasks never move.
//!
//! `cargo run --release --example own_runtime -- run tcp-echo` races it; `-- list` says what there
//! is. In a crate of yours this is `benches/race.rs`, and `cargo bench` runs it.

use std::{io, net::TcpListener, sync::Arc};

use deadheat::core::{
    env::Env,
    model::{Dispatch, Given, Model, ModelInfo, Places, Serve, tokio::Tokio},
    net,
};
use tokio::{
    runtime::{Builder, Runtime},
    task::JoinSet,
};

/// A runtime per CPU.
struct PerCpu(Vec<Runtime>);

impl Model for PerCpu {
    const INFO: ModelInfo = ModelInfo::new(
        "own/per-cpu",
        Places::Tasks,
        "a single-threaded tokio per CPU; tasks never move",
    );
    // Sockets, timers and channels are tokio's own.
    type Env = Tokio;

    fn start(given: &Given) -> io::Result<Self> {
        let runtime = |_| Builder::new_current_thread().enable_all().build();
        (0..given.workers).map(runtime).collect::<io::Result<_>>().map(Self)
    }

    fn env(&self) -> Tokio {
        Tokio
    }

    fn workers(&self) -> usize {
        self.0.len()
    }

    fn lanes(&self) -> usize {
        self.0.len()
    }
}

impl<Fut: Future<Output = ()> + Send + 'static> Dispatch<Fut> for PerCpu {
    fn dispatch(&self, count: usize, make: impl Fn(usize) -> Fut + Sync) {
        let make = &make;
        std::thread::scope(|scope| {
            for (lane, runtime) in self.0.iter().enumerate() {
                scope.spawn(move || {
                    runtime.block_on(async {
                        let mine = (lane..count).step_by(self.0.len());
                        let tasks: JoinSet<()> = mine.map(make).collect();
                        tasks.join_all().await
                    })
                });
            }
        });
    }
}

impl<Fut: Future<Output = ()> + Send + 'static> Serve<Fut> for PerCpu {
    fn serve(
        &self,
        listener: TcpListener,
        handle: impl Fn(<Tokio as Env>::Stream) -> Fut + Clone + Send + Sync + 'static,
    ) -> io::Result<()> {
        listener.set_nonblocking(true)?;
        let (listener, handle) = (Arc::new(listener), &handle);
        std::thread::scope(|scope| {
            for runtime in &self.0 {
                let listener = listener.try_clone()?;
                let handle = handle.clone();
                scope.spawn(move || runtime.block_on(accept(listener, handle)));
            }
            Ok(())
        })
    }
}

async fn accept<Fut: Future<Output = ()> + Send + 'static>(
    listener: TcpListener,
    handle: impl Fn(<Tokio as Env>::Stream) -> Fut,
) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let mut connections = JoinSet::new();
    while let Some(stream) = net::accepted(listener.accept().await)? {
        connections.spawn(handle(stream));
    }
    connections.join_all().await;
    Ok(())
}

deadheat::main! {
    models: [
        PerCpu,
        deadheat::core::model::tokio::CurrentThread,
        deadheat::core::model::tokio::MultiThread,
    ],
    scenarios: [deadheat::scenario::tcp_echo::TcpEcho, deadheat::scenario::sleep::Sleep],
    services: [deadheat::scenario::http_server::HttpServer],
}
