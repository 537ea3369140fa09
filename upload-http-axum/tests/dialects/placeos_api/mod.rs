//! The API page's answers, who may do what, and what is refused: see each module.

mod access;
mod answers;
mod completion;
mod downloads;
mod list;
mod refusals;
