//! `backissue starter`: lists the starter list.

use backissue_ingest::Starter;
use backissue_model::did_you_mean;
use serde_json::json;

use crate::args::StarterArgs;
use crate::exit::Outcome;
use crate::open;
use crate::output::{self, PLAIN, QUIET, STRONG, say};
use crate::settings::Settings;

/// Prints that there is no such group, with the most similar name.
pub fn tell_unknown_group(list: &Starter, wanted: &str) {
    let hint = did_you_mean(wanted, list.groups.iter().map(|group| group.slug.as_str()));
    let end = if hint.is_empty() { "; `backissue starter` lists them." } else { "" };
    anstream::eprintln!("{}", output::safe(&format!("The starter list has no group “{wanted}”{hint}{end}")));
}

/// Prints the groups, or the blogs of one.
pub fn run(args: &StarterArgs, settings: &Settings) -> anyhow::Result<Outcome> {
    let list = open::starter(settings)?;
    let Some(wanted) = &args.group else {
        if args.json {
            let groups: Vec<_> = list
                .groups
                .iter()
                .map(|g| json!({ "slug": g.slug, "title": g.title, "about": g.about, "sources": g.sources.len() }))
                .collect();
            output::json(&groups)?;
            return Ok(Outcome::Fine);
        }
        for group in &list.groups {
            say!("{STRONG}{}{PLAIN}  {}", group.slug, output::count(group.sources.len() as u64, "blog"))?;
            say!("  {}", group.about)?;
        }
        say!("\nFollow a whole group with `backissue follow --group GROUP`.")?;
        return Ok(Outcome::Fine);
    };
    let Some(group) = list.groups.iter().find(|g| g.slug.as_str() == wanted) else {
        tell_unknown_group(&list, wanted);
        return Ok(Outcome::NotThere);
    };
    if args.json {
        let sources: Vec<_> = group
            .sources
            .iter()
            .map(|s| {
                json!({ "title": s.title, "company": s.company, "site": s.site, "feed": s.feed, "sitemap": s.sitemap,
                        "listing": s.listing, "note": s.note })
            })
            .collect();
        output::json(&sources)?;
        return Ok(Outcome::Fine);
    }
    for source in &group.sources {
        say!("{STRONG}{}{PLAIN}  {}", source.title, source.site)?;
        if let Some(note) = &source.note {
            say!("  {QUIET}{note}{PLAIN}")?;
        }
    }
    Ok(Outcome::Fine)
}
