//! Logging in at an OpenID Connect provider: the whole program, a stand-in for the provider, and a
//! real browser.

use std::net::TcpListener;

use backissue_needs::needs;
use backissue_tests::browser::{Browser, Colours};
use backissue_tests::program::{Archive, Served};
use backissue_tests::stand_in_provider::{CLIENT, SECRET, StandInPerson, StandInProvider, Trouble, Twist};
use fantoccini::Locator;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, Response, redirect};

use crate::marking::{go, text};

/// A server with a provider, and the port that is part of its address.
struct Stage {
    archive: Archive,
    provider: StandInProvider,
    served: Served,
    base: String,
}

/// An archive whose readers log in at a provider.
fn stage(more: &[&str]) -> Stage {
    let provider = StandInProvider::start().unwrap();
    // The provider has to know the address before the server listens there.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let base = format!("http://{port}");
    provider.register(&format!("{base}/login/openid/done"));
    let flags = [
        ("--readers", "several"),
        ("--base-url", &base),
        ("--openid-issuer", &provider.issuer()),
        ("--openid-client", CLIENT),
        ("--openid-secret", SECRET),
        ("--openid-name", "Team login"),
    ];
    let archive = Archive::new(
        flags.iter().flat_map(|(flag, value)| [(*flag).to_owned(), (*value).to_owned()]).collect(),
    );
    let archive = archive.unwrap();
    archive.run(&["sources", "--create"]).unwrap();
    let listen = port.to_string();
    let words = [&["serve", "--no-fetch", "--listen", &listen], more].concat();
    let served = Served::start(archive.command(&words)).unwrap();
    Stage { archive, provider, served, base }
}

/// An HTTP client with cookies that follows no redirects, in place of a browser.
struct Visitor {
    client: Client,
    cookies: Vec<(String, String)>,
}

impl Visitor {
    fn new() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().redirect(redirect::Policy::none());
        Self { client: client.build().unwrap(), cookies: Vec::new() }
    }

    async fn get(&mut self, url: &str) -> Response {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let answer = self.client.get(url).header(COOKIE, cookies.join("; ")).send().await.unwrap();
        for cookie in answer.headers().get_all(SET_COOKIE) {
            let (pair, rest) = cookie.to_str().unwrap().split_once(';').unwrap();
            assert!(rest.contains("HttpOnly; SameSite=Lax"), "{rest}");
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        answer
    }

    /// Starts a login at `path`. Returns the addresses to which the provider sends a person who
    /// allows it, and one who denies it.
    async fn sent_to_provider(&mut self, stage: &Stage, path: &str) -> (String, String) {
        let begun = self.get(&format!("{}{path}", stage.base)).await;
        assert_eq!(begun.status(), 303, "{}", begun.text().await.unwrap());
        let page = self.get(&location(&begun)).await;
        assert_eq!(page.status(), 200);
        let page = page.text().await.unwrap();
        let link = |id: &str| {
            let rest = page.split(&format!("id={id} href=\"")).nth(1).unwrap();
            rest.split('"').next().unwrap().replace("&amp;", "&")
        };
        (link("allow"), link("deny"))
    }

    /// Logs in. Returns the server's response after the provider sent the browser back.
    async fn log_in(&mut self, stage: &Stage, path: &str) -> Response {
        let (allowed, _) = self.sent_to_provider(stage, path).await;
        self.get(&allowed).await
    }

    fn is_logged_in(&self) -> bool {
        self.cookies.iter().any(|(name, _)| name == "backissue-session")
    }

    /// The name of the account that this browser is logged in with.
    async fn account(&mut self, stage: &Stage) -> Option<String> {
        let page = self.get(&format!("{}/account", stage.base)).await;
        let page = page.text().await.unwrap();
        page.split("You are <strong>").nth(1).map(|rest| rest.split('<').next().unwrap().to_owned())
    }
}

fn location(answer: &Response) -> String {
    answer.headers()[LOCATION].to_str().unwrap().to_owned()
}

/// The path of a new invitation.
fn invitation(stage: &Stage, name: &str) -> String {
    let link = stage.archive.done(&["reader", "add", name]).unwrap();
    link.trim().strip_prefix(&stage.base).unwrap().to_owned()
}

#[tokio::test]
async fn invited_person_joins_logs_in_again_and_meets_nobody() {
    let stage = stage(&[]);
    let (anna, ben) = (StandInPerson::new("a-1", "anna"), StandInPerson::new("b-1", "ben"));

    // Unknown people are refused, whatever they are called.
    stage.archive.done(&["reader", "add", "anna"]).unwrap();
    let mut visitor = Visitor::new();
    let refused = visitor.log_in(&stage, "/login/openid").await;
    assert_eq!(refused.status(), 403);
    let page = refused.text().await.unwrap();
    assert!(page.contains("You have no account here") && page.contains("reader link NAME 'a-1'"), "{page}");
    assert!(!visitor.is_logged_in());

    // An invitation links the person.
    let join = invitation(&stage, "anna");
    let page = visitor.get(&format!("{}{join}", stage.base)).await.text().await.unwrap();
    assert!(page.contains("Log in with Team login"), "{page}");
    let joined = visitor.log_in(&stage, &format!("{join}/openid")).await;
    assert_eq!((joined.status().as_u16(), location(&joined).as_str()), (303, "/"));
    assert_eq!(visitor.account(&stage).await.as_deref(), Some("anna"));
    let again = visitor.get(&format!("{}{join}/openid", stage.base)).await;
    assert_eq!(again.status(), 404, "an invitation works once");

    // From then on the login is enough, and it returns to the page that needed it.
    let mut other = Visitor::new();
    let refused = other.get(&format!("{}/shelf?sort=minutes", stage.base)).await;
    let login = other.get(&format!("{}{}", stage.base, location(&refused))).await.text().await.unwrap();
    let begin = login.split("class=\"press\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    let done = other.log_in(&stage, &begin.replace("&amp;", "&")).await;
    assert_eq!((done.status().as_u16(), location(&done).as_str()), (303, "/shelf?sort=minutes"));
    assert_eq!(other.account(&stage).await.as_deref(), Some("anna"));

    // Another person of the provider is another reader, or none.
    stage.provider.log_in(ben.clone());
    let mut bens = Visitor::new();
    assert_eq!(bens.log_in(&stage, "/login/openid").await.status(), 403);
    let join = invitation(&stage, "ben");
    stage.provider.log_in(anna.clone());
    let taken = bens.log_in(&stage, &format!("{join}/openid")).await;
    assert_eq!(taken.status(), 409, "anna cannot become ben");
    stage.provider.log_in(ben);
    assert_eq!(bens.log_in(&stage, &format!("{join}/openid")).await.status(), 303);
    assert_eq!(bens.account(&stage).await.as_deref(), Some("ben"));
    assert_eq!(other.account(&stage).await.as_deref(), Some("anna"));

    // A name at the provider changes nothing, and neither does a mail address.
    stage
        .provider
        .log_in(StandInPerson { email: "ben@example.org".into(), ..StandInPerson::new("c-1", "ben") });
    assert_eq!(Visitor::new().log_in(&stage, "/login/openid").await.status(), 403);

    let readers = stage.archive.json(&["reader", "list"]).unwrap();
    assert_eq!(readers[1]["openid"], true);
    assert!(stage.archive.done(&["reader", "list"]).unwrap().contains("logs in by OpenID"));
    stage.archive.done(&["reader", "unlink", "anna"]).unwrap();
    assert_eq!(other.account(&stage).await, None, "unlinking ends sessions");
    stage.archive.done(&["reader", "link", "one", "a-1"]).unwrap();
    stage.provider.log_in(anna);
    assert_eq!(other.log_in(&stage, "/login/openid").await.status(), 303);
    assert_eq!(other.account(&stage).await.as_deref(), Some("one"));
    stage.archive.done(&["reader", "remove", "ben", "--keep-data"]).unwrap();
    stage.provider.log_in(StandInPerson::new("b-1", "ben"));
    let closed = bens.log_in(&stage, "/login/openid").await;
    assert_eq!(closed.status(), 403);
    assert!(closed.text().await.unwrap().contains("Your account is closed"));
    let (status, said) = stage.served.stop().unwrap();
    assert!(status.success() && !said.contains(SECRET), "{said}");
}

#[tokio::test]
async fn token_that_is_wrong_in_any_way_logs_nobody_in() {
    let stage = stage(&[]);
    stage.archive.done(&["reader", "link", "one", "a-1"]).unwrap();
    stage.archive.done(&["reader", "add", "eve"]).unwrap();
    stage.archive.done(&["reader", "link", "eve", "e-1"]).unwrap();
    for twist in Twist::WRONG {
        stage.provider.twist(twist);
        let mut visitor = Visitor::new();
        let refused = visitor.log_in(&stage, "/login/openid").await;
        assert_eq!(refused.status(), 502, "{twist:?}");
        let page = refused.text().await.unwrap();
        assert!(page.contains("The login failed") && page.contains("href=\"/login\""), "{twist:?}: {page}");
        assert!(!visitor.is_logged_in(), "{twist:?}");
        // Failures make the next one wait; a success forgets them.
        stage.provider.twist(Twist::Nothing);
        let done = visitor.log_in(&stage, "/login/openid").await;
        assert_eq!(done.status(), 303, "after {twist:?}");
    }
}

#[tokio::test]
async fn login_belongs_to_the_browser_that_began_it() {
    let stage = stage(&[]);
    stage.archive.done(&["reader", "link", "one", "a-1"]).unwrap();
    let (mut anna, mut eve) = (Visitor::new(), Visitor::new());
    let (annas, denied) = anna.sent_to_provider(&stage, "/login/openid?back=/notes").await;
    let (eves, _) = eve.sent_to_provider(&stage, "/login/openid").await;
    let lost = async |visitor: &mut Visitor, url: &str| {
        let answer = visitor.get(url).await;
        assert_eq!(answer.status(), 400, "{url}");
        assert!(answer.text().await.unwrap().contains("This login cannot go on"));
        assert!(!visitor.is_logged_in());
    };
    // Another's state, a state that was changed or left out, no cookie.
    lost(&mut eve, &annas).await;
    let state = annas.split("state=").nth(1).unwrap();
    lost(&mut anna, &annas.replace(state, &"0".repeat(state.len()))).await;
    lost(&mut anna, annas.split("&state").next().unwrap()).await;
    lost(&mut Visitor::new(), &annas).await;
    lost(&mut anna, &format!("{annas}&iss=https%3A%2F%2Fother.example")).await;
    // Another's code with the own state: the verifier is another one.
    let code = |url: &str| url.split("code=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let mixed = annas.replace(&code(&annas), &code(&eves));
    assert_eq!(anna.get(&mixed).await.status(), 502);
    // Who says no is not logged in, and can begin again.
    let answer = anna.get(&denied).await;
    assert_eq!(answer.status(), 403);
    assert!(answer.text().await.unwrap().contains("You were not logged in"));
    let before = anna.cookies.clone();
    let done = anna.get(&annas).await;
    assert_eq!((done.status().as_u16(), location(&done).as_str()), (303, "/notes"));
    assert!(anna.is_logged_in() && anna.cookies.len() == 1, "{:?}", anna.cookies);
    // The same address again, without and with the cookie that it belonged to.
    assert_eq!(anna.get(&annas).await.status(), 400);
    anna.cookies = before;
    assert_eq!(anna.get(&annas).await.status(), 502, "a code works once");
    assert!(!anna.is_logged_in());
}

#[tokio::test]
async fn new_keys_are_found_and_a_silent_provider_is_told() {
    let stage = stage(&[]);
    stage.archive.done(&["reader", "link", "one", "a-1"]).unwrap();
    let log_in = async || Visitor::new().log_in(&stage, "/login/openid").await.status().as_u16();
    assert_eq!(log_in().await, 303);
    let discoveries = || stage.provider.asked().iter().filter(|path| path.ends_with("configuration")).count();
    assert_eq!((log_in().await, discoveries()), (303, 1), "its documents are kept");
    stage.provider.rotate().unwrap();
    assert_eq!((log_in().await, discoveries()), (303, 2), "RS256, then ES256");
    stage.provider.rotate().unwrap();
    assert_eq!((log_in().await, log_in().await, discoveries()), (303, 303, 3));

    let checked = |archive: &Archive| {
        let said = archive.run(&["doctor", "--json"]).unwrap();
        let found: serde_json::Value = serde_json::from_str(&said.out).unwrap();
        let checks = found["checks"].as_array().unwrap();
        let check = checks.iter().find(|check| check["name"] == "openid").unwrap();
        (check["ok"] == true, check["detail"].as_str().unwrap().to_owned())
    };
    let (ok, said) = checked(&stage.archive);
    assert!(ok && said.contains("1 key;") && said.ends_with("/login/openid/done"), "{said}");
    let mut visitor = Visitor::new();
    let (allowed, _) = visitor.sent_to_provider(&stage, "/login/openid").await;
    for (trouble, word) in [
        (Trouble::Down, "503"),
        (Trouble::Endless, "larger than"),
        (Trouble::OtherIssuer, "letter by letter"),
    ] {
        stage.provider.trouble(trouble);
        let (ok, said) = checked(&stage.archive);
        assert!(!ok && said.contains(word), "{trouble:?}: {said}");
    }
    stage.provider.trouble(Trouble::Down);
    let down = visitor.get(&allowed).await;
    assert_eq!(down.status(), 502);
    assert!(down.text().await.unwrap().contains("The login provider does not answer"));
    stage.provider.trouble(Trouble::None);
    assert_eq!(visitor.get(&allowed).await.status(), 303, "the code was not used");
}

#[tokio::test]
async fn verified_addresses_of_a_domain_become_readers_if_allowed() {
    let stage = stage(&["--openid-unknown-users", "reader", "--openid-domains", "example.org"]);
    let person = |subject: &str, email: &str, email_verified| StandInPerson {
        email: email.to_owned(),
        email_verified,
        ..StandInPerson::new(subject, "one")
    };
    for (person, status) in [
        (person("1", "a@example.com", true), 403),
        (person("2", "a@example.org", false), 403),
        (person("3", "a@example.org@evil.example", true), 403),
        (person("4", "a@sub.example.org", true), 403),
        (person("5", "a@EXAMPLE.org", true), 303),
    ] {
        stage.provider.log_in(person.clone());
        let mut visitor = Visitor::new();
        assert_eq!(visitor.log_in(&stage, "/login/openid").await.status(), status, "{person:?}");
        // The name of the operator is taken, and nobody gets it by being called so.
        let account = (status == 303).then(|| "one-2".to_owned());
        assert_eq!(visitor.account(&stage).await, account);
        let settings = visitor.get(&format!("{}/settings", stage.base)).await;
        assert_ne!(settings.status(), 200, "new readers are no operators");
        if status == 303 {
            let mut again = Visitor::new();
            assert_eq!(again.log_in(&stage, "/login/openid").await.status(), 303);
            assert_eq!(again.account(&stage).await, account, "the same reader");
        }
    }
    assert_eq!(stage.archive.json(&["reader", "list"]).unwrap().as_array().unwrap().len(), 2);
}

#[test]
fn settings_that_do_not_go_together_are_told() {
    let archive = Archive::new(Vec::new()).unwrap();
    let issuer =
        ["serve", "--no-fetch", "--listen", "127.0.0.1:0", "--openid-issuer", "https://login.example"];
    let several = [&issuer[..], &["--readers", "several"]].concat();
    let based = [&several[..], &["--base-url", "https://reads.example"]].concat();
    let named = [&based[..], &["--openid-client", "backissue"]].concat();
    for (words, remedy) in [
        (issuer.to_vec(), "readers = \"several\""),
        (several, "`base_url`"),
        (based, "`openid_client`"),
        ([&named[..], &["--openid-domains", "example.org"]].concat(), "openid_unknown_users"),
        ([&named[..], &["--openid-secret-file", "/nowhere/secret"]].concat(), "/nowhere/secret"),
        ([&named[..], &["--openid-issuer", "http://login.example"]].concat(), "https://"),
    ] {
        // The last of two issuers counts in none of these, so it replaces the first.
        let mut words = words;
        if words.iter().filter(|word| **word == "--openid-issuer").count() > 1 {
            words.drain(4..6);
        }
        let said = archive.run(&words).unwrap();
        assert!(said.code != 0 && said.err.contains(remedy), "{words:?}: {}", said.err);
    }
    let secret = ["config", "--openid-secret", SECRET, "--openid-issuer", "https://login.example/"];
    let said = archive.done(&secret).unwrap();
    assert!(!said.contains(SECRET) && said.contains("(set)"), "{said}");
    assert!(said.contains("https://login.example/"), "letter by letter: {said}");
    let said = archive.run(&["doctor", "--create", "--openid-secret", SECRET]).unwrap();
    assert!(!format!("{}{}", said.out, said.err).contains(SECRET));
}

#[tokio::test]
async fn browser_logs_in_at_the_provider_with_and_without_script() {
    needs!(Browser);
    let stage = stage(&[]);
    stage.archive.done(&["reader", "link", "one", "a-1"]).unwrap();
    let browser = Browser::start().await.unwrap();
    let goto = async |path: &str| browser.window.goto(&format!("{}{path}", stage.base)).await.unwrap();
    let wait = async |css: &str| {
        browser.window.wait().for_element(Locator::Css(css)).await.unwrap();
    };
    for (name, width, colours, scripts) in
        [("ben", 360, Colours::Dark, false), ("cleo", 1440, Colours::Light, true)]
    {
        browser.look_like(width, 800, colours).await.unwrap();
        browser.run_scripts(scripts).await.unwrap();
        // The operator logs in, and looks at the own account.
        stage.provider.log_in(StandInPerson::new("a-1", "anna"));
        goto("/readers").await;
        assert_eq!(text(&browser, "#openid a").await, "Log in with Team login");
        go(&browser, "#openid a").await;
        wait("#deny").await;
        go(&browser, "#deny").await;
        wait("main a[href='/login']").await;
        assert_eq!(text(&browser, "h1").await, "You were not logged in");
        go(&browser, "main a[href='/login']").await;
        wait("#openid a").await;
        goto("/readers").await;
        go(&browser, "#openid a").await;
        wait("#allow").await;
        go(&browser, "#allow").await;
        wait("#name").await;
        let here = browser.window.current_url().await.unwrap();
        assert_eq!((here.path(), here.query()), ("/readers", None), "back where the login was needed");
        browser.window.find(Locator::Css("#name")).await.unwrap().send_keys(name).await.unwrap();
        go(&browser, "section.own .settle .row button").await;
        wait("p.address").await;
        let link = text(&browser, "p.address").await;
        goto("/account").await;
        assert!(
            text(&browser, "main").await.contains("Logging out here ends your session in this archive only.")
        );
        go(&browser, ".log-out button").await;
        wait("#login").await;
        // The invited reader joins as another person, without a password.
        stage.provider.log_in(StandInPerson::new(&format!("{name}-1"), name));
        browser.window.goto(&link).await.unwrap();
        go(&browser, "main a.press").await;
        wait("#allow").await;
        go(&browser, "#allow").await;
        wait(".log-out").await;
        goto("/account").await;
        assert_eq!(text(&browser, ".standfirst").await, format!("You are {name}, a reader of this archive."));
        go(&browser, ".log-out button").await;
        wait("#login").await;
        goto("/account").await;
        wait("#login").await;
        let complaints = browser.complaints().await.unwrap();
        let expected = |said: &String| said.contains("403") || said.contains("Clear-Site-Data");
        assert!(complaints.iter().all(expected), "{complaints:?}");
    }
    let readers = stage.archive.json(&["reader", "list"]).unwrap();
    assert_eq!(readers.as_array().unwrap().len(), 3);
}
