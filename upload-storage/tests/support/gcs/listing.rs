//! Listings of objects.

use std::{collections::BTreeSet, ops::Bound};

use super::{Answer, Ask, Bucket, xml};

impl Bucket {
    pub fn list_objects(&mut self, ask: &Ask) -> Answer {
        assert_eq!(ask.get("list-type"), "2", "only the second version of listings is known");
        let (prefix, delimiter) = (ask.get("prefix"), ask.get("delimiter"));
        let most = ask.get("max-keys").parse().unwrap_or(100).min(100);
        let after = match ask.get("continuation-token") {
            "" => ask.get("start-after"),
            token => token,
        };
        let (mut inside, mut count, mut last) = (String::new(), 0, String::new());
        let (mut groups, mut truncated) = (BTreeSet::new(), false);
        let range = (Bound::Excluded(after.to_owned()), Bound::Unbounded);
        for (key, object) in self.objects.range::<String, _>(range).filter(|(key, _)| key.starts_with(prefix))
        {
            let group = key[prefix.len()..].find(delimiter).filter(|_| !delimiter.is_empty());
            let group = group.map(|at| &key[..prefix.len() + at + delimiter.len()]);
            if group.is_some_and(|group| groups.contains(group)) {
                last.clone_from(key);
                continue;
            }
            if count == most {
                truncated = true;
                break;
            }
            count += 1;
            last.clone_from(key);
            match group {
                Some(group) => {
                    groups.insert(group);
                    inside += &format!("<CommonPrefixes><Prefix>{group}</Prefix></CommonPrefixes>");
                }
                None => {
                    let (etag, size) = (object.etag.replace('"', "&quot;"), object.bytes.len());
                    inside += &format!(
                        "<Contents><Key>{key}</Key><ETag>{etag}</ETag><Generation>{}</Generation><Size>{size}</Size>\
                         <LastModified>2026-11-21T10:00:00.000Z</LastModified></Contents>",
                        object.generation,
                    );
                }
            }
        }
        if truncated {
            inside += &format!("<NextContinuationToken>{last}</NextContinuationToken>");
        }
        xml("ListBucketResult", format!("<IsTruncated>{truncated}</IsTruncated>{inside}"))
    }
}
