//! Digests of uploads: algorithms, values, codecs, resumable hashers, several in one pass.
