//! Content sniffing behind the ports of upload-core.
