/// How much of a form is accepted. File bodies are not limited here: the destination's policy does that.
///
/// ```
/// use upload_http_axum::multipart::Limits;
///
/// let mut limits = Limits::default();
/// limits.parts = 8;
/// assert_eq!(limits.head_bytes, 8 * 1024);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Parts in one form, files and fields together. Default 64.
    pub parts: usize,
    /// Bytes of one part's head, with its line ends, its blank line and the padding after its boundary.
    /// Default 8 KiB.
    pub head_bytes: usize,
    /// Bytes of one field collected by [`Form`](super::Form). Default 64 KiB.
    pub field_bytes: usize,
    /// Bytes of all fields of one form collected by [`Form`](super::Form). Default 1 MiB.
    pub total_field_bytes: usize,
    /// Bytes before the first boundary, which are ignored. Default 8 KiB.
    pub preamble_bytes: usize,
    /// Bytes after the closing boundary, which are ignored. Default 8 KiB.
    pub epilogue_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            parts: 64,
            head_bytes: 8 * 1024,
            field_bytes: 64 * 1024,
            total_field_bytes: 1024 * 1024,
            preamble_bytes: 8 * 1024,
            epilogue_bytes: 8 * 1024,
        }
    }
}
