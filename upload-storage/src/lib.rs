//! Back ends behind the ports of upload-core: memory, local disk, redb, wrappers, conformance suite.
