//! The output of `--json` conforms to its schema.

use std::io::Write;
use std::process::{Command, Stdio};

use backissue_needs::{needs, schemathesis};
use backissue_tests::made_up_web::{Document, MadeUpWeb};
use backissue_tests::program::Archive;
use backissue_tests::stand_in_chat::StandInChat;
use serde_json::Value;

use crate::webhooks::publish;

/// The words of each command that has a schema, with what it needs.
const RUNS: [(&str, &[&str]); 21] = [
    ("backfill --dry-run", &["backfill", "--dry-run"]),
    ("config", &["config"]),
    ("doctor", &["doctor"]),
    ("find", &["find", "queue"]),
    ("models", &["models", "--no-test"]),
    ("models --refusals", &["models", "--refusals"]),
    ("models --usage", &["models", "--usage"]),
    ("prior-art", &["prior-art", "queue"]),
    ("reader list", &["reader", "list"]),
    ("searches", &["searches"]),
    ("send", &["send"]),
    ("shelf", &["shelf"]),
    ("sources", &["sources"]),
    ("sources --health", &["sources", "--health"]),
    ("starter", &["starter"]),
    ("starter GROUP", &["starter", "open-source-projects"]),
    ("token list", &["token", "list"]),
    ("webhook list", &["webhook", "list"]),
    ("week", &["week"]),
    ("weeks", &["weeks"]),
    ("withdraw", &["withdraw"]),
];

/// The violations of a schema in a document, according to the library that schemathesis uses.
fn wrong(schema: &Value, document: &Value) -> String {
    const VALIDATE: &str = "import json, sys, jsonschema_rs\n\
        schema, document = json.load(sys.stdin)\n\
        validator = jsonschema_rs.Draft202012Validator(schema)\n\
        print('\\n'.join(f'{e.message} at {e.instance_path}' for e in validator.iter_errors(document)))";
    let python = schemathesis().unwrap().with_file_name("python");
    let mut python = Command::new(python);
    python.args(["-c", VALIDATE]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut python = python.spawn().unwrap();
    let input = serde_json::to_vec(&[schema, document]).unwrap();
    python.stdin.take().unwrap().write_all(&input).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success(), "the validator failed");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Changes a schema so that its objects refuse fields that it does not name.
fn deny_others(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if object.contains_key("properties") {
                object.entry("additionalProperties").or_insert(Value::Bool(false));
            }
            object.values_mut().for_each(deny_others);
        }
        Value::Array(items) => items.iter_mut().for_each(deny_others),
        _ => {}
    }
}

fn filled(chat: &StandInChat, folder: &std::path::Path) -> (MadeUpWeb, Archive) {
    let config = folder.join("config.toml");
    let text = format!(
        "[[recipient]]\nname = \"ops\"\nchat = \"webhook\"\nurl = \"{}\"\n\
         [[model]]\nname = \"mine\"\nprotocol = \"openai\"\nurl = \"http://127.0.0.1:9/v1\"\nmodel = \"m\"\n",
        chat.url("/ops")
    );
    std::fs::write(&config, text).unwrap();
    let web = MadeUpWeb::start([].into()).unwrap();
    publish(&web, 2);
    // What a dry run finds.
    let url = |n| format!("<url><loc>http://acme.example/{n}</loc><lastmod>2024-05-0{n}</lastmod></url>");
    let urls: String = (3..6).map(url).collect();
    let sitemap = format!("<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">{urls}</urlset>");
    web.put([("acme.example/sitemap.xml".to_owned(), Document::new("application/xml", sitemap))].into());
    let mut flags = web.arguments();
    flags.extend(["--config".to_owned(), config.display().to_string()]);
    let archive = Archive::new(flags).unwrap();
    archive.done(&["follow", "http://acme.example/feed"]).unwrap();
    archive.done(&["sync"]).unwrap();
    let week = archive.json(&["week"]).unwrap();
    let read = |n: usize| week["reads"][n]["id"].to_string();
    archive.done(&["keep", &read(0)]).unwrap();
    archive.done(&["note", &read(0), "A thought"]).unwrap();
    archive.done(&["withdraw", &read(1)]).unwrap();
    archive.done(&["searches", "add", "queues", "queue"]).unwrap();
    archive.done(&["token", "add", "script", "--days", "3"]).unwrap();
    archive.done(&["webhook", "add", &chat.url("/hook"), "--event", "week.closed"]).unwrap();
    archive.done(&["webhook", "test", "1"]).unwrap();
    (web, archive)
}

#[test]
fn json_of_each_listing_command_is_as_its_schema_says() {
    needs!(Schemathesis);
    let (chat, folder) = (StandInChat::start().unwrap(), tempfile::tempdir().unwrap());
    let (_web, archive) = filled(&chat, folder.path());
    let listed = archive.done(&["schema"]).unwrap();
    assert_eq!(listed.lines().collect::<Vec<_>>(), RUNS.map(|(name, _)| name));
    let mut faults = Vec::new();
    for (name, words) in RUNS {
        let mut schema: Value = serde_json::from_str(&archive.done(&["schema", name]).unwrap()).unwrap();
        assert!(schema["$id"].as_str().unwrap().starts_with("urn:backissue:"), "{name}");
        // A new field leaves the version, so the schema permits it. Here each has to be in it.
        deny_others(&mut schema);
        let words = [words, &["--json"]].concat();
        let said = archive.run(&words).unwrap();
        let printed: Value =
            serde_json::from_str(&said.out).unwrap_or_else(|e| panic!("{name}: {e}: {}", said.err));
        assert!(printed.as_array().is_none_or(|items| !items.is_empty()), "{name} lists nothing");
        let found = wrong(&schema, &printed);
        if !found.is_empty() {
            faults.push(format!("{name}: {found}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let slip = archive.run(&["schema", "sourcs"]).unwrap();
    assert!(slip.code == 3 && slip.err.contains("sources"), "{}", slip.err);
}

#[test]
fn long_lists_are_printed_a_line_per_item() {
    let (chat, folder) = (StandInChat::start().unwrap(), tempfile::tempdir().unwrap());
    let (_web, archive) = filled(&chat, folder.path());
    for words in [&["weeks"][..], &["sources"], &["sources", "--health"], &["shelf"], &["week"]] {
        let whole = archive.json(words).unwrap();
        let items = whole.as_array().or_else(|| whole["reads"].as_array()).unwrap();
        let lines = archive.done(&[words, &["--format", "ndjson"]].concat()).unwrap();
        let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(&lines, items, "{words:?}");
        let named = archive.done(&[words, &["--format", "json"]].concat()).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&named).unwrap(), whole, "{words:?}");
    }
}
