//! Load generator, bare peer and micro benchmarks.
