use http::{HeaderMap, Uri, header};
use upload_core::{Error, Result};

use super::single;
use crate::request::shown;

/// Where the client has reached us, as it says: `http://host[:port]`. `None` if it says nothing.
pub(in crate::dialect::tus) fn origin(uri: &Uri, headers: &HeaderMap) -> Result<Option<String>> {
    let told = match uri.authority() {
        Some(authority) => Some(authority.as_str()),
        None => single(headers, header::HOST)?,
    };
    let Some(host) = told.filter(|host| !host.is_empty()) else { return Ok(None) };
    if !is_host(host) {
        return Err(Error::invalid(format!("Host must be host[:port]; got {}", shown(host))));
    }
    // Only HTTP/2 says which scheme its client sees.
    let scheme = uri.scheme_str().filter(|scheme| *scheme == "https").unwrap_or("http");
    Ok(Some(format!("{scheme}://{host}")))
}

/// A name, an IPv4 address, or an IPv6 address in brackets, and maybe a port.
fn is_host(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let Some((address, port)) = rest.split_once(']') else { return false };
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                return false;
            }
            ("", port)
        }
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let named = text.starts_with('[') || !host.is_empty();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let digits = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    named && host.bytes().all(plain) && (port.is_empty() || port.strip_prefix(':').is_some_and(digits))
}
