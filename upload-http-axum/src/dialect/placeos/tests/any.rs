//! Whatever comes is read, or refused as the client's fault.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::parse::{self, Query};
use super::super::settings::PlaceosSettings;
use super::{BASE64, said};

/// Any JSON, with the names that are known more often than others.
fn any_json() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "file_name",
        "file_size",
        "file_id",
        "file_mime",
        "part",
        "md5",
        "part_list",
        "part_data",
        "part_update",
        "resumable_id",
        "tags",
        "public",
        "permissions",
        "expires",
        "1",
        "0",
        "x",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        Just(json!(BASE64)),
        Just(json!("7")),
    ];
    leaf.prop_recursive(3, 24, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(names.clone().prop_map(str::to_owned), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_json_is_read_or_refused_as_the_clients_fault(value in any_json(), query in "\\PC{0,40}") {
        let settings = PlaceosSettings::default();
        let query = Query::new(Some(&query));
        let mut failures = Vec::new();
        match parse::object(value.to_string().as_bytes()) {
            Err(failure) => failures.push(failure),
            Ok(object) => {
                failures.extend(parse::create(&object, &settings).map(|new| drop(new.begin(&settings, "me"))).err());
                failures.extend(parse::patch(&query, &object).err());
                failures.extend(parse::progress(&object).err());
                let _ = parse::tells_progress(&object);
            }
        }
        failures.extend(parse::list(&query).err());
        failures.extend(parse::link(&query).err());
        failures.extend(parse::edit(&query).err());
        failures.extend(parse::asked(&query, &settings).err());
        for failure in failures {
            let (status, _) = said(&failure);
            prop_assert!(status == 400 || status == 422, "{:?}", failure);
        }
    }
}
