//! Writes cards as a CSV file that Anki imports, and that is safe to open in a spreadsheet.
//!
//! The lines that begin with `#` are Anki's file headers (Anki manual, "Importing text files"). The
//! address identifies a card, so that importing a newer file updates the cards of an older one.

/// Maximum cards in a file.
pub const CSV_MAX: u32 = 2000;

const HEADERS: &str = "#separator:Comma\r\n#html:false\r\n#guid column:1\r\n#tags column:7\r\n\
    #columns:Address,Problem,Approach,Outcome,Your answer,Article,Tags\r\n";

/// A card, as one row of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CsvCard {
    /// The article's address.
    pub url: String,
    /// The problem.
    pub problem: String,
    /// How the team solved it.
    pub approach: String,
    /// What changed. Empty if the article does not say.
    pub outcome: String,
    /// The reader's last answer.
    pub answer: String,
    /// The article's title and company.
    pub article: String,
    /// The labels and concepts.
    pub tags: Vec<String>,
}

/// The cards as a CSV file that Anki imports.
pub fn csv(cards: &[CsvCard]) -> String {
    let mut file = HEADERS.to_owned();
    for card in cards {
        // Anki separates tags by spaces.
        let tags: Vec<String> = card.tags.iter().map(|tag| tag.replace(' ', "-")).collect();
        let cells = [
            &card.url,
            &card.problem,
            &card.approach,
            &card.outcome,
            &card.answer,
            &card.article,
            &tags.join(" "),
        ];
        file.push_str(&cells.map(|text| cell(text)).join(","));
        file.push_str("\r\n");
    }
    file
}

/// A cell in quotation marks (RFC 4180). A spreadsheet would treat a cell that begins with certain
/// signs as a formula. An apostrophe before the sign prevents this (OWASP, "CSV injection").
fn cell(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) {
        "'"
    } else {
        ""
    };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_are_quoted_and_tagged() {
        let card = CsvCard {
            url: "https://acme.example/1".into(),
            problem: "“One tenant, \"the\" largest,\nstarves others”".into(),
            approach: "A limit".into(),
            article: "Limits, Acme".into(),
            tags: vec!["to read".into(), "rate-limiting".into()],
            ..CsvCard::default()
        };
        let file = csv(&[card]);
        assert!(file.starts_with("#separator:Comma\r\n#html:false\r\n#guid column:1\r\n"), "{file}");
        assert!(
            file.ends_with(
                "\"https://acme.example/1\",\"“One tenant, \"\"the\"\" largest,\nstarves others”\",\"A limit\",\"\",\"\",\
                 \"Limits, Acme\",\"to-read rate-limiting\"\r\n"
            ),
            "{file}"
        );
    }

    #[test]
    fn no_cell_begins_like_a_formula() {
        for hostile in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "=HYPERLINK(\"x\")"] {
            let written = cell(hostile);
            assert!(written.starts_with("\"'"), "{written}");
        }
        assert_eq!(cell("1 = 1"), "\"1 = 1\"");
    }
}
