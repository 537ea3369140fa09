//! Whatever headers say, parsing ends with a command or a clear refusal.

use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use upload_core::ErrorKind;

use super::super::parse;

fn value() -> impl Strategy<Value = HeaderValue> {
    let near = prop_oneof![
        "[0-9+-]{0,22}",
        "(final|partial);?( ?(https?://[a-z]{0,3})?/files/[a-z0-9%./]{0,34}){0,3}",
        "(sha1|md5|sha256|crc32c|x) ?[A-Za-z0-9+/=]{0,44}",
        "([a-z]{0,3} ?[A-Za-z0-9+/=]{0,8},? ?){0,4}",
        "\\[?[a-z0-9.:]{0,10}\\]?:?[0-9]{0,6}",
        "upload-checksum|1|PATCH|application/offset\\+octet-stream",
    ];
    prop_oneof![
        near.prop_map(|text| HeaderValue::from_str(&text).unwrap()),
        prop::collection::vec(any::<u8>(), 0..40)
            .prop_filter_map("no value", |bytes| HeaderValue::from_bytes(&bytes).ok()),
    ]
}

fn any_headers() -> impl Strategy<Value = HeaderMap> {
    let name = prop::sample::select(vec![
        "upload-length",
        "upload-defer-length",
        "upload-offset",
        "upload-metadata",
        "upload-concat",
        "upload-checksum",
        "trailer",
        "content-type",
        "host",
        "x-http-method-override",
        "tus-resumable",
    ]);
    prop::collection::vec((name, value()), 0..8).prop_map(|pairs| {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name, value);
        }
        headers
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_headers_at_all(headers in any_headers()) {
        let known = |kind| matches!(kind, ErrorKind::Invalid | ErrorKind::TooLarge | ErrorKind::NotFound);
        match parse::new(&headers, 60) {
            Ok(new) => {
                let kept = super::super::render::kept(&new.begin("x").extras).unwrap();
                let came = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
                prop_assert_eq!(kept.metadata, came("upload-metadata"));
                prop_assert_eq!(kept.concat, came("upload-concat"));
            }
            Err(e) => prop_assert!(known(e.kind) && e.detail.len() < 250, "{}", e),
        }
        for error in [
            parse::offset(&headers).err(),
            parse::length(&headers).err(),
            parse::check(&headers).err(),
            parse::trailer(&headers).err(),
            parse::media_type(&headers).err(),
            parse::method(&http::Method::GET, &headers).err(),
        ].into_iter().flatten() {
            prop_assert!(error.kind == ErrorKind::Invalid && error.detail.len() < 250, "{}", error);
        }
        if let Ok(Some(origin)) = parse::origin(&"/files".parse().unwrap(), &headers) {
            let uri: http::Uri = format!("{origin}/files/x").parse().unwrap();
            prop_assert_eq!(uri.path(), "/files/x");
        }
    }
}
