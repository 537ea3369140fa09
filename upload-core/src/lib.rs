//! The nouns of the upload engine: destinations, lifecycle machine, records, errors, ports.
