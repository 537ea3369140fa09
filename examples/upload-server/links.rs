//! What links begin with. They never come from a request's Host.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::config::Config;

/// The configured URL, or else that of the bound address.
pub(crate) fn public_url(config: &Config, bound: SocketAddr) -> String {
    config.public_url.clone().unwrap_or_else(|| bound_url(bound))
}

/// The URL of the bound address; an unspecified one is this machine's own.
pub(crate) fn bound_url(bound: SocketAddr) -> String {
    let local = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), bound.port());
    format!("http://{}", if bound.ip().is_unspecified() { local } else { bound })
}
