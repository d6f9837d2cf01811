//! The annotator on the posts of the demo: most of them state a problem, and it is shown.

use std::path::{Path, PathBuf};

use backissue_annotate::{Text, annotate};

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut found: Vec<PathBuf> =
        entries.map(|entry| entry.expect("a folder that opens lists its files").path()).collect();
    found.retain(|path| path.is_dir() || path.extension().is_some_and(|e| e == ending));
    found.sort();
    found
}

/// The text of a post as an extractor gives it, without Markdown's marks.
fn plain(markdown: &str) -> String {
    markdown
        .lines()
        .map(|line| line.trim_start_matches(['#', ' ']).replace(['*', '`'], ""))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn most_demo_posts_have_a_problem() {
    let posts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../demo/posts");
    let (mut all, mut with_problem) = (0, 0);
    for blog in files(&posts, "-").iter().filter(|path| path.is_dir()) {
        let about: toml::Table = std::fs::read_to_string(blog.join("blog.toml")).unwrap().parse().unwrap();
        for path in files(blog, "md") {
            let file = std::fs::read_to_string(&path).unwrap();
            let (head, body) = file.trim_start_matches("+++").split_once("+++").unwrap();
            let head: toml::Table = head.parse().unwrap();
            let text = plain(body);
            let precis = annotate(&Text {
                title: head["title"].as_str().unwrap(),
                text: &text,
                blocks: &[],
                description: head.get("summary").and_then(|summary| summary.as_str()),
                company: about["company"].as_str().unwrap(),
                url: None,
                language: Some("en"),
                tags: &[],
            });
            all += 1;
            assert!(precis.is_backed_by(&text));
            let Some(problem) = &precis.problem else { continue };
            assert!(precis.kind.may_have_problem(), "{}", path.display());
            with_problem += 1;
            for (field, statement) in precis.statements() {
                let dangling = [
                    "This ", "That ", "These ", "Those ", "They ", "It ", "Such ", "After that ", "But ",
                    "So ",
                ];
                assert!(
                    !dangling.iter().any(|word| statement.text.starts_with(word)),
                    "{field}: {}",
                    statement.text
                );
            }
            assert!(problem.text.ends_with(['.', '!', '?']), "{}", problem.text);
        }
    }
    assert_eq!(all, 42);
    assert!(with_problem >= 28, "{with_problem} of {all}");
}
