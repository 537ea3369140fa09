//! The list: what is chosen, and its rows.

use http::header;
use serde_json::json;
use upload_core::record::IndexRecord;
use upload_core::{Inspection, Stage, Timestamp, UploadId};

use super::super::parse::{self, Listing, Query};
use super::super::render;
use super::super::wire::{Kept, Progress};
use super::{BASE64, ID, bad, of, text};

#[test]
fn the_list_has_rows_and_says_where_it_goes_on() {
    let mut seen =
        Inspection::new(UploadId::parse(ID).unwrap(), Stage::Receiving, Timestamp::from_millis(9_000));
    (seen.length, seen.file_name, seen.owner) = (Some(7), Some("a.mp4".into()), "me".into());
    (seen.created, seen.updated) = (Timestamp::from_millis(1_700), Timestamp::from_millis(2_900));
    let kept = Kept { file_id: BASE64.into(), public: true, tags: vec!["x".into()], ..Kept::default() };
    let row = render::row(&seen, kept, Progress::default(), false);
    let expected = format!(
        "{{\"id\":\"uploads-{ID}\",\"file_name\":\"a.mp4\",\"file_size\":7,\"file_path\":null,\"object_key\":\"{ID}.mp4\",\
         \"file_md5\":\"{BASE64}\",\"public\":true,\"permissions\":\"none\",\"resumable\":false,\"resumable_id\":null,\
         \"part_list\":[],\"part_data\":{{}},\"upload_complete\":false,\"uploaded_by\":\"me\",\"tags\":[\"x\"],\
         \"created_at\":1,\"updated_at\":2}}"
    );
    assert_eq!(serde_json::to_string(&row).unwrap(), expected);

    let listing = |query: &str| parse::list(&Query::new(Some(query))).unwrap();
    let rows = [row];
    let answer = render::page(&rows, 5, &listing("limit=1&offset=2&file_search=a%26&tags=x,y"), "/up/");
    assert_eq!(answer.headers()["x-total-count"], "5");
    assert_eq!(answer.headers()[header::CONTENT_RANGE], "items 2-2/5");
    assert_eq!(
        answer.headers()[header::LINK],
        "</up/?offset=3&limit=1&file_search=a%26&tags=x%2Cy>; rel=\"next\""
    );
    let last = render::page(&rows, 5, &listing("limit=1&offset=4"), "/up");
    assert_eq!(
        (last.headers().get(header::LINK), &last.headers()[header::CONTENT_RANGE]),
        (None, &"items 4-4/5".parse().unwrap())
    );
    let none = render::page(&[], 0, &listing(""), "/up");
    assert_eq!(
        (none.headers().get(header::CONTENT_RANGE), &none.headers()["x-total-count"]),
        (None, &"0".parse().unwrap())
    );
    assert_eq!(text(none), "[]");
}

#[test]
fn a_listing_is_chosen_by_name_and_tags() {
    let list = |query: &str| parse::list(&Query::new(Some(query)));
    let all = Listing { search: None, tags: vec![], limit: 100, offset: 0 };
    assert_eq!(list("").unwrap(), all);
    assert_eq!(list("file_search=&tags=&limit=&other=1").unwrap(), all);
    assert_eq!(
        list("limit=99999999999999999999&offset=7").unwrap(),
        Listing { limit: 1000, offset: 7, ..all }
    );
    for (query, name) in [("limit=-1", "limit"), ("limit=x", "limit"), ("offset=1.5", "offset")] {
        assert_eq!(of(list(query)), bad(name, "Int32"));
    }
    let mut record = IndexRecord::new("placeos", "me");
    (record.file_name, record.facts) = (Some("Report 1.pdf".into()), json!({"tags": ["a", "b"]}));
    for (query, wanted) in [
        ("", true),
        ("file_search=ort+1", true),
        ("file_search=xyz", false),
        ("tags=a", true),
        ("tags=a,b", true),
        ("tags=a,%20b", true),
        ("tags=a,c", false),
        ("file_search=Rep&tags=c", false),
    ] {
        assert_eq!(list(query).unwrap().wants(&record), wanted, "{query}");
    }
    let link = |query: &str| parse::link(&Query::new(Some(query)));
    assert_eq!((link("").unwrap(), link("expiry=5").unwrap(), link("expiry=99999").unwrap()), (60, 5, 1440));
    for query in ["expiry=0", "expiry=-1", "expiry=x"] {
        assert_eq!(of(link(query)), bad("expiry", "Int32"), "{query}");
    }
}
