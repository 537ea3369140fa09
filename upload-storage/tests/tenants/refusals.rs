//! What stores must have in common, and what comes of their limits.

use std::sync::Arc;

use upload_checksum::Algorithm;
use upload_core::ports::{
    Binding, BlobStore, Capabilities, PartRules, Parts, Signer, StoreErrorKind::Unsupported,
};
use upload_storage::{
    TenantBlobs,
    memory::{MemoryBlobs, MemoryParts},
};

use super::{TENANTS, double::Double, handle};

/// Each is refused as the other's tenant, with these words.
fn refused(one: impl BlobStore + Clone + 'static, other: impl BlobStore + Clone + 'static, words: &str) {
    for (common, own) in [
        (Arc::new(one.clone()) as Arc<dyn BlobStore>, Arc::new(other.clone()) as Arc<dyn BlobStore>),
        (Arc::new(other), Arc::new(one)),
    ] {
        let name = own.capabilities().name;
        let error = TenantBlobs::new(common).with(handle(TENANTS[0]), own).unwrap_err();
        assert_eq!(error.kind, Unsupported);
        let told = error.to_string();
        assert!([words, TENANTS[0], &name].iter().all(|word| told.contains(word)), "{words}: {told}");
    }
}

#[test]
fn stores_that_differ_are_refused() {
    let s3 = || MemoryParts::new(PartRules::s3());
    refused(MemoryBlobs::new(), s3(), "parts");
    let changes: [fn(&mut PartRules); 5] = [
        |rules| rules.min_part += 1,
        |rules| rules.max_part += 1,
        |rules| rules.max_parts += 1,
        |rules| rules.numbered = !rules.numbered,
        |rules| rules.equal = !rules.equal,
    ];
    for change in changes {
        let mut rules = PartRules::s3();
        change(&mut rules);
        refused(s3(), MemoryParts::new(rules), "parts");
    }
    refused(Double::new("moves"), Double { moves: false, ..Double::new("fixed") }, "moving");
    refused(s3(), s3().with_signing(Binding::nothing()), "signing");
    let changes: [fn(&mut Binding); 5] = [
        |binding| binding.digests = &[Algorithm::Md5],
        |binding| binding.keeps_put = !binding.keeps_put,
        |binding| binding.keeps_parts = !binding.keeps_parts,
        |binding| binding.sessions = !binding.sessions,
        |binding| binding.max_put -= 1,
    ];
    for change in changes {
        let mut binding = Binding::nothing();
        change(&mut binding);
        refused(s3().with_signing(Binding::nothing()), s3().with_signing(binding), "signing");
    }
    refused(MemoryBlobs::new(), MemoryBlobs::new().with_shared(true), "shared");
    let mut wide = Double::new("wide");
    wide.capabilities.block = 4096;
    refused(Double::new("narrow"), wide, "block: ");
}

#[test]
fn a_refusal_says_what_was_expected_and_what_came() {
    let mut wide = Double::new("wide");
    wide.capabilities.block = 4096;
    let tenants = TenantBlobs::new(Arc::new(Double::new("narrow")));
    let error = tenants.with(handle(TENANTS[0]), Arc::new(wide)).unwrap_err();
    let expected = "wide, the tenant acme0001's own store, differs from the common one in block: 1 was expected, 4096 came";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_tenant_has_one_store() {
    let store = || Arc::new(MemoryBlobs::new());
    let tenants = TenantBlobs::new(store()).with(handle(TENANTS[0]), store()).unwrap();
    let error = tenants.with(handle(TENANTS[0]), store()).unwrap_err();
    assert_eq!(error.kind, Unsupported);
    assert!(error.to_string().contains("already"), "{error}");
}

#[test]
fn limits_are_the_least_of_all() {
    let store = |name: &str, max_object, max_position| {
        let mut double = Double::new(name);
        (double.capabilities.max_object, double.capabilities.max_position) = (max_object, max_position);
        double.capabilities.block = 8;
        Arc::new(double)
    };
    let tenants = TenantBlobs::new(store("common", 20, 200))
        .with(handle(TENANTS[0]), store("small", 10, 300))
        .unwrap()
        .with(handle(TENANTS[1]), store("near", 30, 100))
        .unwrap();
    let mut expected = Capabilities::new("tenants: common");
    (expected.max_object, expected.max_position, expected.block) = (10, 100, 8);
    expected.by_tenant = true;
    assert_eq!(tenants.capabilities(), expected);
    assert!(!tenants.capabilities().shared);
    assert!(TenantBlobs::new(Arc::new(MemoryBlobs::new().with_shared(true))).capabilities().shared);
}

/// What the common store has, all have.
#[test]
fn what_is_offered_is_what_the_common_store_has() {
    let in_place = TenantBlobs::new(Arc::new(MemoryBlobs::new()));
    assert!(in_place.parts().is_none() && in_place.mover().is_some() && in_place.signer().is_none());
    let rules = PartRules::azure();
    let mut binding = Binding::nothing();
    binding.max_put = 7;
    let in_parts = TenantBlobs::new(Arc::new(MemoryParts::new(rules).with_signing(binding)));
    assert!(in_parts.mover().is_none());
    assert_eq!(in_parts.parts().map(Parts::rules), Some(rules));
    assert_eq!(in_parts.signer().map(Signer::binding), Some(binding));
}
