//! What accepts connections in this process, for what stands between two programs.

use std::future::Future;
use std::io;

use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

/// Accepts connections for as long as it lives.
pub struct Listening {
    /// `HOST:PORT`.
    pub address: String,
    _runtime: Runtime,
}

impl Listening {
    /// Each connection gets a task of its own, begun in the order in which they came. One that breaks is closed; whoever is at its
    /// other end sees that.
    pub fn start<F>(mut serve: impl FnMut(TcpStream) -> F + Send + 'static) -> Self
    where
        F: Future<Output = io::Result<()>> + Send + 'static,
    {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        runtime.spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(serve(connection));
            }
        });
        Self { address, _runtime: runtime }
    }
}
