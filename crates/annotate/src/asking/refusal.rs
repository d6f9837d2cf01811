//! Why a field of a reply is not used.

/// A refused field of a reply.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Refusal {
    /// `kind`, `problem`, `approach`, `outcome`, `concepts` or `technologies`; `answer` if the
    /// reply has none, or in another language.
    pub field: &'static str,
    /// What the model wrote, on one line of at most 240 characters.
    pub said: String,
    /// Why it is refused, in words that help the model to correct it.
    pub reason: String,
    /// The words that are missing from the evidence. The model does not get them.
    pub missing: Vec<String>,
}
