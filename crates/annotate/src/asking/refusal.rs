//! Why a field of a model's reply is not used.

/// A refused field of a reply.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Refusal {
    /// The field: `kind`, `problem`, `approach`, `outcome`, `concepts` or `technologies`. `answer`
    /// if the reply as a whole is refused, because it has no JSON object or is in another language.
    pub field: &'static str,
    /// The refused text, on one line of at most 240 characters.
    pub said: String,
    /// The reason, in words that help the model to correct the field.
    pub reason: String,
    /// The words that are missing from the evidence. The model is not shown them.
    pub missing: Vec<String>,
}
