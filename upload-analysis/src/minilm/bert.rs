//! The network: BERT's encoder, the mean of its last layer, of unit length.
//! (Devlin et al. 2018; Reimers and Gurevych 2019; Wang et al. 2020.)

use std::collections::HashMap;

use candle_core::{D, DType, Device, Module, Result, Tensor};
use candle_nn::{
    Embedding, LayerNorm, Linear, VarBuilder, embedding, layer_norm, linear, ops::softmax_last_dim,
};
use serde::Deserialize;

/// Dimensions of a vector.
pub(super) const DIMENSIONS: usize = 384;

/// What `config.json` says of the network.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Config {
    hidden_act: String,
    hidden_size: usize,
    intermediate_size: usize,
    layer_norm_eps: f64,
    pub(super) max_position_embeddings: usize,
    model_type: String,
    num_attention_heads: usize,
    num_hidden_layers: usize,
    type_vocab_size: usize,
    vocab_size: usize,
}

impl Config {
    /// What is wrong with it, if anything is.
    pub(super) fn check(&self) -> std::result::Result<(), String> {
        let Self { hidden_act, hidden_size, model_type, num_attention_heads: heads, .. } = self;
        if model_type != "bert" || hidden_act != "gelu" {
            return Err(format!(
                "expected a model of type bert with gelu, found {model_type} with {hidden_act}"
            ));
        }
        if *hidden_size != DIMENSIONS || *heads == 0 || hidden_size % heads != 0 {
            return Err(format!("expected {DIMENSIONS} dimensions in heads, found {hidden_size} in {heads}"));
        }
        Ok(())
    }
}

/// The network with its weights.
pub(super) struct Bert {
    words: Embedding,
    positions: Embedding,
    types: Embedding,
    norm: LayerNorm,
    layers: Vec<Layer>,
}

impl Bert {
    /// From the weights by name.
    pub(super) fn new(weights: HashMap<String, Tensor>, config: &Config) -> Result<Self> {
        let weights = VarBuilder::from_tensors(weights, DType::F32, &Device::Cpu);
        let (size, eps) = (config.hidden_size, config.layer_norm_eps);
        let (first, layers) = (weights.pp("embeddings"), weights.pp("encoder.layer"));
        Ok(Self {
            words: embedding(config.vocab_size, size, first.pp("word_embeddings"))?,
            positions: embedding(config.max_position_embeddings, size, first.pp("position_embeddings"))?,
            types: embedding(config.type_vocab_size, size, first.pp("token_type_embeddings"))?,
            norm: layer_norm(size, eps, first.pp("LayerNorm"))?,
            layers: (0..config.num_hidden_layers)
                .map(|n| Layer::new(&layers.pp(n), config))
                .collect::<Result<_>>()?,
        })
    }

    /// The vector of unit length that stands for these tokens; `None` as soon as it is cancelled.
    pub(super) fn embed(&self, ids: &[u32], is_cancelled: impl Fn() -> bool) -> Result<Option<Vec<f32>>> {
        let positions = Tensor::arange(0, u32::try_from(ids.len())?, &Device::Cpu)?;
        let words = self.words.forward(&Tensor::new(ids, &Device::Cpu)?)?;
        let types = self.types.forward(&Tensor::zeros(ids.len(), DType::U32, &Device::Cpu)?)?;
        let mut state = self.norm.forward(&((words + types)? + self.positions.forward(&positions)?)?)?;
        for layer in &self.layers {
            if is_cancelled() {
                return Ok(None);
            }
            state = layer.forward(&state)?;
        }
        let mean = state.mean(0)?.to_vec1::<f32>()?;
        Ok(Some(unit(mean)))
    }
}

/// The vector of this direction and of length 1. A vector of no length stays as it is.
pub(super) fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt();
    if length > 0.0 {
        vector.iter_mut().for_each(|x| *x = (f64::from(*x) / length) as f32);
    }
    vector
}

struct Layer {
    query: Linear,
    key: Linear,
    value: Linear,
    attended: Linear,
    attended_norm: LayerNorm,
    wide: Linear,
    narrow: Linear,
    norm: LayerNorm,
    heads: usize,
}

impl Layer {
    fn new(weights: &VarBuilder<'_>, config: &Config) -> Result<Self> {
        let (size, wide, eps) = (config.hidden_size, config.intermediate_size, config.layer_norm_eps);
        let attention = weights.pp("attention.self");
        let attended = weights.pp("attention.output");
        let output = weights.pp("output");
        Ok(Self {
            query: linear(size, size, attention.pp("query"))?,
            key: linear(size, size, attention.pp("key"))?,
            value: linear(size, size, attention.pp("value"))?,
            attended: linear(size, size, attended.pp("dense"))?,
            attended_norm: layer_norm(size, eps, attended.pp("LayerNorm"))?,
            wide: linear(size, wide, weights.pp("intermediate.dense"))?,
            narrow: linear(wide, size, output.pp("dense"))?,
            norm: layer_norm(size, eps, output.pp("LayerNorm"))?,
            heads: config.num_attention_heads,
        })
    }

    /// Of shape (tokens, dimensions), as its result.
    fn forward(&self, state: &Tensor) -> Result<Tensor> {
        let (tokens, size) = state.dims2()?;
        let width = size / self.heads;
        // (heads, tokens, width)
        let split = |x: Tensor| x.reshape((tokens, self.heads, width))?.transpose(0, 1)?.contiguous();
        let query = split((self.query.forward(state)? / (width as f64).sqrt())?)?;
        let key = split(self.key.forward(state)?)?;
        let value = split(self.value.forward(state)?)?;
        let attention = softmax_last_dim(&query.matmul(&key.transpose(D::Minus1, D::Minus2)?)?)?;
        let attended = attention.matmul(&value)?.transpose(0, 1)?.reshape((tokens, size))?;
        let state = self.attended_norm.forward(&(self.attended.forward(&attended)? + state)?)?;
        let wide = self.wide.forward(&state)?.gelu_erf()?;
        self.norm.forward(&(self.narrow.forward(&wide)? + state)?)
    }
}
