//! Tests the clients for language models with a stand-in for their servers.

#![expect(clippy::unwrap_used, reason = "in a test a failure is a panic")]

use std::time::{Duration, Instant};

use backissue_llm::{
    BatchPrompt, BatchState, LostBatch, Model, ModelError, ModelSettings, Prompt, Protocol, Reply, Secret,
    Usage,
};
use backissue_tests::stand_in_model::{Asked, Does, StandInModel};
use serde_json::{Value, json};

const PROTOCOLS: [Protocol; 4] = [Protocol::OpenAi, Protocol::Anthropic, Protocol::Gemini, Protocol::Ollama];
const KEY: &str = "sk-very-secret";

fn settings(server: &StandInModel, protocol: Protocol) -> ModelSettings {
    ModelSettings {
        url: server.url(&protocol.to_string()).parse().unwrap(),
        key: Some(Secret::new(KEY)),
        pause: Duration::from_millis(1),
        ..ModelSettings::new("mine", protocol, "some-model")
    }
}

async fn ask(settings: ModelSettings) -> Result<Reply, ModelError> {
    let schema = json!({ "type": "object" });
    Model::new(settings, &[])?.ask(&Prompt { system: "Be brief.", user: "Who?", schema: &schema }).await
}

fn says(text: &str) -> Does {
    Does::Says(text.to_owned())
}

fn refuses(status: u16, wait: Option<&str>) -> Does {
    Does::Refuses(status, wait.map(str::to_owned), format!("no, not with {KEY}"))
}

#[tokio::test]
async fn all_protocols_work() {
    for protocol in PROTOCOLS {
        let server = StandInModel::start(|_| says("Me.")).unwrap();
        let reply = ask(settings(&server, protocol)).await.unwrap();
        assert_eq!(reply.text, "Me.");
        assert_eq!(reply.usage, Usage { input_tokens: 100, output_tokens: 10, ..Usage::default() });
        let expected = Asked {
            protocol: match protocol {
                Protocol::OpenAi => "openai",
                Protocol::Anthropic => "anthropic",
                Protocol::Gemini => "gemini",
                Protocol::Ollama => "ollama",
            },
            key: Some(KEY.to_owned()),
            model: "some-model".to_owned(),
            system: "Be brief.".to_owned(),
            user: "Who?".to_owned(),
            has_schema: true,
            has_temperature: true,
            context: (protocol == Protocol::Ollama).then_some(8192),
            marks_cache: protocol == Protocol::Anthropic,
            is_batched: false,
            before: 0,
        };
        assert_eq!(server.asked(), [expected]);
    }
}

#[tokio::test]
async fn retry_after_is_obeyed() {
    for (refusal, least) in [
        (refuses(429, Some("1")), Duration::from_secs(1)),
        (refuses(500, None), Duration::ZERO),
        (refuses(503, Some("0")), Duration::ZERO),
    ] {
        let server =
            StandInModel::start(move |asked| if asked.before == 0 { refusal.clone() } else { says("Me.") })
                .unwrap();
        let began = Instant::now();
        assert_eq!(ask(settings(&server, Protocol::OpenAi)).await.unwrap().text, "Me.");
        assert!(began.elapsed() >= least && server.asked().len() == 2);
    }
}

#[tokio::test]
async fn retries_are_bounded_and_long_pauses_reported() {
    let server = StandInModel::start(|_| refuses(502, None)).unwrap();
    let error = ask(settings(&server, Protocol::Gemini)).await.unwrap_err();
    assert!(matches!(error, ModelError::Server { status: 502, .. }) && error.is_transient(), "{error}");
    assert_eq!(server.asked().len(), 3);

    let server = StandInModel::start(|_| refuses(429, Some("3600"))).unwrap();
    let error = ask(settings(&server, Protocol::Anthropic)).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(3600)), "{error}");
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn errors_have_remedies_and_never_the_key() {
    for (does, words) in [
        (refuses(401, None), "check `key` or `key_env`"),
        (refuses(404, None), "`ollama pull some-model`"),
        (refuses(400, None), "no, not with (secret)"),
        (refuses(418, None), "418"),
        (refuses(302, None), "302"),
        (Does::Hangs, "raise the model's `timeout`"),
        (Does::Sends(b"<html>".to_vec()), "not JSON"),
        (Does::Sends(vec![b' '; 3_000_000]), "larger than any answer"),
        (Does::Sends(b"{}".to_vec()), "said nothing"),
        (says(" "), "said nothing"),
    ] {
        let shown = format!("{does:?}");
        let server = StandInModel::start(move |_| does.clone()).unwrap();
        let settings =
            ModelSettings { timeout: Duration::from_millis(500), ..settings(&server, Protocol::OpenAi) };
        let error = ask(settings).await.unwrap_err();
        let told = format!("{error} {error:?}");
        assert!(
            told.contains(words) && told.contains("mine") && !told.contains(KEY),
            "{}: {told}",
            &shown[..20]
        );
    }
}

#[tokio::test]
async fn missing_server_is_reported_with_a_remedy() {
    let gone = StandInModel::start(|_| Does::Hangs).unwrap();
    let settings = settings(&gone, Protocol::OpenAi);
    drop(gone);
    let error = ask(settings).await.unwrap_err();
    assert!(error.to_string().contains("`ollama serve` starts Ollama"), "{error}");
    assert!(error.is_transient() && error.is_about_the_model());
}

#[tokio::test]
async fn server_without_schemas_gets_simpler_requests() {
    for protocol in PROTOCOLS {
        let server =
            StandInModel::start(|asked| if asked.has_schema { refuses(400, None) } else { says("Me.") })
                .unwrap();
        let model = Model::new(settings(&server, protocol), &[]).unwrap();
        let schema = Value::Object(serde_json::Map::new());
        let prompt = Prompt { system: "s", user: "u", schema: &schema };
        for _ in 0..2 {
            assert_eq!(model.ask(&prompt).await.unwrap().text, "Me.");
        }
        let mut forms = vec![(true, true), (true, false), (false, false), (false, false)];
        if protocol == Protocol::OpenAi {
            forms.insert(2, (true, true));
        }
        let asked: Vec<(bool, bool)> =
            server.asked().iter().map(|a| (a.has_schema, a.has_temperature)).collect();
        assert_eq!(asked, forms);
    }
}

#[tokio::test]
async fn misreported_unknown_form_is_retried_simpler() {
    // llama-cpp-python 0.3.36 answers `json_schema` with 500 and these words.
    let words = "1 validation error: {'type': 'literal_error', 'loc': ('body', 'response_format', 'type'), \
                 'msg': \"Input should be 'text' or 'json_object'\", 'input': 'json_schema'}";
    let server = StandInModel::start(move |asked| match asked.before {
        0 | 1 => Does::Refuses(500, None, words.into()),
        _ => says("Me."),
    })
    .unwrap();
    assert_eq!(ask(settings(&server, Protocol::OpenAi)).await.unwrap().text, "Me.");
    assert!(server.asked().len() == 3 && server.asked()[2].has_schema);
}

#[tokio::test]
async fn concurrent_requests_are_limited() {
    // The first request never gets a response, so the second one would only arrive if two were
    // allowed.
    let server = StandInModel::start(|_| Does::Hangs).unwrap();
    let one = ModelSettings {
        concurrency: 1,
        timeout: Duration::from_millis(300),
        ..settings(&server, Protocol::OpenAi)
    };
    let model = Model::new(one, &[]).unwrap();
    let prompt = Prompt { system: "s", user: "u", schema: &Value::Null };
    let first = async {
        let _ = model.ask(&prompt).await;
        server.asked().len()
    };
    let (while_first, second) = tokio::join!(first, model.ask(&prompt));
    assert!(matches!(second, Err(ModelError::Timeout { .. })));
    assert_eq!((while_first, server.asked().len()), (1, 2));
}

#[tokio::test]
async fn texts_are_embedded_in_batches_and_in_order() {
    // Each batch has another vector, and the second one needs a retry.
    let server = StandInModel::start(|asked| match asked.before {
        0 => says("0.5 -2"),
        1 => refuses(503, None),
        _ => says("0.25 1"),
    })
    .unwrap();
    let model = Model::new(settings(&server, Protocol::OpenAi), &[]).unwrap();
    let texts: Vec<String> = (0..40).map(|number| format!("text {number}")).collect();
    let vectors = model.embed(&texts).await.unwrap();
    assert_eq!(vectors.len(), 40);
    assert!(vectors[..32].iter().all(|vector| *vector == [0.5, -2.0]));
    assert!(vectors[32..].iter().all(|vector| *vector == [0.25, 1.0]));
    let asked = server.asked();
    assert_eq!(asked.len(), 3);
    assert_eq!((asked[0].protocol, asked[0].model.as_str()), ("embeddings", "some-model"));
    assert_eq!(asked[0].key.as_deref(), Some(KEY));
    assert_eq!(asked[0].user, texts[..32].join("\n"));
    assert_eq!((&asked[1].user, &asked[2].user), (&texts[32..].join("\n"), &texts[32..].join("\n")));
    assert!(model.embed(&[]).await.unwrap().is_empty() && server.asked().len() == 3);
}

#[tokio::test]
async fn truncated_reply_is_requested_again_with_more_tokens() {
    let cut = br#"{"choices": [{"message": {"content": "{\"kind\":"}, "finish_reason": "length"}]}"#;
    let server = StandInModel::start(|asked| match asked.before {
        0 => Does::Sends(cut.to_vec()),
        _ => says("Me."),
    })
    .unwrap();
    assert_eq!(ask(settings(&server, Protocol::OpenAi)).await.unwrap().text, "Me.");
    assert_eq!(server.asked().len(), 2);
    let server = StandInModel::start(|_| Does::Sends(cut.to_vec())).unwrap();
    let error = ask(settings(&server, Protocol::OpenAi)).await.unwrap_err().to_string();
    assert!(error.contains("cut off at 16384 tokens"), "{error}");
    assert_eq!(server.asked().len(), 2, "not a third time");
}

#[tokio::test]
async fn prompt_that_a_server_cut_is_an_error_with_a_remedy() {
    let long = "Two jobs waited for one lock. ".repeat(800);
    let schema = json!({ "type": "object" });
    let prompt = Prompt { system: "Be brief.", user: &long, schema: &schema };
    for protocol in PROTOCOLS {
        // The default context of older servers. The prompt has about 6,000 tokens.
        let server = StandInModel::start(|_| Does::Cuts("Me.".to_owned(), 2048)).unwrap();
        let model = Model::new(settings(&server, protocol), &[]).unwrap();
        let error = model.ask(&prompt).await.unwrap_err();
        assert!(matches!(error, ModelError::PromptCut { read: 2048, .. }), "{protocol}: {error}");
        let told = error.to_string();
        assert!(
            told.contains("only 2048 of about 6003 tokens") && told.contains("`prompt = \"short\"`"),
            "{told}"
        );
        assert!(error.is_about_the_context() && !error.is_about_the_model());
        let server = StandInModel::start(|_| says("Me.")).unwrap();
        let model = Model::new(settings(&server, protocol), &[]).unwrap();
        assert_eq!(model.ask(&prompt).await.unwrap().text, "Me.");
    }
}

#[tokio::test]
async fn ollama_keeps_one_context_for_prompts_of_all_lengths() {
    let server = StandInModel::start(|asked| {
        // Like the real server, which is asked not to cut.
        if asked.context.is_none_or(|context| asked.tokens() > context) {
            return Does::Refuses(400, None, "the input length exceeds the context length".to_owned());
        }
        says("Me.")
    })
    .unwrap();
    let model = Model::new(settings(&server, Protocol::Ollama), &[]).unwrap();
    let long = "Two jobs waited for one lock. ".repeat(800);
    let schema = json!({ "type": "object" });
    for user in ["Who?", long.as_str(), "Who?"] {
        let prompt = Prompt { system: "Be brief.", user, schema: &schema };
        assert_eq!(model.ask(&prompt).await.unwrap().text, "Me.");
    }
    let contexts: Vec<_> = server.asked().iter().map(|asked| asked.context).collect();
    assert_eq!(
        contexts,
        [Some(8192), Some(12_288), Some(12_288)],
        "it loads a model again for another context"
    );

    let small = StandInModel::start(|_| {
        Does::Refuses(400, None, "the input length exceeds the context length".to_owned())
    })
    .unwrap();
    let error = ask(settings(&small, Protocol::Ollama)).await.unwrap_err();
    assert!(matches!(error, ModelError::TooLong { .. }) && error.is_about_the_context(), "{error}");
}

#[tokio::test]
async fn ollamas_own_embeddings_are_read() {
    let server = StandInModel::start(|_| says("0.5 -2")).unwrap();
    let model = Model::new(settings(&server, Protocol::Ollama), &[]).unwrap();
    let vectors = model.embed(&["one".to_owned(), "two".to_owned()]).await.unwrap();
    assert_eq!(vectors, [[0.5, -2.0], [0.5, -2.0]]);
    assert_eq!(server.asked()[0].protocol, "ollama embeddings");
}

#[tokio::test]
async fn batches_of_both_protocols_are_sent_watched_and_read() {
    for protocol in [Protocol::OpenAi, Protocol::Anthropic] {
        let server = StandInModel::start(|asked| match asked.user.as_str() {
            "Who?" => says("Me."),
            _ => Does::Refuses(400, None, format!("no, not with {KEY}")),
        })
        .unwrap();
        let model = Model::new(settings(&server, protocol), &[]).unwrap();
        let schema = json!({ "type": "object" });
        let prompt = |id: &str, user| BatchPrompt {
            id: id.to_owned(),
            prompt: Prompt { system: "Be brief.", user, schema: &schema },
        };
        let batch = model.submit(&[prompt("a", "Who?"), prompt("b", "Why?")], "m1").await.unwrap();
        let since = "2026-05-12T08:00:00Z";
        let lost = LostBatch { marker: "m1", prompts: 2, since, known: &[] };
        assert_eq!(model.find_batch(&lost).await.unwrap(), Some(batch.clone()));
        let known = LostBatch { known: std::slice::from_ref(&batch), ..lost.clone() };
        assert_eq!(model.find_batch(&known).await.unwrap(), None);
        let other = LostBatch { marker: "m2", prompts: 3, ..lost };
        assert_eq!(model.find_batch(&other).await.unwrap(), None);
        assert_eq!(model.batch_state(&batch).await.unwrap(), BatchState::Running { done: 0, all: 2 });
        assert_eq!(model.batch_state(&batch).await.unwrap(), BatchState::Ended);
        let mut replies = model.batch_replies(&batch).await.unwrap();
        replies.sort_by(|a, b| a.0.cmp(&b.0));
        let [(a, first), (b, second)] = replies.try_into().unwrap();
        assert_eq!((a.as_str(), b.as_str()), ("a", "b"));
        let first = first.unwrap();
        assert_eq!((first.text.as_str(), first.usage.input_tokens), ("Me.", 100));
        let error = second.unwrap_err().to_string();
        assert!(error.contains("no, not with (secret)") && !error.contains(KEY), "{error}");
        assert!(server.asked().iter().all(|asked| asked.is_batched && asked.has_schema));
        assert!(matches!(model.batch_state("other").await, Err(ModelError::NotFound { .. })));
    }
    let server = StandInModel::start(|_| says("Me.")).unwrap();
    let model = Model::new(settings(&server, Protocol::Gemini), &[]).unwrap();
    let error = model.submit(&[], "m1").await.unwrap_err();
    assert!(error.to_string().contains("has no batches; leave --batch out"), "{error}");
}

#[tokio::test]
async fn models_are_found_without_a_prompt() {
    let lists = |path: &str| match path {
        "/api/tags" => Some(json!({ "models": [{ "name": "some-model:latest", "size": 5, "details": {} }] })),
        "/v1/models" => Some(json!({ "data": [{ "id": "some-model", "object": "model" }] })),
        "/v1/models/some-model" => Some(json!({ "type": "model", "id": "some-model" })),
        "/v1beta/models/some-model" => Some(json!({ "name": "models/some-model" })),
        _ => None,
    };
    let server = StandInModel::start_listing(lists, |_| Does::Hangs).unwrap();
    for protocol in PROTOCOLS {
        let found = Model::new(settings(&server, protocol), &[]).unwrap().find().await.unwrap();
        assert!(found.unwrap().is_called("some-model"), "{protocol}");
        let other = ModelSettings { model: "other".to_owned(), ..settings(&server, protocol) };
        let found = Model::new(other, &[]).unwrap().find().await;
        if protocol == Protocol::OpenAi {
            assert_eq!(found.unwrap(), None, "such servers may accept models that they do not list");
        } else {
            assert!(matches!(found, Err(ModelError::NotFound { .. })), "{protocol}");
        }
    }
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn malformed_embeddings_are_reported_without_the_key() {
    let large = format!(r#"{{"data": [{}]}}"#, " ".repeat(9_000_000));
    for (does, words) in [
        (refuses(404, None), "check `model`, `url` and `protocol`"),
        (refuses(401, None), "check `key` or `key_env`"),
        (refuses(400, None), "no, not with (secret)"),
        (Does::Sends(large.into_bytes()), "larger than any answer"),
        (Does::Sends(br#"{"data": []}"#.to_vec()), "check `protocol` and `url`"),
        (says(""), "0 dimensions"),
        (Does::Hangs, "raise the model's `timeout`"),
    ] {
        let server = StandInModel::start(move |_| does.clone()).unwrap();
        let settings =
            ModelSettings { timeout: Duration::from_millis(1500), ..settings(&server, Protocol::OpenAi) };
        let error = Model::new(settings, &[]).unwrap().embed(&["text".to_owned()]).await.unwrap_err();
        let told = format!("{error} {error:?}");
        assert!(told.contains(words) && told.contains("mine") && !told.contains(KEY), "{told}");
    }

    let server = StandInModel::start(|asked| says(if asked.before == 0 { "1 2" } else { "1 2 3" })).unwrap();
    let model = Model::new(settings(&server, Protocol::OpenAi), &[]).unwrap();
    let error = model.embed(&vec!["text".to_owned(); 33]).await.unwrap_err();
    assert!(error.to_string().contains("different dimensions"), "{error}");

    let model = Model::new(settings(&server, Protocol::Gemini), &[]).unwrap();
    let error = model.embed(&["text".to_owned()]).await.unwrap_err();
    assert!(matches!(error, ModelError::Setup { .. }) && error.to_string().contains("openai"), "{error}");
}
