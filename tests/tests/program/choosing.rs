//! Choosing a language model: which models are noticed and tested, and what is written to the
//! configuration.

use std::path::{Path, PathBuf};

use backissue_tests::program::{Archive, Said};
use backissue_tests::stand_in_model::{Does, StandInModel};
use serde_json::{Value, json};

use crate::modelling::honest;

const KEY: &str = "sk-very-secret";
const FILE: &str = "# My archive.\nworkers = 2 # few\n\n# Mails.\n[mail]\nserver = \"smtps://mail.example\"\nfrom = \"a@b.example\"\n";

/// An empty archive with a configuration file.
struct Choosing {
    archive: Archive,
    config: PathBuf,
}

impl Choosing {
    fn new(file: &str) -> Self {
        let archive = Archive::new(Vec::new()).unwrap();
        let config = archive.folder().join("config.toml");
        std::fs::write(&config, file).unwrap();
        Self { archive, config }
    }

    fn file(&self) -> String {
        std::fs::read_to_string(&self.config).unwrap()
    }

    /// Runs a command with these environment variables.
    fn run(&self, words: &[&str], variables: &[(&str, &str)]) -> Said {
        let mut command = self.archive.command(words);
        command.arg("--config").arg(&self.config).envs(variables.iter().copied());
        let output = command.output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Said { out: text(output.stdout), err: text(output.stderr), code: output.status.code().unwrap_or(-1) }
    }

    /// The error of a command that must fail without a change of the file.
    fn refused(&self, words: &[&str], variables: &[(&str, &str)]) -> String {
        let before = self.file();
        let Said { out, err, code } = self.run(words, variables);
        assert!(code == 1 && out.is_empty(), "{words:?}: {code} {out} {err}");
        assert_eq!(self.file(), before, "{words:?}");
        assert!(!err.contains(KEY), "{err}");
        err
    }
}

/// A stand-in for Ollama with four models: one that fits into any memory, one that fits into none,
/// one for embeddings, and one that runs elsewhere.
fn ollama() -> StandInModel {
    let lists = |path: &str| {
        (path == "/api/tags").then(|| {
            json!({ "models": [
                { "name": "tiny:1b", "size": 1_000_000_000, "details": { "family": "qwen3" } },
                { "name": "huge:1t", "size": 1_000_000_000_000_000_u64, "details": { "family": "qwen3" } },
                { "name": "nomic:latest", "size": 1000, "details": { "family": "nomic-bert" } },
                { "name": "far:1t-cloud", "size": 300, "remote_host": "https://ollama.com:443", "details": {} },
            ]})
        })
    };
    StandInModel::start_listing(lists, honest).unwrap()
}

#[test]
fn model_on_this_machine_is_noticed_tested_and_used() {
    let server = ollama();
    let choosing = Choosing::new(FILE);
    let at = format!("ollama={}", server.url("ollama"));
    let servers = [("BACKISSUE_MODEL_SERVERS", at.as_str())];

    let Said { out, err, code } = choosing.run(&["models"], &servers);
    assert!(code == 3 && err.contains("`backissue models use ollama/tiny:1b`"), "{out}{err}");
    assert!(
        out.contains("Ollama runs at http://127.0.0.1") && out.contains("tiny:1b  1.0 GB, fits into"),
        "{out}"
    );
    assert!(out.contains("huge:1t  1000000.0 GB, too large") && out.contains("runs elsewhere"), "{out}");
    assert!(!out.contains("nomic"), "it cannot write: {out}");
    let json: Value = serde_json::from_str(&choosing.run(&["models", "--json"], &servers).out).unwrap();
    let first = &json["noticed"]["servers"][0]["models"][0];
    assert_eq!((&first["name"], &first["fits"]), (&json!("ollama/tiny:1b"), &json!(true)), "{json}");
    let doctor = choosing.run(&["doctor"], &servers).out;
    assert!(
        doctor.contains("none is configured, and none is needed; noticed: Ollama with tiny:1b"),
        "{doctor}"
    );
    assert!(server.asked().is_empty(), "nothing is sent before a person says yes");

    let dry = choosing.run(&["models", "use", "ollama/tiny:1b", "--dry-run"], &servers);
    assert!(
        dry.code == 0 && dry.out.contains("annotate_with = \"ollama/tiny:1b\""),
        "{}{}",
        dry.out,
        dry.err
    );
    assert_eq!(choosing.file(), FILE);

    let Said { out, err, code } = choosing.run(&["models", "use", "ollama/tiny:1b"], &servers);
    assert_eq!(code, 0, "{err}");
    for words in [
        "The test is passed",
        "It costs nothing",
        "Nothing leaves this machine",
        "Undo: `backissue models use built-in`",
    ] {
        assert!(out.contains(words), "{words}: {out}");
    }
    let file = choosing.file();
    let table = format!(
        "[[model]]\nname = \"ollama/tiny:1b\"\nprotocol = \"ollama\"\nmodel = \"tiny:1b\"\nurl = \"{}/\"\nprompt = \"short\"\n",
        server.url("ollama")
    );
    assert!(file.contains(&table) && file.contains("annotate_with = \"ollama/tiny:1b\"\n"), "{file}");
    FILE.lines().for_each(|line| assert!(file.contains(line), "{line}: {file}"));
    let asked = server.asked().last().unwrap().clone();
    assert!(asked.protocol == "ollama" && asked.has_schema && asked.context == Some(8192), "{asked:?}");
    assert!(asked.user.contains("Acme's nightly import"), "the invented article: {}", asked.user);
    let config = choosing.run(&["config"], &[]).out;
    assert!(config.contains("ollama/tiny:1b"), "{config}");
    let doctor = choosing.run(&["doctor"], &[]).out;
    assert!(doctor.contains("`ollama/tiny:1b`: 127.0.0.1") && doctor.contains("has it"), "{doctor}");

    let again = choosing.run(&["models", "use", "ollama/tiny:1b"], &servers);
    assert!(again.code == 0 && choosing.file() == file, "a second time changes nothing: {}", again.err);
    let undone = choosing.run(&["models", "use", "built-in"], &servers);
    assert_eq!(undone.code, 0, "{}", undone.err);
    assert_eq!(
        choosing.file(),
        file.replace("annotate_with = \"ollama/tiny:1b\"", "annotate_with = \"built-in\"")
    );
    let overruled = [("BACKISSUE_ANNOTATE_WITH", "ollama/tiny:1b")];
    let said = choosing.run(&["models", "use", "built-in"], &overruled).out;
    assert!(said.contains("$BACKISSUE_ANNOTATE_WITH overrules it"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn model_is_chosen_with_one_click() {
    let server = ollama();
    let choosing = Choosing::new(FILE);
    let at = format!("ollama={}", server.url("ollama"));
    let file = choosing.config.display().to_string();
    let served = choosing.archive.serve(&["--no-fetch", "--model-servers", &at, "--config", &file]).unwrap();
    let client = backissue_tests::program::client();
    let page =
        async || client.get(served.url("/settings/models")).send().await.unwrap().text().await.unwrap();
    let shown = page().await;
    assert!(shown.contains("ollama/tiny:1b") && shown.contains("It costs nothing"), "{shown}");
    assert!(shown.contains("another machine") && !shown.contains("huge:1t"), "{shown}");
    assert!(server.asked().is_empty(), "nothing is sent before the click");

    let token = shown.split("name=\"token\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let form = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("token", token), ("model", "ollama/tiny:1b")])
        .finish();
    let request = client
        .post(served.url("/settings/models/use"))
        .header("content-type", "application/x-www-form-urlencoded");
    let answer = request.body(form).send().await.unwrap();
    assert!(answer.status().is_success() || answer.status().is_redirection(), "{}", answer.status());
    let mut shown = page().await;
    while shown.contains("is being tested") {
        shown = page().await;
    }
    assert!(
        shown.contains("The test is passed") && shown.contains("annotates new reads from now on"),
        "{shown}"
    );
    assert!(choosing.file().contains("annotate_with = \"ollama/tiny:1b\"\n"), "{}", choosing.file());
    assert!(server.asked().iter().all(|asked| asked.user.contains("Acme's nightly import")));
    served.stop().unwrap();
}

#[test]
fn serve_tells_what_it_noticed_and_sends_nothing() {
    let server = ollama();
    let archive = Archive::new(Vec::new()).unwrap();
    let at = format!("ollama={}", server.url("ollama"));
    let served = archive.serve(&["--no-fetch", "--model-servers", &at]).unwrap();
    let line = served.hears("Noticed").unwrap();
    assert!(
        line.contains(
            "Ollama with tiny:1b of 3. Nothing is sent there; `backissue models use ollama/tiny:1b`"
        ),
        "{line}"
    );
    assert!(served.stop().unwrap().0.success() && server.asked().is_empty());
}

#[test]
fn keys_are_noticed_by_name_and_never_shown() {
    let lists = |path: &str| (path == "/v1/models/good").then(|| json!({ "type": "model", "id": "good" }));
    let server = StandInModel::start_listing(lists, |asked| {
        if asked.key.as_deref() == Some(KEY) && asked.protocol == "anthropic" {
            return honest(asked);
        }
        Does::Refuses(401, None, format!("bad key {:?}, try {KEY}", asked.key))
    })
    .unwrap();
    let (anthropic, openai) = (server.url("anthropic"), server.url("openai"));
    let choosing = Choosing::new(FILE);
    let keys = [("ANTHROPIC_API_KEY", KEY), ("OPENAI_API_KEY", KEY), ("MISTRAL_API_KEY", "")];
    for words in [vec!["models"], vec!["models", "--json"], vec!["doctor"], vec!["config"]] {
        let said = choosing.run(&[&words[..], &["--log", "trace"]].concat(), &keys);
        assert!(!said.out.contains(KEY) && !said.err.contains(KEY), "{words:?}: {}{}", said.out, said.err);
        assert!(!said.out.contains("MISTRAL"), "it is empty: {}", said.out);
        assert!(words == ["config"] || said.out.contains("ANTHROPIC_API_KEY"), "{words:?}: {}", said.out);
    }
    assert!(server.asked().is_empty());

    let refused =
        choosing.refused(&["models", "use", "openai/gpt-5-mini", "--url", &openai, "--log", "trace"], &keys);
    assert!(
        refused.contains("check `key` or `key_env`") && refused.contains("nothing was written"),
        "{refused}"
    );
    let unset = choosing.refused(&["models", "use", "gemini/gemini-2.5-flash"], &keys);
    assert!(unset.contains("GEMINI_API_KEY is not set") && unset.contains("export"), "{unset}");
    let pasted = choosing.refused(&["models", "use", "openai/gpt-5-mini", "--key-env", KEY], &keys);
    assert!(pasted.contains("and not the key itself"), "{pasted}");
    let password = format!("http://me:{KEY}@127.0.0.1/v1");
    let password = choosing.refused(&["models", "use", "openai/gpt-5-mini", "--url", &password], &keys);
    assert!(password.contains("--url holds a password"), "{password}");
    let missing = choosing.refused(&["models", "use", "anthropic/other", "--url", &anthropic], &keys);
    assert!(missing.contains("has no model `other`"), "{missing}");

    let used =
        choosing.run(&["models", "use", "anthropic/good", "--url", &anthropic, "--log", "trace"], &keys);
    assert!(used.code == 0 && !used.err.contains(KEY) && !used.out.contains(KEY), "{}{}", used.out, used.err);
    let file = choosing.file();
    assert!(file.contains("key_env = \"ANTHROPIC_API_KEY\"\n") && !file.contains(KEY), "{file}");
    assert!(server.asked().last().unwrap().marks_cache);
}

#[test]
fn what_cannot_be_used_is_refused_with_a_remedy() {
    let server = ollama();
    let at = format!("ollama={}", server.url("ollama"));
    let servers = [("BACKISSUE_MODEL_SERVERS", at.as_str())];
    let choosing = Choosing::new(FILE);
    for (name, remedy) in [
        ("qwen3:8b", "such as ollama/qwen3:8b or anthropic/claude-haiku-4-5"),
        (
            "cohere/command",
            "Servers: ollama, lmstudio, llamacpp, anthropic, openai, gemini, openrouter, mistral",
        ),
        ("ollama", "`backissue models` lists those of this machine"),
        ("anthropic/", "for example anthropic/claude-haiku-4-5"),
        ("ollama/none:3b", "`ollama pull none:3b` fetches a model"),
        ("ollama/none:3b", "it has ollama/tiny:1b, ollama/huge:1t"),
        ("ollama/nomic", "only gives embeddings"),
    ] {
        let error = choosing.refused(&["models", "use", name], &servers);
        assert!(error.contains(remedy), "{name}: {error}");
    }
    let slow = StandInModel::start(|_| Does::Hangs).unwrap();
    let (url, limit) = (slow.url("openai"), "--timeout=1s");
    let slow = choosing.refused(&["models", "use", "llamacpp/m", "--url", &url, limit], &[]);
    assert!(slow.contains("within 1 s") && slow.contains("`--timeout 30m` gives it longer"), "{slow}");
    drop(server);
    let down = choosing.refused(&["models", "use", "ollama/tiny:1b"], &servers);
    assert!(down.contains("`ollama serve` starts Ollama") && down.contains("nothing was written"), "{down}");

    let chatty = StandInModel::start(|_| Does::Says("Gladly! What do you need?".to_owned())).unwrap();
    let url = chatty.url("openai");
    let unusable = choosing.refused(&["models", "use", "llamacpp/m", "--url", &url], &[]);
    assert!(
        unusable.contains("choose a larger model") && unusable.contains("nothing was written"),
        "{unusable}"
    );
}

#[test]
fn configuration_file_that_cannot_be_changed_is_reported() {
    let server = StandInModel::start(honest).unwrap();
    let url = server.url("openai");
    let words = ["models", "use", "llamacpp/m", "--url", &url];
    let malformed = Choosing::new("workers = \n").refused(&words, &[]);
    assert!(malformed.contains("config.toml is malformed") && malformed.contains("line 1"), "{malformed}");
    let inline =
        Choosing::new("model = [{ name = 'a', protocol = 'openai', model = 'm' }]").refused(&words, &[]);
    assert!(inline.contains("write each model as a [[model]] table"), "{inline}");

    let choosing = Choosing::new(FILE);
    read_only(&choosing.config);
    let error = choosing.run(&words, &[]);
    assert!(error.code == 1 && choosing.file() == FILE, "{}", error.err);
    for words in [
        "it is read-only",
        "nothing was changed",
        "annotate_with = \"llamacpp/m\"",
        "[[model]]\nname = \"llamacpp/m\"",
    ] {
        assert!(error.err.contains(words), "{words}: {}", error.err);
    }
}

fn read_only(path: &Path) {
    let mut permissions = std::fs::metadata(path).unwrap().permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(path, permissions).unwrap();
}

#[test]
fn model_with_a_small_context_gets_the_short_prompt() {
    // Like a server that cuts silently at its context of 1,024 tokens.
    let server = StandInModel::start(|asked| match honest(asked) {
        Does::Says(text) if asked.tokens() > 1024 => Does::Cuts(text, 1024),
        does => does,
    })
    .unwrap();
    let choosing = Choosing::new("");
    let used = choosing.run(&["models", "use", "lmstudio/m", "--url", &server.url("openai")], &[]);
    assert!(used.code == 0 && used.out.contains("It gets the short prompt."), "{}{}", used.out, used.err);
    let file = choosing.file();
    assert!(file.contains("prompt = \"short\"") && server.asked().len() == 3, "{file}");

    // llama.cpp states the size of its weights in the list of its models.
    let list = json!({ "data": [{ "id": "m", "owned_by": "llamacpp", "meta": { "size": 986_000_000 } }] });
    let lists = move |path: &str| (path == "/v1/models").then(|| list.clone());
    let server = StandInModel::start_listing(lists, honest).unwrap();
    let choosing = Choosing::new("");
    let used = choosing.run(&["models", "use", "llamacpp/m", "--url", &server.url("openai")], &[]);
    assert!(used.code == 0 && used.out.contains("It gets the short prompt."), "{}{}", used.out, used.err);
    assert!(choosing.file().contains("prompt = \"short\"") && server.asked().len() == 2);
}

/// Like small models, which agree with whatever they are asked.
#[test]
fn model_that_cannot_check_is_refused_unless_a_person_insists() {
    let server = StandInModel::start(|asked| match honest(asked) {
        Does::Says(text) => Does::Says(text.replace(r#""no""#, r#""yes""#)),
        does => does,
    })
    .unwrap();
    let url = server.url("openai");
    let words = ["models", "use", "llamacpp/m", "--url", &url];
    let choosing = Choosing::new(FILE);
    let refused = choosing.refused(&words, &[]);
    for said in ["cannot check what it writes", "nothing was written", "`check_with`", "--anyway"] {
        assert!(refused.contains(said), "{said}: {refused}");
    }
    assert_eq!(choosing.file(), FILE);
    let used = choosing.run(&[&words[..], &["--anyway"]].concat(), &[]);
    assert!(
        used.code == 0 && used.out.contains("But it does not tell a true claim"),
        "{}{}",
        used.out,
        used.err
    );
    assert!(choosing.file().contains("annotate_with = \"llamacpp/m\""), "{}", choosing.file());
    let listed = choosing.run(&["models", "--json"], &[]).out;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed["models"][0]["test"]["can_check"], false, "{listed}");
    assert!(choosing.run(&["models"], &[]).out.contains("weak"));
}

#[test]
fn price_of_a_configured_model_is_told() {
    let server = StandInModel::start(honest).unwrap();
    let file = format!(
        "[[model]] # at work\nname = 'mine'\nprotocol = 'openai'\nurl = '{}'\nmodel = 'm'\nkey = '{KEY}'\ninput_price = 1\noutput_price = 5.5\n",
        server.url("openai")
    );
    let choosing = Choosing::new(&file);
    let Said { out, err, code } = choosing.run(&["models", "use", "mine"], &[]);
    assert_eq!(code, 0, "{err}");
    // 7,000 tokens in and 700 out.
    assert!(
        out.contains("about $0.0109 per read (from the settings: $1.00 and $5.50 per million tokens"),
        "{out}"
    );
    assert_eq!(choosing.file(), format!("annotate_with = \"mine\"\n\n{file}"));
}
