//! Ranges, range sets, plans and the assembly machine of chunked uploads: pure, no_std + alloc.
