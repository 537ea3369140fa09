//! Addresses of receivers.

use std::str::FromStr;

use http::Uri;

use super::connect::Endpoint;

/// An address, in the parts that are needed.
pub(super) struct Url {
    pub(super) endpoint: Endpoint,
    /// Host and port as they are written.
    pub(super) host: String,
    /// Path and query.
    pub(super) path: String,
}

/// Why an address is refused. The address is not shown: it may hold a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// It has not this form.
    #[error("a webhook's address is http://host[:port][/path]; this one is not")]
    Form,
    /// It has a user's name, perhaps with a password.
    #[error("a webhook's address has no user name; the receiver knows us by the signature")]
    User,
    /// It is encrypted.
    #[error(
        "https:// needs TLS, which is not built in: give a connector that has it (Webhook::connecting), or send \
         to a proxy on this machine"
    )]
    Secure,
}

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let uri: Uri = text.parse().map_err(|_| UrlError::Form)?;
        let secure = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(UrlError::Form),
        };
        let authority = uri.authority().ok_or(UrlError::Form)?;
        if authority.as_str().contains('@') {
            return Err(UrlError::User);
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let default = if secure { 443 } else { 80 };
        // `host:` has no port, `host:0` none that can be connected to.
        let port = match authority.as_str().strip_prefix(authority.host()) {
            Some("") => default,
            _ => authority.port_u16().filter(|port| *port != 0).ok_or(UrlError::Form)?,
        };
        if host.is_empty() {
            return Err(UrlError::Form);
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        Ok(Self { endpoint: Endpoint { secure, host, port }, host: authority.as_str().to_owned(), path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (bool, String, u16, String, String, String) {
        let Url { endpoint: Endpoint { secure, host, port }, host: written, path } = text.parse().unwrap();
        let shown = Endpoint { secure, host: host.clone(), port }.to_string();
        (secure, host, port, written, path, shown)
    }

    #[test]
    fn an_address_is_taken_apart() {
        let own = |s: bool, h: &str, p: u16, w: &str, path: &str, shown: &str| {
            (s, h.to_owned(), p, w.to_owned(), path.to_owned(), shown.to_owned())
        };
        for (text, expected) in [
            ("http://a.example", own(false, "a.example", 80, "a.example", "/", "a.example:80")),
            ("https://a.example/b?c=d", own(true, "a.example", 443, "a.example", "/b?c=d", "a.example:443")),
            ("http://127.0.0.1:81?q", own(false, "127.0.0.1", 81, "127.0.0.1:81", "/?q", "127.0.0.1:81")),
            ("http://[::1]:82/h#f", own(false, "::1", 82, "[::1]:82", "/h", "[::1]:82")),
            ("HTTP://A/", own(false, "A", 80, "A", "/", "A:80")),
        ] {
            assert_eq!(parts(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let refusal = |text: &str| text.parse::<Url>().err();
        for text in
            ["", "/hook", "a.example", "ftp://a.example/", "http://", "http:///hook", "http://a b/", "*"]
        {
            assert_eq!(refusal(text), Some(UrlError::Form), "{text}");
        }
        for text in ["http://a:0/", "http://a:/", "http://a:65536/", "http://a:x/"] {
            assert_eq!(refusal(text), Some(UrlError::Form), "{text}");
        }
        assert_eq!(refusal("http://user:word@a.example/"), Some(UrlError::User));
    }
}
