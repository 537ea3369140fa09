//! What links begin with. They never come from a request's Host.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::config::Config;

/// The configured URL, or else the bound address; an unspecified one is this machine's own.
pub(crate) fn public_url(config: &Config, bound: SocketAddr) -> String {
    match &config.public_url {
        Some(url) => url.clone(),
        None if bound.ip().is_unspecified() => {
            format!("http://{}", SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), bound.port()))
        }
        None => format!("http://{bound}"),
    }
}
