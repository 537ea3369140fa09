//! Programs over the upload engine, upload-server first; the house tests.
