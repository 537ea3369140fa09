//! Connections, which an application may make itself.

use std::{fmt, io};

use async_trait::async_trait;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

/// Where a webhook leads.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Endpoint {
    /// Whether its address begins with `https://`: then the connection is to be a TLS session for `host`.
    pub secure: bool,
    /// Name or address of the host; an IPv6 address without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, .. } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

/// A connection: plain TCP, a TLS session, a socket of the host.
pub trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// Makes connections. TLS takes a provider of cryptography and roots of trust, both of them an application's choice; with
/// tokio-rustls an implementation is a `TcpStream::connect` and a `TlsConnector::connect`.
#[async_trait]
pub trait Connect: Send + Sync + fmt::Debug {
    /// A connection for one delivery, encrypted if it is to be [`secure`](Endpoint::secure).
    async fn connect(&self, to: &Endpoint) -> io::Result<Box<dyn Connection>>;
}

/// Plain TCP; refuses what is to be secure.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Tcp;

#[async_trait]
impl Connect for Tcp {
    async fn connect(&self, to: &Endpoint) -> io::Result<Box<dyn Connection>> {
        if to.secure {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "plain TCP is not secure"));
        }
        let stream = TcpStream::connect((&*to.host, to.port)).await?;
        stream.set_nodelay(true)?;
        Ok(Box::new(stream))
    }
}
