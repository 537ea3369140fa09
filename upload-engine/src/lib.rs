//! The upload engine: drives the machine of upload-core over its ports.
