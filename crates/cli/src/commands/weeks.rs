//! `backissue weeks`: all weeks with reads.

use crate::args::WeeksArgs;
use crate::exit::Outcome;
use crate::open;
use crate::output::{self, PLAIN, QUIET, STRONG, say};
use crate::settings::Settings;
use serde_json::json;

/// Maximum length of a bar in characters.
const WIDEST: u64 = 40;

/// Lists the weeks, newest first, each with a bar.
pub async fn run(args: WeeksArgs, settings: Settings) -> anyhow::Result<Outcome> {
    let store = open::store(&settings).await?;
    let mut weeks = store.weeks().await?;
    let years = weeks.last().zip(weeks.first()).map(|(old, new)| (old.week.year(), new.week.year()));
    weeks.retain(|w| args.year.is_none_or(|year| w.week.year() == year));
    if let Some(format) = args.list.json() {
        let rows: Vec<_> = weeks
            .iter()
            .map(|w| json!({ "week": w.week, "reads": w.reads, "problems": w.problems }))
            .collect();
        output::json_list(format, &rows)?;
        return Ok(Outcome::Fine);
    }
    if let (true, Some(year), Some((oldest, newest))) = (weeks.is_empty(), args.year, years) {
        let span = if oldest == newest { oldest.to_string() } else { format!("{oldest}–{newest}") };
        say!("There are no reads of {year}; the archive has {span}.")?;
        return Ok(Outcome::NotThere);
    }
    let Some(busiest) = weeks.iter().map(|w| w.reads).max() else {
        say!(
            "There are no reads yet. `backissue sync` fetches them; `backissue sources` says what is followed."
        )?;
        return Ok(Outcome::NotThere);
    };
    for count in weeks {
        let bar =
            "▪".repeat(usize::try_from((count.reads * WIDEST).div_ceil(busiest.max(WIDEST))).unwrap_or(0));
        say!(
            "{STRONG}{}{PLAIN} {:>4}  {bar}  {QUIET}{} to {}{PLAIN}",
            count.week,
            count.reads,
            count.week.monday(),
            count.week.sunday()
        )?;
    }
    Ok(Outcome::Fine)
}
