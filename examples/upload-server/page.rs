//! The page at `/`: a browser's uploads by tus. `page/build.sh` makes its script.

use axum::Router;
use axum::response::IntoResponse;
use axum::routing::get;
use http::header;
use upload_checksum::{Algorithm, Hasher};

const PAGE: &str = include_str!("page/index.html");
const SCRIPT: &str = include_str!("page/bundle.js");

/// The page and its script. It talks to its own origin, and to this one where uploads are told other URLs than those they came by.
pub(crate) fn router(public_url: Option<&str>) -> Router {
    let policy = policy(public_url);
    let page = get(async move || file("text/html; charset=utf-8", PAGE, policy.clone()));
    let script =
        get(async || file("text/javascript; charset=utf-8", SCRIPT, "default-src 'none'".to_owned()));
    Router::new().route("/", page).route("/bundle.js", script)
}

fn file(kind: &'static str, content: &'static str, policy: String) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_SECURITY_POLICY, policy),
        // Another version of the server has another page.
        (header::CACHE_CONTROL, "no-cache".to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::REFERRER_POLICY, "no-referrer".to_owned()),
    ];
    (headers, content)
}

/// What the page may load and ask: itself. Its style is told by its digest.
fn policy(public_url: Option<&str>) -> String {
    let mut style = Hasher::new(Algorithm::Sha256);
    let styles = PAGE.split_once("<style>").and_then(|(_, rest)| rest.split_once("</style>"));
    style.update(styles.map_or("", |(style, _)| style).as_bytes());
    let style = style.finish().to_base64();
    let other = public_url.map_or(String::new(), |url| format!(" {}", origin(url)));
    format!(
        "default-src 'none'; script-src 'self'; style-src 'sha256-{style}'; connect-src 'self'{other}; img-src data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// Of a URL, what stands before its path.
fn origin(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    let path = url.get(host..).and_then(|rest| rest.find('/'));
    path.and_then(|at| url.get(..host + at)).unwrap_or(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_what_stands_before_the_path() {
        for (url, expected) in [
            ("https://a.example", "https://a.example"),
            ("https://a.example:8443/files/here", "https://a.example:8443"),
            ("https://a.example/", "https://a.example"),
        ] {
            assert_eq!(origin(url), expected);
        }
    }

    #[test]
    fn the_page_takes_nothing_from_elsewhere_and_has_no_style_that_its_policy_refuses() {
        for outside in ["http://", "https://", "//", "style=\""] {
            assert!(!PAGE.contains(outside), "{outside}");
        }
        assert_eq!((PAGE.matches("<style>").count(), PAGE.matches("<script").count()), (1, 1));
        assert!(policy(Some("https://a.example/x")).contains("connect-src 'self' https://a.example;"));
        assert!(policy(None).contains("connect-src 'self';"));
    }
}
