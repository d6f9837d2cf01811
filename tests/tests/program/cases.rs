//! Inputs on which people found faults, with the right results: every case in `cases/` of the
//! shared test data.
//!
//! A case is a document that `backissue inspect` reads, or a scenario of documents on a made-up web
//! and commands. `cases/expected.json` lists them all, so a new case needs no code.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use backissue_needs::{needs, shared_dir};
use backissue_tests::made_up_web::{Document, Documents, MadeUpWeb};
use backissue_tests::program::Archive;
use regex_lite::Regex;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
struct Case {
    id: String,
    file: String,
    kind: String,
    #[serde(default)]
    args: Vec<String>,
    why: String,
    /// The checks. Each is a path into the output, a comparison and a value.
    checks: Vec<(String, String, Value)>,
}

#[derive(Deserialize)]
struct Scenario {
    steps: Vec<Step>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Step {
    Serve {
        serve: HashMap<String, Served>,
    },
    Run {
        run: Vec<String>,
        #[serde(rename = "as")]
        name: String,
    },
}

#[derive(Deserialize)]
struct Served {
    #[serde(default)]
    body: String,
    #[serde(rename = "type")]
    media_type: Option<String>,
    status: Option<u16>,
    #[serde(default)]
    headers: HashMap<String, String>,
}

impl From<Served> for Document {
    fn from(served: Served) -> Self {
        let media_type = served.media_type.as_deref().unwrap_or("text/html; charset=utf-8");
        Self {
            status: served.status.unwrap_or(200),
            headers: served.headers.into_iter().collect(),
            ..Self::new(media_type, served.body)
        }
    }
}

#[test]
fn inputs_that_people_reported_give_the_right_values() {
    needs!(SharedData);
    let folder = shared_dir().unwrap().join("cases/cases");
    let path = folder.join("expected.json");
    let cases = fs::read(&path).unwrap_or_else(|error| {
        panic!(
            "{}: {error}; put the cases there, or name the shared data in BACKISSUE_SHARED",
            path.display()
        )
    });
    let cases: Vec<Case> = serde_json::from_slice(&cases).unwrap();
    assert!(cases.len() >= 56, "{} has only {} cases", path.display(), cases.len());
    let mut failures = Vec::new();
    for case in &cases {
        let output = if case.kind == "scenario" { scenario(&folder, case) } else { inspected(&folder, case) };
        for (path, comparison, wanted) in &case.checks {
            let got = at(&output, path);
            if !holds(&got, comparison, wanted) {
                let got: String = got.to_string().chars().take(600).collect();
                failures.push(format!(
                    "{} ({}; {}): {path} {comparison} {wanted}, but it is {got}",
                    case.id, case.file, case.why
                ));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn inspected(folder: &Path, case: &Case) -> Value {
    let archive = Archive::new(Vec::new()).unwrap();
    let file = folder.join(&case.file).display().to_string();
    let mut words = vec!["inspect", &case.kind, &file];
    words.extend(case.args.iter().map(String::as_str));
    let output = archive.run(&words).unwrap();
    serde_json::from_str(&output.out).unwrap_or_else(|_| json!({ "error": output.err }))
}

fn scenario(folder: &Path, case: &Case) -> Value {
    let scenario: Scenario = serde_json::from_slice(&fs::read(folder.join(&case.file)).unwrap()).unwrap();
    let web = MadeUpWeb::start(Documents::new()).unwrap();
    let archive = Archive::new(web.arguments()).unwrap();
    let mut outputs = serde_json::Map::new();
    for step in scenario.steps {
        match step {
            Step::Serve { serve } => {
                web.put(serve.into_iter().map(|(address, served)| (address, served.into())).collect());
            }
            Step::Run { run, name } => {
                let cases = folder.display().to_string();
                let words: Vec<String> = run.iter().map(|word| word.replace("@cases", &cases)).collect();
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                let output = archive.run(&words).unwrap();
                let out = serde_json::from_str(&output.out).unwrap_or(Value::String(output.out));
                outputs.insert(name, json!({ "rc": output.code, "out": out, "err": output.err }));
            }
        }
    }
    Value::Object(outputs)
}

/// The value at a path such as `entries.0.url`. `#` gives the length of a list.
fn at(value: &Value, path: &str) -> Value {
    path.split('.').filter(|step| !step.is_empty()).fold(value.clone(), |value, step| {
        match (step, step.parse::<usize>()) {
            ("#", _) => value.as_array().map_or(0, Vec::len).into(),
            (_, Ok(index)) => value[index].clone(),
            _ => value[step].clone(),
        }
    })
}

fn holds(got: &Value, comparison: &str, wanted: &Value) -> bool {
    let text = match got {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let words = || wanted.as_str().unwrap_or_else(|| panic!("{comparison} needs a text, not {wanted}"));
    match comparison {
        "is" => got == wanted,
        "one of" => wanted.as_array().is_some_and(|list| list.contains(got)),
        "has" => text.contains(words()),
        "lacks" => !text.contains(words()),
        "starts" => text.starts_with(words()),
        "matches" => Regex::new(&format!("(?s){}", words())).unwrap().is_match(&text),
        other => panic!("there is no comparison {other:?}"),
    }
}
