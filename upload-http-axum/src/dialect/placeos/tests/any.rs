//! Whatever comes is read, or refused as the client's fault.

use proptest::prelude::*;

use super::super::parse::{self, Query};
use super::super::settings::PlaceosSettings;
use super::any_json::any_json;
use super::{BASE64, said};

proptest! {
    #[test]
    fn any_json_is_read_or_refused_as_the_clients_fault(value in any_json(BASE64.to_owned()), query in "\\PC{0,40}") {
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
