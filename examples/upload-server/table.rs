//! What is said at the start: the address, then what is served and within which limits.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use upload_core::{Destination, TypeRule, Visibility};

use crate::config::{Config, Durable};
use crate::keys;
use crate::links::public_url;
use crate::secrets;
use crate::stores::{BLOBS, RECORDS, RecordsAt, StoreAt};

/// The first line, and the table below it.
pub(crate) fn table(
    config: &Config,
    address: SocketAddr,
    generated_key: Option<&str>,
    signs: bool,
) -> String {
    let destinations = config.destinations();
    let mut table = Table(format!("listening on http://{address}\n\n"));

    table.section("routes");
    table.row("POST", "/uploads", "a whole upload (form), or a new stream (JSON)");
    table.row("PATCH", "/uploads/{id}", "a chunk of a stream");
    let prefixes: BTreeSet<_> = destinations.iter().map(|to| to.policy.prefix.as_str()).collect();
    for prefix in prefixes {
        table.row("GET, HEAD", &format!("{prefix}/{{name}}"), "the bytes of an upload, whole or a range");
    }
    if config.has_placeos() {
        table.row("*", "/api/engine/v2/uploads…", "PlaceOS: records and signed requests");
    }
    if config.has_direct_upload() {
        table.row("POST", "/api/v1/upload/direct", "Direct Upload: a record and a signed request");
        table.row("PUT", "/api/v1/upload/direct/disk/…", "its bytes");
    }
    if config.has_placeos() || config.has_direct_upload() {
        table.row("*", "/store/…", "what signed requests go to");
    }
    if config.has_pixlab() {
        let links = format!("{}/{{id}}", config.pixlab.links);
        table.row("POST", "/store", "PixLab: an image or a video");
        table.row("GET, HEAD", &links, "for whoever has its link");
    }
    if config.has_wickson() {
        table.row("POST", "/v1/media", "Wickson: a file, processed");
    }
    if config.has_tus() {
        table.row("GET", "/", "a page that uploads files by tus");
        table.row("*", "/files…", "tus 1.0: uploads that resume, and their bytes");
    }
    table.row("GET", "/healthz", "200 while uploads can be taken");
    if config.server.metrics {
        table.row("GET", "/metrics", "counts for Prometheus");
    }

    table.section("destinations");
    for destination in destinations.iter() {
        table.destination(destination);
    }

    table.section("limits");
    let (http, server) = (&config.http, &config.server);
    table.row("one request", &size(http.max_request), "a whole upload in one form; more goes in chunks");
    table.row(
        "body",
        &time(http.idle_timeout.as_secs()),
        &format!("idle, {} in all", time(http.total_timeout.as_secs())),
    );
    let head = format!("for the head of a request; {} connections at once", server.max_connections);
    table.row("head", &time(server.header_timeout), &head);

    table.section("store");
    stores(&mut table, config);
    for (tenant, own) in &config.tenants {
        table.row("store of", tenant, &own.store);
    }
    if signs {
        table.row(
            "signing",
            "the store's",
            "bytes of PlaceOS and Direct Upload go there; let its CORS allow it",
        );
    }
    links(&mut table, config, address);
    if config.open_tus {
        let means = "WARNING: tus takes uploads without a key, from all programs and pages of this machine";
        table.row("open", "/files", means);
    }
    if let Some(key) = generated_key {
        table.row(
            "api key",
            key,
            &format!("generated, as none is configured; kept in {}", config.data.join(keys::FILE).display()),
        );
    }
    table.0
}

/// Where bytes and records are, and what an acknowledgement makes sure of.
fn stores(table: &mut Table, config: &Config) {
    let data = config.data.display().to_string();
    // What cannot be read was refused before.
    let store = config.store_at().unwrap_or(StoreAt::File(None));
    let records = config.records_at().unwrap_or(RecordsAt::Local);
    let (word, means) = match config.durability {
        Durable::Request => ("request", "what was acknowledged survives loss of power"),
        Durable::None => {
            ("none", "WARNING: survives kill -9, but loss of power may cost the whole data directory")
        }
    };
    match &store {
        StoreAt::File(None) => table.row("data", &data, &format!("{BLOBS}/ and {RECORDS}")),
        StoreAt::File(Some(directory)) => {
            table.row("data", &data, RECORDS);
            table.row("store", &directory.display().to_string(), "the bytes");
        }
        StoreAt::Memory => {
            table.row("store", "memory", "WARNING: bytes and records end with the process");
            return;
        }
        StoreAt::Object(url) if records == RecordsAt::Store => {
            table.row("store", url, "bytes and records; other processes may share them");
            table.row("durability", "the store's", "what was acknowledged is in the bucket");
            return;
        }
        StoreAt::Object(url) => {
            table.row("store", url, "the bytes");
            table.row("data", &data, &format!("{RECORDS}; this process alone may use the store"));
        }
    }
    table.row("durability", word, means);
}

/// Links never come from a request's Host.
fn links(table: &mut Table, config: &Config, address: SocketAddr) {
    let why = match config.public_url {
        Some(_) => "as configured",
        None if address.ip().is_unspecified() => {
            "WARNING: only this machine can follow them; set --public-url"
        }
        None => "set --public-url behind a proxy",
    };
    table.row("links", &public_url(config, address), why);
    match &config.secret_file {
        Some(file) => table.row("secrets", &file.display().to_string(), "seal signed requests"),
        None => {
            let file = config.data.join(secrets::FILE).display().to_string();
            table.row("secrets", &file, "generated; seal signed requests");
        }
    }
}

struct Table(String);

impl Table {
    fn section(&mut self, name: &str) {
        self.0.push_str(name);
        self.0.push('\n');
    }

    fn row(&mut self, first: &str, second: &str, third: &str) {
        self.0.push_str(&format!("  {first:<13} {second:<30} {third}\n"));
    }

    fn destination(&mut self, Destination { name, policy, .. }: &Destination) {
        let types = match &policy.types {
            TypeRule::Only(types) => types.join(", "),
            _ => "any type".to_owned(),
        };
        let who = if policy.visibility == Visibility::Public { "; public" } else { "" };
        let chunks = format!("{} in chunks of ≤ {}", size(policy.max_length), size(policy.max_chunk));
        let lifetime = time(policy.lifetime.as_secs());
        self.row(name, &chunks, &format!("{types}; unfinished ones are kept {lifetime}{who}"));
    }
}

/// Bytes in the largest unit that divides them.
fn size(bytes: u64) -> String {
    in_units(bytes, &[(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")], "bytes")
}

/// Seconds in the largest unit that divides them.
fn time(seconds: u64) -> String {
    in_units(seconds, &[(3600, "h"), (60, "min")], "s")
}

fn in_units(value: u64, units: &[(u64, &str)], otherwise: &str) -> String {
    let unit = units.iter().find(|(unit, _)| value >= *unit && value.is_multiple_of(*unit));
    unit.map_or_else(|| format!("{value} {otherwise}"), |(unit, name)| format!("{} {name}", value / unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_in_the_largest_unit_that_divides_them() {
        assert_eq!(
            [size(8 << 20), size(3 << 29), size(1000), size(0)],
            ["8 MiB", "1536 MiB", "1000 bytes", "0 bytes"]
        );
        assert_eq!([time(86400), time(90), time(300)], ["24 h", "90 s", "5 min"]);
    }

    #[test]
    fn an_unspecified_address_gets_local_links_and_a_warning() {
        let config = Config::default();
        let table = table(&config, "0.0.0.0:81".parse().unwrap(), None, false);
        assert!(table.starts_with("listening on http://0.0.0.0:81\n"), "{table}");
        let links = table.lines().find(|line| line.contains("links")).unwrap();
        assert!(links.contains("http://127.0.0.1:81") && links.contains("WARNING"), "{links}");
    }

    #[test]
    fn the_store_is_named_with_what_it_keeps() {
        let row = |store: &str, records: Option<RecordsAt>, name: &str| {
            let config = Config { store: store.to_owned(), records, ..Config::default() };
            let table = table(&config, "127.0.0.1:81".parse().unwrap(), None, false);
            let rows = table.split("\nstore\n").nth(1).unwrap();
            rows.lines()
                .find(|line| line.trim_start().starts_with(name))
                .map(str::to_owned)
                .unwrap_or_default()
        };
        assert!(row("file:", None, "data").contains("blobs/ and records.redb"));
        assert!(row("file:/mnt/x", None, "store").contains("/mnt/x"));
        assert!(row("memory:", None, "store").contains("WARNING"));
        if cfg!(feature = "cloud") {
            assert!(row("s3://bucket/p", None, "store").contains("other processes may share"));
            assert!(row("s3://bucket/p", None, "durability").contains("in the bucket"));
            let local = row("s3://bucket/p", Some(RecordsAt::Local), "data");
            assert!(local.contains("records.redb") && local.contains("this process alone"), "{local}");
        }
    }
}
