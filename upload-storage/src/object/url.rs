use upload_core::ports::{StoreError, StoreErrorKind};

use super::Kind;

/// What a store's URL says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct StoreUrl {
    pub(super) kind: Kind,
    /// Bucket or container.
    pub(super) bucket: String,
    /// What all keys begin with: empty, or ends with a slash.
    pub(super) prefix: String,
}

/// Something about the configuration that cannot work.
pub(super) fn wrong(why: impl Into<String>) -> StoreError {
    StoreError::new(StoreErrorKind::Unsupported, why)
}

impl StoreUrl {
    /// `memory:`, `s3://BUCKET/PREFIX`, `az://CONTAINER/PREFIX` or `gs://BUCKET/PREFIX`; the prefix may be missing.
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
        let expected = |what: String| {
            wrong(format!(
                "a store is memory:, s3://BUCKET, az://CONTAINER or gs://BUCKET (and /PREFIX); {what}"
            ))
        };
        if url == "memory:" {
            return Ok(Self { kind: Kind::Memory, bucket: String::new(), prefix: String::new() });
        }
        let (scheme, rest) = url.split_once("://").ok_or_else(|| expected(format!("got {url:?}")))?;
        let kind = match scheme {
            "s3" => Kind::S3,
            "az" => Kind::Azure,
            "gs" => Kind::Gcs,
            other => return Err(expected(format!("got {other:?}://"))),
        };
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        if bucket.is_empty() || !bucket.bytes().all(plain) {
            return Err(expected(format!("a bucket's name is of [A-Za-z0-9._-], got {bucket:?}")));
        }
        let prefix = prefix.strip_suffix('/').filter(|rest| !rest.is_empty()).unwrap_or(prefix);
        let segment = |s: &str| !matches!(s, "" | "." | "..") && s.bytes().all(plain);
        if !prefix.is_empty() && !prefix.split('/').all(segment) {
            let names = "names of [A-Za-z0-9._-] with single slashes between them";
            return Err(expected(format!("a prefix is {names}, got {prefix:?}")));
        }
        if prefix.len() > Self::MAX_PREFIX {
            return Err(expected(format!("a prefix has at most {} bytes", Self::MAX_PREFIX)));
        }
        let slash = if prefix.is_empty() { "" } else { "/" };
        Ok(Self { kind, bucket: bucket.to_owned(), prefix: format!("{prefix}{slash}") })
    }

    /// Most bytes of a prefix: keys end at 1,024 bytes in every store.
    const MAX_PREFIX: usize = 200;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_a_kind_a_bucket_and_a_prefix() {
        let parse = |url: &str| StoreUrl::parse(url).unwrap();
        let store = |kind, bucket: &str, prefix: &str| StoreUrl {
            kind,
            bucket: bucket.into(),
            prefix: prefix.into(),
        };
        assert_eq!(parse("memory:"), store(Kind::Memory, "", ""));
        assert_eq!(parse("s3://b"), store(Kind::S3, "b", ""));
        assert_eq!(parse("s3://b/"), store(Kind::S3, "b", ""));
        assert_eq!(parse("az://c-1/a/B_2/"), store(Kind::Azure, "c-1", "a/B_2/"));
        assert_eq!(parse("gs://b.example.com/x"), store(Kind::Gcs, "b.example.com", "x/"));
    }

    #[test]
    fn anything_else_is_refused_with_what_was_expected() {
        for (url, said) in [
            ("", "got \"\""),
            ("s3:b", "got \"s3:b\""),
            ("http://b", "got \"http\"://"),
            ("s3://", "got \"\""),
            ("s3://user@b", "got \"user@b\""),
            ("s3://b/a//b", "single slashes"),
            ("s3://b//", "single slashes"),
            ("s3://b/../x", "single slashes"),
            ("s3://b/x?y=1", "got \"x?y=1\""),
            ("s3://b/ü", "a prefix is"),
        ] {
            let error = StoreUrl::parse(url).unwrap_err();
            assert!(error.detail.contains(said) && error.detail.contains("s3://BUCKET"), "{url}: {error}");
        }
        assert!(StoreUrl::parse(&format!("s3://b/{}", "x".repeat(201))).is_err());
    }
}
