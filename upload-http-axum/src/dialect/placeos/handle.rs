//! What the handlers do in several calls: what a client told of an upload, and the requests it is given step by step.

mod progress;
mod steps;
