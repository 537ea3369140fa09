//! JSON that nobody thought of, for PlaceOS's dialect: by itself and behind its router.

use proptest::prelude::*;
use serde_json::Value;

/// Any JSON; names and values that mean something come more often than others.
pub(crate) fn any_json(digest: String) -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "file_name",
        "file_size",
        "file_id",
        "file_mime",
        "file_path",
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
        "10001",
        "x",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (0_u64..12).prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(Value::from(digest)),
        Just(Value::from("3")),
    ];
    leaf.prop_recursive(3, 24, 6, move |inner| {
        prop_oneof![
            1 => prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            4 => prop::collection::btree_map(names.clone().prop_map(str::to_owned), inner, 0..8)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}
