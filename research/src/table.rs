//! Markdown tables for the results of chores.

/// A Markdown table.
pub fn table(columns: &[&str], rows: &[Vec<String>]) -> String {
    let lines = rows.iter().map(|row| format!("{}\n", line(row)));
    format!("{}\n{}", head(columns), lines.collect::<String>())
}

/// The first two lines of a table whose rows are printed one after the other.
pub fn head(columns: &[&str]) -> String {
    format!("{}\n|{}", line(columns), " --- |".repeat(columns.len()))
}

/// A row of a table.
pub fn line<S: AsRef<str>>(cells: &[S]) -> String {
    format!("| {} |", cells.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(" | "))
}
