/// What a call that returned has made sure of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Durability {
    /// What was acknowledged survives loss of power: every acknowledgement waits for the disk.
    #[default]
    Request,
    /// What was acknowledged survives the end of the process, however sudden; loss of power may cost the whole
    /// store. A flush syncs, and so does the next start with [`Request`](Self::Request).
    None,
}
