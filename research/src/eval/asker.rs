//! Makes précis of labelled reads with a language model, in the same way as the program, and
//! collects statistics of the gate.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::Context;
use backissue_annotate::asking::{
    ARTICLE_CHARACTERS, Asking, FIELDS, PromptSettings, PromptVersion, Question, Readings, Refusal,
};
use backissue_annotate::{Text, annotate};
use backissue_llm::{Model, ModelError, ModelSettings, Prompt, Protocol, Reply, Secret, Usage};
use backissue_model::Precis;
use jiff::SignedDuration;
use tokio::runtime::Runtime;
use url::Url;

use super::statistics::{mean, percentile};
use crate::table::table;

/// The evaluated language model, with the fields of `[[model]]` in the configuration file as flags.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "A language model instead of the built-in annotator alone")]
pub struct ModelFlags {
    /// The server's name for it
    #[arg(long)]
    model: Option<String>,
    /// The protocol of its server: openai (Ollama, vLLM, llama.cpp too), anthropic, gemini
    #[arg(long, requires = "model", default_value_t = Protocol::OpenAi)]
    protocol: Protocol,
    /// Its server's address with the version [default: the protocol's usual one]
    #[arg(long, requires = "model")]
    url: Option<Url>,
    /// The environment variable with the key
    #[arg(long, requires = "model", value_name = "VARIABLE")]
    key_env: Option<String>,
    /// Time limit for one response, for example 10m [default: the program's]
    #[arg(long, requires = "model", value_name = "TIME")]
    timeout: Option<SignedDuration>,
    /// Maximum characters of an article in a prompt
    #[arg(long, requires = "model", value_name = "CHARACTERS", default_value_t = ARTICLE_CHARACTERS)]
    article_characters: usize,
    /// The version of the prompt: full, short, or 2, 3, 3-short
    #[arg(long, requires = "model", value_name = "VERSION", default_value = "full")]
    prompt: PromptVersion,
}

impl ModelFlags {
    /// The model's client. Returns `None` if no model is named.
    ///
    /// # Errors
    /// If its key is missing, or the flags are invalid.
    pub fn asker(self) -> anyhow::Result<Option<Asker>> {
        let Some(model) = self.model else { return Ok(None) };
        let mut settings = ModelSettings::new(&model, self.protocol, &model);
        settings.url = self.url.unwrap_or(settings.url);
        if let Some(variable) = &self.key_env {
            let key = std::env::var(variable).with_context(|| format!("${variable} is not set"))?;
            settings.key = Some(Secret::new(&key));
        }
        if let Some(timeout) = self.timeout {
            settings.timeout = timeout.try_into().context("a time-out cannot be negative")?;
        }
        let prompt = PromptSettings { version: self.prompt, characters: self.article_characters };
        Asker::new(Model::new(settings, &[])?, prompt).map(Some)
    }
}

/// Annotates reads with a model and collects statistics.
pub struct Asker {
    model: Model,
    prompt: PromptSettings,
    runtime: Runtime,
    asked: Vec<Asked>,
}

/// The result for one read.
struct Asked {
    /// The refusals of each reply.
    refused: Vec<Vec<Refusal>>,
    /// The number of replies, with those of the second reading.
    replies: usize,
    /// The error of the model, if it ended the dialogue before the gate did.
    failure: Option<ModelError>,
    usage: Usage,
    took: Duration,
}

impl Asker {
    fn new(model: Model, prompt: PromptSettings) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { model, prompt, runtime, asked: Vec::new() })
    }

    /// The model's précis of a text, with the fields that the gate accepted, and the refusals. If
    /// the model fails on this text, the other fields are the built-in annotator's.
    ///
    /// # Errors
    /// If the model would fail on other texts too.
    pub fn precis(&mut self, text: &Text<'_>) -> anyhow::Result<(Precis, Vec<Refusal>)> {
        let began = Instant::now();
        let built_in = annotate(text);
        let mut asked = Asked {
            refused: Vec::new(),
            replies: 0,
            failure: None,
            usage: Usage::default(),
            took: Duration::ZERO,
        };
        let Some(asking) = Asking::about(*text, built_in.clone(), self.prompt) else {
            return Ok((built_in, Vec::new()));
        };
        let mut readings = Readings::default();
        while let Some(question) = asking.next_question(&readings) {
            match self.ask(&question) {
                Ok(Reply { text, usage }) => {
                    asked.usage.input_tokens += usage.input_tokens;
                    asked.usage.output_tokens += usage.output_tokens;
                    asked.replies += 1;
                    asking.read(&mut readings, &text);
                }
                Err(error) if error.is_about_the_model() => return Err(error.into()),
                Err(error) => {
                    asked.failure = Some(error);
                    break;
                }
            }
        }
        asked.refused = readings.rounds().map(<[Refusal]>::to_vec).collect();
        asked.took = began.elapsed();
        let refused = asked.refused.concat();
        self.asked.push(asked);
        let precis = if readings.have_an_answer() {
            asking.settle(&readings, &self.model.settings().model).precis
        } else {
            built_in
        };
        Ok((precis, refused))
    }

    fn ask(&self, question: &Question) -> Result<Reply, ModelError> {
        let Question { system, user, schema, .. } = question;
        self.runtime.block_on(self.model.ask(&Prompt { system, user, schema }))
    }

    /// The statistics as tables.
    pub fn account(&self) -> String {
        let head = format!("## The model {}\n\n", self.model.settings().model);
        head + &self.costs() + "\n" + &self.fields() + "\n" + &self.reasons() + &self.failures()
    }

    fn costs(&self) -> String {
        let questions: usize = self.asked.iter().map(|asked| asked.replies).sum();
        let input: u64 = self.asked.iter().map(|asked| asked.usage.input_tokens).sum();
        let output: u64 = self.asked.iter().map(|asked| asked.usage.output_tokens).sum();
        let mut times: Vec<f64> = self.asked.iter().map(|asked| asked.took.as_secs_f64()).collect();
        times.sort_by(f64::total_cmp);
        let seconds = |time: f64| format!("{time:.1}");
        let row = vec![
            self.asked.len().to_string(),
            questions.to_string(),
            input.to_string(),
            output.to_string(),
            seconds(mean(times.iter().copied())),
            seconds(percentile(&times, 50.0)),
            seconds(percentile(&times, 100.0)),
        ];
        let head = ["reads", "replies", "tokens in", "tokens out", "seconds a read", "p50", "longest"];
        table(&head, &[row])
    }

    /// The gate's decisions per field.
    fn fields(&self) -> String {
        let row = |field: &&str| {
            let mut counts = [0; 4];
            for asked in &self.asked {
                counts[asked.fate(field) as usize] += 1;
            }
            [vec![(*field).to_owned()], counts.map(|count: usize| count.to_string()).to_vec()].concat()
        };
        let head = ["field", "passed at once", "passed when asked again", "refused twice", "not answered"];
        table(&head, &FIELDS.iter().map(row).collect::<Vec<_>>())
    }

    /// The gate's reasons, most frequent first.
    fn reasons(&self) -> String {
        let mut counts: BTreeMap<String, [usize; 2]> = BTreeMap::new();
        for asked in &self.asked {
            for (at, refusals) in asked.refused.iter().enumerate() {
                for refusal in refusals {
                    counts.entry(in_general(&refusal.reason)).or_default()[at] += 1;
                }
            }
        }
        let mut counts: Vec<(String, [usize; 2])> = counts.into_iter().collect();
        counts.sort_by_key(|(_, [first, second])| std::cmp::Reverse(first + second));
        let row = |(reason, [first, second]): &(String, [usize; 2])| {
            vec![reason.clone(), first.to_string(), second.to_string()]
        };
        let head = ["the gate's reason", "first answers", "second answers"];
        table(&head, &counts.iter().map(row).collect::<Vec<_>>())
    }

    fn failures(&self) -> String {
        let failures = self.asked.iter().filter_map(|asked| asked.failure.as_ref());
        failures.map(|failure| format!("\nA question was not answered: {failure}\n")).collect()
    }
}

/// The result for a field of a read.
#[derive(Clone, Copy)]
enum Fate {
    AtOnce,
    Again,
    RefusedTwice,
    NotAnswered,
}

impl Asked {
    fn fate(&self, field: &str) -> Fate {
        let passes =
            |refusals: &Vec<Refusal>| refusals.iter().all(|r| r.field != field && r.field != "answer");
        match self.refused.as_slice() {
            [first, ..] if passes(first) => Fate::AtOnce,
            [_, second, ..] if passes(second) => Fate::Again,
            [_, _, ..] => Fate::RefusedTwice,
            _ => Fate::NotAnswered,
        }
    }
}

/// The reason of a refusal without details: numbers, quoted words, and the findings of a second
/// reading.
fn in_general(reason: &str) -> String {
    let reason = reason.split_once(": ").map_or(reason, |(general, _)| general);
    // Quoted parts are at the odd positions.
    let parts: Vec<&str> = reason.split(['“', '”']).collect();
    let general = match parts.as_slice() {
        [first, .., last] if parts.len() > 1 => format!("{first}“…”{last}"),
        _ => reason.to_owned(),
    };
    general.split(|c: char| c.is_ascii_digit()).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("N")
}

#[cfg(test)]
mod tests {
    use super::*;
    use backissue_tests::stand_in_model::{Does, StandInModel};

    const ARTICLE: Text<'_> = Text::plain(
        "A lock for every job",
        "The nightly import failed whenever two jobs took the same lock. We gave each job a lock of its own.",
        "Acme",
    );

    fn answer(outcome: &str) -> String {
        format!(
            r#"{{"kind": "case-study", "concepts": [], "technologies": [],
            "problem": {{"text": "Acme's nightly import failed whenever two jobs took the same lock.", "sentences": [1]}},
            "approach": {{"text": "Acme gave each job a lock of its own.", "sentences": [2]}}, "outcome": {outcome}}}"#
        )
    }

    fn asker(server: &StandInModel) -> Asker {
        let mut settings = ModelSettings::new("m", Protocol::OpenAi, "m");
        settings.url = server.url("openai").parse().unwrap();
        Asker::new(Model::new(settings, &[]).unwrap(), PromptSettings::default()).unwrap()
    }

    #[test]
    fn replies_pass_the_gate_and_are_counted() {
        let made_up = answer(r#"{"text": "The import has not failed for 40 days.", "sentences": [2]}"#);
        let server = StandInModel::start(move |asked| {
            let said = r#"{"beyond": "", "said": "yes"}"#;
            Does::Says(match asked.before {
                0 => made_up.clone(),
                1 => format!(r#"{{"problem": {said}, "approach": {said}}}"#),
                _ => answer("null"),
            })
        })
        .unwrap();
        let mut asker = asker(&server);
        let (precis, refused) = asker.precis(&ARTICLE).unwrap();
        assert_eq!(precis.approach.unwrap().text, "Acme gave each job a lock of its own.");
        assert_eq!((precis.outcome, refused[0].field), (None, "outcome"));
        let account = asker.account();
        assert!(account.contains("\n| 1 | 3 | ") && account.contains(" | 30 | "), "{account}");
        assert!(account.contains("| approach | 1 | 0 | 0 | 0 |"), "{account}");
        assert!(account.contains("| outcome | 0 | 1 | 0 | 0 |"), "{account}");
        assert!(account.contains("| a name, a figure or a term of it does not stand in"), "{account}");
    }

    #[test]
    fn failure_is_counted_and_a_model_that_is_down_ends_it() {
        let server = StandInModel::start(|asked| match asked.before {
            0 => Does::Sends(b"{}".to_vec()),
            _ => Does::Refuses(401, None, "no".into()),
        })
        .unwrap();
        let mut asker = asker(&server);
        let (precis, _) = asker.precis(&ARTICLE).unwrap();
        assert_eq!(precis, annotate(&ARTICLE));
        let account = asker.account();
        assert!(account.contains("| problem | 0 | 0 | 0 | 1 |"), "{account}");
        assert!(account.contains("A question was not answered: model `m` said nothing"), "{account}");
        assert!(asker.precis(&ARTICLE).is_err_and(|error| error.to_string().contains("key")));
    }

    #[test]
    fn reasons_are_counted_without_details() {
        for (reason, general) in [
            ("there is no sentence [12]", "there is no sentence [N]"),
            ("“great” is praise; leave it out", "“…” is praise; leave it out"),
            (
                "a second reader did not find all of it in the sentences that it names: they only plan it",
                "a second reader did not find all of it in the sentences that it names",
            ),
            ("it is empty; use null", "it is empty; use null"),
        ] {
            assert_eq!(in_general(reason), general);
        }
    }
}
