//! Computes the cost of a model, per read and per month.

use std::sync::LazyLock;

use backissue_store::{DayUsage, Spent, Store};
use jiff::Timestamp;
use serde::Deserialize;

use backissue_model::Week;

use crate::rows::ModelRow;

/// Estimated tokens per read, until the archive has counted some. They include instructions, the
/// article, and the second reading, which is about half as long again.
const USUAL: PerRead =
    PerRead { input: 7_000.0, output: 700.0, cached: 0.0, written: 0.0, batched: (0.0, 0.0), reads: 0 };

/// The share of the price that a batch saves, at OpenAI and at Anthropic.
const BATCH_DISCOUNT: f64 = 0.5;

/// Number of reads above which their mean is used instead of the estimate.
const ENOUGH_READS: u64 = 5;

/// Number of weeks from which the archive's rhythm is computed.
const RHYTHM_WEEKS: u8 = 4;

/// Weeks in a month, on average.
const WEEKS_PER_MONTH: f64 = 365.25 / 12.0 / 7.0;

/// A price in dollars per million tokens.
#[derive(Clone, Debug, PartialEq)]
pub struct Price {
    input: f64,
    output: f64,
    cached: f64,
    written: f64,
    /// The origin of the price, for people.
    pub origin: String,
}

#[derive(Deserialize)]
struct List {
    as_of: String,
    price: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    host: String,
    model: String,
    input: f64,
    output: f64,
    cached: Option<f64>,
    written: Option<f64>,
}

static LIST: LazyLock<List> = LazyLock::new(|| {
    toml::from_str(include_str!("../data/prices.toml")).expect("the built-in list of prices is valid")
});

impl Entry {
    /// Whether `model` is this model, possibly with a date after its name.
    fn is_of(&self, host: &str, model: &str) -> bool {
        let dated = |rest: &str| {
            let date = rest.strip_prefix('-').unwrap_or("x");
            date.chars().all(|c| c.is_ascii_digit() || c == '-')
        };
        self.host == host
            && model.strip_prefix(&self.model).is_some_and(|rest| rest.is_empty() || dated(rest))
    }
}

impl Price {
    /// The price of a model: the one in the settings, or else the list price. Returns `None` if
    /// neither is known.
    pub fn of(row: &ModelRow) -> Option<Self> {
        if let (Some(input), Some(output)) = (row.input_price, row.output_price) {
            let cached = row.cached_price.unwrap_or(input);
            return Some(Self {
                input,
                output,
                cached,
                written: input,
                origin: "from the settings".to_owned(),
            });
        }
        if row.is_on_this_machine() {
            let origin = "it runs on this machine".to_owned();
            return Some(Self { input: 0.0, output: 0.0, cached: 0.0, written: 0.0, origin });
        }
        let url = row.url();
        let host = url.host_str()?;
        let entry = LIST.price.iter().find(|entry| entry.is_of(host, &row.model))?;
        Some(Self {
            input: entry.input,
            output: entry.output,
            cached: entry.cached.unwrap_or(entry.input),
            written: entry.written.unwrap_or(entry.input),
            origin: format!("list price of {}", LIST.as_of),
        })
    }

    /// Dollars per read.
    pub fn per_read(&self, tokens: &PerRead) -> f64 {
        let PerRead { input, output, cached, written, batched, .. } = *tokens;
        let plain = (input - cached - written).max(0.0);
        let full = plain * self.input + cached * self.cached + written * self.written + output * self.output;
        let saved = (batched.0 * self.input + batched.1 * self.output) * BATCH_DISCOUNT;
        (full - saved).max(0.0) / 1e6
    }

    /// The price in words.
    pub fn told(&self) -> String {
        if self.input == 0.0 && self.output == 0.0 {
            return self.origin.clone();
        }
        format!("{}: {} and {} per million tokens", self.origin, money(self.input), money(self.output))
    }
}

/// Mean tokens per read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PerRead {
    /// Tokens of prompts.
    pub input: f64,
    /// Tokens of replies.
    pub output: f64,
    /// Tokens of prompts from the server's cache.
    pub cached: f64,
    /// Tokens of prompts that were written to the server's cache.
    pub written: f64,
    /// Tokens of prompts and of replies in batches.
    pub batched: (f64, f64),
    /// Number of reads from which the mean was computed. 0 for an estimate.
    pub reads: u64,
}

impl PerRead {
    /// The mean of the counted tokens, or an estimate if too few reads were counted.
    pub fn of(spent: &Spent) -> Self {
        if spent.reads < ENOUGH_READS {
            return USUAL;
        }
        Self::mean(spent, spent.reads)
    }

    fn mean(spent: &Spent, reads: u64) -> Self {
        // Counts of tokens are far below the limit of exact values.
        let mean = |tokens: u64| tokens as f64 / reads as f64;
        Self {
            input: mean(spent.input_tokens),
            output: mean(spent.output_tokens),
            cached: mean(spent.cached_tokens),
            written: mean(spent.cache_writes),
            batched: (mean(spent.batch_input_tokens), mean(spent.batch_output_tokens)),
            reads,
        }
    }

    /// The mean for a model that has not been used yet, without the effect of another server's
    /// cache.
    pub fn of_any(days: &[DayUsage]) -> Self {
        let all = days.iter().fold(Spent::default(), |all, day| sum(all, day.spent));
        Self { cached: 0.0, written: 0.0, batched: (0.0, 0.0), ..Self::of(&all) }
    }

    /// The tokens in words.
    pub fn told(&self) -> String {
        let from = if self.reads == 0 {
            "an estimate until reads are counted".to_owned()
        } else {
            format!("the mean of {} reads", self.reads)
        };
        format!("{:.0} tokens in and {:.0} out per read, {from}", self.input, self.output)
    }
}

/// The cost of all these tokens, in dollars.
pub fn dollars(price: &Price, spent: &Spent) -> f64 {
    price.per_read(&PerRead::mean(spent, 1))
}

/// The sum of two costs.
pub fn sum(a: Spent, b: Spent) -> Spent {
    Spent {
        reads: a.reads + b.reads,
        questions: a.questions + b.questions,
        input_tokens: a.input_tokens + b.input_tokens,
        output_tokens: a.output_tokens + b.output_tokens,
        cached_tokens: a.cached_tokens + b.cached_tokens,
        cache_writes: a.cache_writes + b.cache_writes,
        batch_input_tokens: a.batch_input_tokens + b.batch_input_tokens,
        batch_output_tokens: a.batch_output_tokens + b.batch_output_tokens,
        failures: a.failures + b.failures,
    }
}

/// The archive's rhythm: reads per week, the mean of the last full weeks. Returns `None` if there
/// were none.
pub async fn rhythm(store: &Store, now: Timestamp) -> anyhow::Result<Option<f64>> {
    let mut week = Week::of(now, store.zone());
    let mut reads = 0;
    for _ in 0..RHYTHM_WEEKS {
        week = week.previous();
        reads += store.week_count(week).await?.reads;
    }
    Ok((reads > 0).then(|| reads as f64 / f64::from(RHYTHM_WEEKS)))
}

/// Dollars per month.
pub fn per_month(per_read: f64, reads_per_week: f64) -> f64 {
    per_read * reads_per_week * WEEKS_PER_MONTH
}

/// An amount in dollars, with two significant digits below a cent.
pub fn money(dollars: f64) -> String {
    if dollars == 0.0 || dollars >= 0.1 {
        return format!("${dollars:.2}");
    }
    if dollars < 0.0001 { "under $0.0001".to_owned() } else { format!("${dollars:.4}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use backissue_llm::Protocol;

    fn row(protocol: Protocol, url: Option<&str>, model: &str) -> ModelRow {
        ModelRow { url: url.map(|url| url.parse().unwrap()), ..ModelRow::new("m", protocol, model) }
    }

    #[test]
    fn prices_are_those_of_the_settings_or_the_list() {
        let haiku = Price::of(&row(Protocol::Anthropic, None, "claude-haiku-4-5-20251001")).unwrap();
        assert_eq!((haiku.input, haiku.output), (1.0, 5.0));
        assert!(haiku.told().contains("list price of November 2026: $1.00 and $5.00"), "{}", haiku.told());
        let mini = Price::of(&row(Protocol::OpenAi, None, "gpt-5-mini")).unwrap();
        assert_eq!(mini.input, 0.25, "not that of gpt-5");
        assert_eq!(Price::of(&row(Protocol::OpenAi, None, "gpt-5-codex")), None);
        let elsewhere = row(Protocol::OpenAi, Some("https://models.example/v1"), "gpt-5");
        assert_eq!(Price::of(&elsewhere), None, "the list is that of the provider");
        let own = ModelRow { input_price: Some(2.0), output_price: Some(4.0), ..elsewhere };
        assert_eq!(Price::of(&own).unwrap().output, 4.0);
        let local = Price::of(&row(Protocol::Ollama, None, "qwen3:8b")).unwrap();
        assert_eq!((local.input, local.told().as_str()), (0.0, "it runs on this machine"));
        assert_eq!(Price::of(&row(Protocol::Ollama, None, "gpt-oss:120b-cloud")), None);
    }

    #[test]
    fn cached_tokens_cost_their_own_price() {
        let price = Price::of(&row(Protocol::Anthropic, None, "claude-haiku-4-5")).unwrap();
        let spent = Spent {
            reads: 10,
            input_tokens: 70_000,
            output_tokens: 10_000,
            cached_tokens: 40_000,
            cache_writes: 10_000,
            ..Spent::default()
        };
        let dollars = price.per_read(&PerRead::of(&spent));
        // 2,000 plain, 4,000 cached and 1,000 written tokens, and 1,000 of the reply.
        assert!((dollars - (0.002 + 0.0004 + 0.00125 + 0.005)).abs() < 1e-9, "{dollars}");
        let batched = Spent {
            cached_tokens: 0,
            cache_writes: 0,
            batch_input_tokens: 70_000,
            batch_output_tokens: 10_000,
            ..spent
        };
        let half = price.per_read(&PerRead::of(&batched));
        assert!((half - (0.007 + 0.005) / 2.0).abs() < 1e-9, "{half}");
        let few = PerRead::of(&Spent { reads: 4, ..spent });
        assert!(few.reads == 0 && few.told().contains("estimate"));
        assert!((per_month(0.01, 7.0) - 0.304).abs() < 0.001);
    }

    #[test]
    fn amounts_are_readable_at_every_size() {
        for (dollars, told) in [
            (0.0, "$0.00"),
            (0.00003, "under $0.0001"),
            (0.0071, "$0.0071"),
            (0.25, "$0.25"),
            (12.0, "$12.00"),
        ] {
            assert_eq!(money(dollars), told);
        }
    }
}
