//! Prompts that a person selects in a client.

#![expect(missing_docs, reason = "the macro `prompt` adds a public function without documentation")]

use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{PromptMessage, Role};
use rmcp::{prompt, prompt_router};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::Server;

#[derive(Debug, Deserialize, JsonSchema)]
struct Design {
    /// The problem that the document is about, in a sentence.
    problem: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Interview {
    /// The concept, by its slug or name, as `caching`.
    concept: String,
}

#[prompt_router(router = "prompts", vis = "pub(crate)")]
impl Server {
    /// The prior-art section of a design document.
    #[prompt(
        name = "prior_art_for_a_design_document",
        description = "Write the prior-art section of a design document from the archive"
    )]
    async fn prior_art_for_a_design_document(
        &self,
        Parameters(asked): Parameters<Design>,
    ) -> Vec<PromptMessage> {
        said(format!(
            "I am writing a design document about this problem:\n\n{}\n\nCall `prior_art` with it. Read the three or four reads that \
             fit best with `get_read`, and check each claim against its evidence. Then write a section \"Prior art\": for each \
             approach one paragraph that says who did it, what their situation was, what it changed, and where it would not fit us. \
             Cite each read with its company, title and the address of the article. Say plainly what the archive does not answer.",
            asked.problem.trim()
        ))
    }

    /// An interview with real cases.
    #[prompt(
        name = "prepare_an_interview_on_a_concept",
        description = "Prepare a system-design interview on a concept with real cases"
    )]
    async fn prepare_an_interview_on_a_concept(
        &self,
        Parameters(asked): Parameters<Interview>,
    ) -> Vec<PromptMessage> {
        said(format!(
            "I prepare for a system-design interview on \"{}\". Find five reads of different companies with `search_reads` \
             (`concept:` narrows it) that have a problem and an approach. For each, give me the problem first and wait for my own \
             approach; then tell what the team did and what it changed, from `get_read`, with the evidence, and compare it with mine. \
             Cite the address of each article.",
            asked.concept.trim()
        ))
    }
}

fn said(text: String) -> Vec<PromptMessage> {
    vec![PromptMessage::new_text(Role::User, text)]
}
