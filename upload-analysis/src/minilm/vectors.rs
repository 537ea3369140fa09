//! What an embedding gives.

use serde::{Serialize, Serializer};

/// The vector of a chunk of the text.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ChunkVector {
    /// Where the chunk begins in the text, in bytes of UTF-8.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// Of 384 dimensions and unit length.
    #[serde(serialize_with = "shortest")]
    pub vector: Vec<f32>,
}

/// The vectors of a text.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Vectors {
    /// Which model: the SHA-256 of its weights. Vectors of different models do not compare.
    pub model: String,
    /// The mean of the chunks' vectors, of unit length. Absent when there is no chunk.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "shortest_of_some")]
    pub combined: Option<Vec<f32>>,
    /// One for each chunk, in their order.
    pub chunks: Vec<ChunkVector>,
    /// Whether the text goes on behind the last chunk.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
}

/// A number that is no `f32` is written with its many digits; this has those that tell it from other `f32`s.
fn shortest<S: Serializer>(vector: &[f32], serializer: S) -> Result<S::Ok, S::Error> {
    let short = |x: &f32| x.to_string().parse().unwrap_or(f64::from(*x));
    serializer.collect_seq(vector.iter().map(short))
}

fn shortest_of_some<S: Serializer>(vector: &Option<Vec<f32>>, serializer: S) -> Result<S::Ok, S::Error> {
    shortest(vector.as_deref().unwrap_or_default(), serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_the_same() {
        let vector = vec![0.1_f32, -0.033_333_335, 1.0e-7, 0.0];
        let vectors = Vectors {
            model: "m".to_owned(),
            combined: Some(vector.clone()),
            chunks: vec![ChunkVector { start: 0, end: 3, vector: vector.clone() }],
            partial: false,
        };
        let json = serde_json::to_value(&vectors).unwrap();
        assert_eq!(json["combined"].to_string(), "[0.1,-0.033333335,1e-7,0.0]");
        assert_eq!(serde_json::from_value::<Vec<f32>>(json["chunks"][0]["vector"].clone()).unwrap(), vector);
        assert!(json.get("partial").is_none());
    }
}
