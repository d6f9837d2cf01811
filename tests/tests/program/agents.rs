//! The archive as an agent uses it, through the official SDK of the Model Context Protocol.

use std::path::Path;
use std::process::Command;

use backissue_needs::{mcp_python, needs};
use backissue_tests::program::{Archive, Served, binary, client as client_of_pages};
use serde_json::{Value, json};

use crate::synced_small_web;

/// A client that performs the given calls of tools, resources and prompts, and prints the answers.
const CLIENT: &str = r#"
import asyncio, json, sys
from mcp import ClientSession, StdioServerParameters, stdio_client
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client

def connection(command, arguments):
    if not command.startswith("http"):
        return stdio_client(StdioServerParameters(command=command, args=arguments))
    http = create_mcp_http_client(headers={"Authorization": f"Bearer {arguments[0]}"})
    return streamable_http_client(command, http_client=http)

async def main():
    asked, command, *arguments = sys.argv[1:]
    async with connection(command, arguments) as streams:
        async with ClientSession(*streams[:2]) as session:
            await session.initialize()
            said = {"instructions": session.instructions}
            listed = await session.list_tools()
            said["tools"] = [tool.model_dump(mode="json", by_alias=True) for tool in listed.tools]
            said["resources"] = [str(r.uri) for r in (await session.list_resources()).resources]
            said["templates"] = [t.model_dump(mode="json", by_alias=True)["uriTemplate"]
                                 for t in (await session.list_resource_templates()).resource_templates]
            said["prompts"] = [p.name for p in (await session.list_prompts()).prompts]
            said["answers"] = []
            for what, name, given in json.loads(asked):
                try:
                    if what == "tool":
                        answer = await session.call_tool(name, given)
                    elif what == "resource":
                        answer = await session.read_resource(name)
                    else:
                        answer = await session.get_prompt(name, given)
                    said["answers"].append(answer.model_dump(mode="json", by_alias=True))
                except Exception as error:
                    said["answers"].append({"exception": str(error)})
            print(json.dumps(said))

asyncio.run(main())
"#;

/// The answers to these calls over standard input and output. Each call is `[what, name,
/// arguments]`.
fn asked(archive: &Archive, flags: &[&str], things: &Value) -> Value {
    let mut client = client(things);
    client.arg(binary().unwrap()).arg("mcp").args(flags).arg("--data").arg(archive.folder());
    printed(&mut client)
}

/// The answers to these calls over HTTP with a token.
fn asked_over_http(served: &Served, token: &str, things: &Value) -> Value {
    printed(client(things).arg(served.url("/mcp")).arg(token))
}

fn client(things: &Value) -> Command {
    let mut command = Command::new(mcp_python().unwrap());
    command.args(["-c", CLIENT]).arg(things.to_string());
    command
}

fn printed(client: &mut Command) -> Value {
    let output = client.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The structured result of a tool that must succeed.
fn result(answer: &Value) -> &Value {
    assert_eq!(answer["isError"], false, "{answer}");
    &answer["structuredContent"]
}

/// The text of a tool's error.
fn error(answer: &Value) -> &str {
    assert_eq!(answer["isError"], true, "{answer}");
    answer["content"][0]["text"].as_str().unwrap()
}

#[test]
fn agent_finds_what_the_command_line_finds() {
    needs!(SharedData, McpSdk);
    let (_web, archive) = synced_small_web();
    let question = "radius search drops nearby places to the east and west but not north or south";
    let said = asked(
        &archive,
        &[],
        &json!([
            ["tool", "search_reads", { "query": question, "limit": 5 }],
            ["tool", "prior_art", { "problem": question, "limit": 5 }],
            ["tool", "search_reads", { "query": "asdfghjkl qwertyuiop" }],
            ["tool", "browse_week", { "week": "1999-W01" }],
            ["tool", "browse_week", {}],
            ["tool", "list_concepts", {}],
            ["prompt", "prior_art_for_a_design_document", { "problem": "noisy neighbours" }],
        ]),
    );
    let names = |key: &str| -> Vec<String> {
        said[key]
            .as_array()
            .unwrap()
            .iter()
            .map(|t| t["name"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    let instructions = said["instructions"].as_str().unwrap();
    assert!(instructions.contains("the `text` of its statements"), "{instructions}");
    let tools = names("tools");
    assert_eq!(tools.len(), 6, "{tools:?}");
    for tool in said["tools"].as_array().unwrap() {
        assert_eq!(tool["annotations"]["readOnlyHint"], true, "{tool}");
        assert_eq!(tool["outputSchema"]["type"], "object", "{tool}");
        assert!(!tool.to_string().contains(r#""format":"uint"#), "JSON Schema has no such format: {tool}");
    }
    let by_command = |words: &[&str]| -> Vec<i64> {
        let found = archive.json(words).unwrap();
        found["reads"].as_array().unwrap().iter().map(|read| read["id"].as_i64().unwrap()).collect()
    };
    let ids = |reads: &Value| -> Vec<i64> {
        reads.as_array().unwrap().iter().map(|read| read["id"].as_i64().unwrap()).collect()
    };
    let found = result(&said["answers"][0]);
    assert_eq!(ids(&found["reads"]), by_command(&["find", question, "--limit", "5"]));
    let approaches = result(&said["answers"][1])["approaches"].as_array().unwrap();
    let ways = archive.json(&["prior-art", question, "--limit", "5"]).unwrap();
    for (approach, way) in approaches.iter().zip(ways["ways"].as_array().unwrap()) {
        assert_eq!(ids(&approach["reads"]), ids(&way["reads"]));
    }
    let nothing = result(&said["answers"][2]);
    assert_eq!(nothing["reads"], json!([]));
    assert!(nothing["notes"][0].as_str().unwrap().contains("nothing close enough"), "{nothing}");
    assert!(result(&said["answers"][3])["notes"][0].as_str().unwrap().contains("the archive has reads from"));
    let newest = result(&said["answers"][4])["reads"][0]["week"].as_str().unwrap();
    assert_eq!(said["resources"][0], format!("week://{newest}"));
    assert!(result(&said["answers"][5])["concepts"].as_array().unwrap().len() > 10);
    assert!(
        said["answers"][6]["messages"][0]["content"]["text"].as_str().unwrap().contains("noisy neighbours")
    );

    a_read_in_parts(&archive, found["reads"][0]["id"].as_i64().unwrap(), newest);
    an_agent_may_write_if_it_is_let(&archive, found["reads"][0]["id"].as_i64().unwrap());
}

fn a_read_in_parts(archive: &Archive, id: i64, week: &str) {
    let shown = archive.json(&["show", &id.to_string()]).unwrap();
    let whole = shown["article"]["text"].as_str().unwrap();
    let said = asked(
        archive,
        &[],
        &json!([
            ["tool", "get_read", { "id": id }],
            ["tool", "get_read", { "id": id, "section": "all", "max_tokens": 100 }],
            ["tool", "get_read", { "id": id, "section": "no such heading" }],
            ["tool", "get_read", { "id": 999_999 }],
            ["tool", "get_read", { "id": id, "max_tokens": "many" }],
            ["tool", "similar_reads", { "id": id }],
            ["resource", format!("read://{id}"), {}],
            ["resource", format!("week://{week}"), {}],
            ["resource", "concept://caching", {}],
            ["resource", "read://999999", {}],
            ["tool", "search_reads", { "query": "   " }],
            ["tool", "search_reads", { "query": "x", "colour": "red" }],
        ]),
    );
    let read = result(&said["answers"][0]);
    assert_eq!(read["article"], Value::Null);
    assert_eq!(read["read"]["url"], shown["url"]);
    for heading in read["quoted_sections"].as_array().unwrap() {
        assert!(whole.contains(heading.as_str().unwrap()), "{heading}");
    }
    let part = &result(&said["answers"][1])["article"];
    let text = part["quoted_text"].as_str().unwrap();
    assert!(whole.starts_with(text) && text.chars().count() <= 400, "{part}");
    assert_eq!(part["next_offset"], text.chars().count());
    assert!(error(&said["answers"][2]).contains("quoted_sections"));
    assert!(error(&said["answers"][3]).contains("search_reads"));
    for wrong in [4, 11] {
        let answer = &said["answers"][wrong];
        assert!(answer["exception"].is_string() || answer["isError"] == true, "{answer}");
    }
    for other in result(&said["answers"][5])["reads"].as_array().unwrap() {
        assert_ne!(other["id"], id);
    }
    for resource in 6..9 {
        let answer = &said["answers"][resource];
        assert!(answer["contents"][0]["text"].as_str().unwrap().starts_with("# "), "{answer}");
    }
    assert!(said["answers"][9]["exception"].as_str().unwrap().contains("no such resource"));
    assert!(error(&said["answers"][10]).contains("`query` is empty"));
}

fn an_agent_may_write_if_it_is_let(archive: &Archive, id: i64) {
    let things = json!([
        ["tool", "keep_read", { "id": id }],
        ["tool", "add_note", { "id": id, "text": "As in our *geo* service." }],
        ["tool", "add_note", { "id": id, "text": "Second thought." }],
        ["tool", "add_note", { "id": id, "text": "  " }],
        ["tool", "save_url", { "url": "http://169.254.169.254/latest/meta-data" }],
        ["tool", "keep_read", { "id": 999_999 }],
    ]);
    let reading = asked(archive, &[], &things);
    for answer in reading["answers"].as_array().unwrap() {
        assert!(answer["exception"].is_string(), "{answer}");
    }
    assert_eq!(archive.done(&["note", &id.to_string()]).unwrap().trim(), "");
    let writing = asked(archive, &["--write"], &things);
    assert_eq!(writing["tools"].as_array().unwrap().len(), 9);
    assert_eq!(result(&writing["answers"][0])["id"], id);
    let note = archive.done(&["note", &id.to_string()]).unwrap();
    assert_eq!(note.trim(), "As in our *geo* service.\n\nSecond thought.");
    let shelf = archive.json(&["shelf"]).unwrap();
    assert!(shelf.to_string().contains(&format!("\"id\":{id}")), "{shelf}");
    for (number, says) in [(3, "`text` is empty"), (4, "not public"), (5, "there is no read 999999")] {
        assert!(error(&writing["answers"][number]).contains(says), "{number}");
    }
}

#[test]
fn agent_over_http_gets_what_its_tokens_scope_allows() {
    needs!(SharedData, McpSdk);
    let (_web, archive) = synced_small_web();
    let question = "radius search drops nearby places to the east and west but not north or south";
    let things = json!([
        ["tool", "search_reads", { "query": question, "limit": 5 }],
        ["tool", "prior_art", { "problem": question, "limit": 5 }],
        ["tool", "search_reads", { "query": "   " }],
        ["resource", "concept://caching", {}],
        ["resource", "read://999999", {}],
        ["prompt", "prior_art_for_a_design_document", { "problem": "noisy neighbours" }],
    ]);
    // This also fills the index, which a server answers from as it is.
    let by_stdio = asked(&archive, &[], &things);
    let served = archive.serve(&["--no-fetch"]).unwrap();
    let token = |scope: &str| {
        let made = archive.json(&["token", "add", scope, "--scope", scope]).unwrap();
        made["token"].as_str().unwrap().to_owned()
    };
    let (reading, writing) = (token("read"), token("write"));
    let over_http = asked_over_http(&served, &reading, &things);
    assert_eq!(over_http, by_stdio, "both transports have the same");
    let id = result(&over_http["answers"][0])["reads"][0]["id"].as_i64().unwrap();
    let things = json!([["tool", "add_note", { "id": id, "text": "By an agent." }]]);
    let refused = asked_over_http(&served, &reading, &things);
    assert!(refused["answers"][0]["exception"].is_string(), "{refused}");
    let written = asked_over_http(&served, &writing, &things);
    assert_eq!(
        (written["tools"].as_array().unwrap().len(), &written["answers"][0]["isError"]),
        (9, &json!(false))
    );
    assert_eq!(archive.done(&["note", &id.to_string()]).unwrap().trim(), "By an agent.");
    archive.done(&["token", "remove", "write"]).unwrap();
    let gone = client(&things).arg(served.url("/mcp")).arg(&writing).output().unwrap();
    assert!(!gone.status.success(), "a removed token is refused at once");
}

/// Twenty of the judged questions, of all kinds.
fn judged_questions() -> Vec<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../eval/search.jsonl");
    let text = std::fs::read_to_string(file).unwrap();
    let question = |line: &str| {
        let judged: Value = serde_json::from_str(line).unwrap();
        judged["query"].as_str().unwrap().to_owned()
    };
    text.lines().step_by(4).take(20).map(question).collect()
}

/// The numbers of the reads that a page lists, in its order.
fn listed(page: &str) -> Vec<i64> {
    let mut parts: Vec<&str> = page.split(" data-read>").collect();
    parts.pop();
    let number = |part: &&str| {
        let (_, address) = part.rsplit_once("href=\"/read/")?;
        address.split('/').next()?.parse().ok()
    };
    parts.iter().map(|part| number(part).expect("a link to a read")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn agent_finds_the_reads_of_the_page_for_judged_questions() {
    needs!(SharedData, McpSdk);
    let (_web, archive) = synced_small_web();
    let questions = judged_questions();
    assert_eq!(questions.len(), 20);
    let things: Vec<Value> = questions
        .iter()
        .map(|question| json!(["tool", "search_reads", { "query": question, "limit": 20 }]))
        .collect();
    let said = asked(&archive, &[], &json!(things));
    let served = archive.serve(&["--no-fetch"]).unwrap();
    let mut found = 0;
    for (question, answer) in questions.iter().zip(said["answers"].as_array().unwrap()) {
        let encoded: String = url::form_urlencoded::byte_serialize(question.as_bytes()).collect();
        let page = client_of_pages().get(served.url(&format!("/search?q={encoded}"))).send().await.unwrap();
        let page = page.error_for_status().unwrap().text().await.unwrap();
        let reads = result(answer)["reads"].as_array().unwrap();
        let ids: Vec<i64> = reads.iter().map(|read| read["id"].as_i64().unwrap()).collect();
        assert_eq!(ids, listed(&page), "{question}");
        found += ids.len();
    }
    assert!(found > 100, "{found} reads answer 20 questions");
}
