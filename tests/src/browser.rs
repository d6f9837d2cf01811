//! A real browser: headless Chromium, controlled through its WebDriver.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use fantoccini::error::CmdError;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder};
use serde_json::{Value, json};

/// Time limit for a browser to end.
const CLOSES_WITHIN: Duration = Duration::from_secs(10);

/// Time limit for a script of a test. Checking a page takes long on a busy machine.
const SCRIPT_WITHIN: Duration = Duration::from_secs(180);

/// The colour scheme that a reader's system prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colours {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Colours {
    /// Its name in CSS.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// The screen sizes and colour schemes in which pages are checked: a narrow screen in light colours
/// and a wide one in dark colours. With `BACKISSUE_TEST_LOOKS=all`, as every night, each screen in
/// both.
pub fn looks() -> Vec<(u32, u32, Colours)> {
    let all = std::env::var_os("BACKISSUE_TEST_LOOKS").is_some_and(|looks| looks == "all");
    let every = [
        (360, 780, Colours::Light),
        (1440, 900, Colours::Dark),
        (360, 780, Colours::Dark),
        (1440, 900, Colours::Light),
    ];
    every[..if all { 4 } else { 2 }].to_vec()
}

/// A browser with one window. It is closed when dropped.
#[derive(Debug)]
pub struct Browser {
    /// The window, for functions that this type lacks.
    pub window: Client,
    driver: Child,
    /// The driver's port and the session.
    port: u16,
    session: String,
    _profile: tempfile::TempDir,
}

/// A command of the driver that is not part of WebDriver.
#[derive(Debug)]
struct Extension {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Extension {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}

impl Browser {
    /// Starts Chromium without a screen. It can reach only this machine.
    ///
    /// # Errors
    /// If Chromium or its driver is not installed, with the remedy, or if they do not start.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_with(&[]).await
    }

    /// Starts Chromium as [`Browser::start`] does, with further flags.
    ///
    /// # Errors
    /// As [`Browser::start`].
    pub async fn start_with(more: &[String]) -> anyhow::Result<Self> {
        let profile = tempfile::tempdir()?;
        let (driver, port) = started()?;
        let flags = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--hide-scrollbars",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-default-apps",
        ];
        let own_profile = format!("--user-data-dir={}", profile.path().display());
        let wanted = json!({
            "goog:chromeOptions": { "args": flags.iter().map(|f| (*f).to_owned()).chain([own_profile]).chain(more.iter().cloned()).collect::<Vec<_>>() },
            "goog:loggingPrefs": { "browser": "ALL" },
            "timeouts": { "script": SCRIPT_WITHIN.as_millis() as u64 },
        });
        let Value::Object(wanted) = wanted else { unreachable!("it is written as an object above") };
        let window = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new())
            .capabilities(wanted)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .context("Chromium does not start")?;
        let session = window.session_id().await?.unwrap_or_default();
        Ok(Self { window, driver, port, session, _profile: profile })
    }

    /// Gives the window the size of a device's screen, in CSS pixels, and a colour scheme.
    ///
    /// # Errors
    /// If the browser refuses.
    pub async fn look_like(&self, width: u32, height: u32, colours: Colours) -> anyhow::Result<()> {
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await?;
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": colours.as_str() }] });
        self.devtools("Emulation.setEmulatedMedia", media).await?;
        Ok(())
    }

    /// Shows pages as they are printed, until the next [`Browser::look_like`].
    ///
    /// # Errors
    /// If the browser refuses.
    pub async fn look_printed(&self) -> anyhow::Result<()> {
        self.devtools("Emulation.setEmulatedMedia", json!({ "media": "print" })).await?;
        Ok(())
    }

    /// Runs a script at the start of every page from now on, regardless of the page's policy.
    ///
    /// # Errors
    /// If the browser refuses.
    pub async fn begin_every_page_with(&self, script: &str) -> anyhow::Result<()> {
        self.devtools("Page.addScriptToEvaluateOnNewDocument", json!({ "source": script })).await?;
        Ok(())
    }

    /// Sets whether pages opened from now on may run scripts.
    ///
    /// # Errors
    /// If the browser refuses.
    pub async fn run_scripts(&self, allowed: bool) -> anyhow::Result<()> {
        self.devtools("Emulation.setScriptExecutionDisabled", json!({ "value": !allowed })).await?;
        Ok(())
    }

    /// A picture of the window's contents as JPEG.
    ///
    /// # Errors
    /// If the browser refuses.
    pub async fn picture(&self) -> anyhow::Result<Vec<u8>> {
        use base64::Engine;
        let shot =
            self.devtools("Page.captureScreenshot", json!({ "format": "jpeg", "quality": 82 })).await?;
        let data = shot["data"].as_str().context("a picture has data")?;
        Ok(base64::engine::general_purpose::STANDARD.decode(data)?)
    }

    /// The page's errors since the last call: script errors, refused resources, violations of the
    /// content security policy.
    ///
    /// # Errors
    /// If the browser refuses.
    pub async fn complaints(&self) -> anyhow::Result<Vec<String>> {
        let log =
            self.window.issue_cmd(Extension { path: "se/log", body: json!({ "type": "browser" }) }).await?;
        let entries = log.as_array().cloned().unwrap_or_default();
        Ok(entries.iter().filter_map(|e| e["message"].as_str().map(str::to_owned)).collect())
    }

    /// Evaluates an expression in the page.
    ///
    /// # Errors
    /// If it throws.
    pub async fn evaluate(&self, expression: &str) -> anyhow::Result<Value> {
        Ok(self.window.execute(&format!("return {expression};"), Vec::new()).await?)
    }

    async fn devtools(&self, command: &str, parameters: Value) -> Result<Value, CmdError> {
        let body = json!({ "cmd": command, "params": parameters });
        self.window.issue_cmd(Extension { path: "goog/cdp/execute", body }).await
    }

    /// Closes the window, which ends the browser.
    fn close(&self) -> std::io::Result<()> {
        let mut driver = TcpStream::connect(("127.0.0.1", self.port))?;
        driver.set_read_timeout(Some(CLOSES_WITHIN))?;
        let (session, port) = (&self.session, self.port);
        write!(
            driver,
            "DELETE /session/{session} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
        )?;
        std::io::copy(&mut driver, &mut std::io::sink())?;
        Ok(())
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // A killed driver does not end its browser. Either may be gone already.
        let _ = self.close();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// The driver and its port. It takes a free port of IPv4 and then the same port of IPv6. If the
/// latter is in use, it ends and is started again.
fn started() -> anyhow::Result<(Child, u16)> {
    let mut failed = None;
    for _ in 0..5 {
        let driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let mut driver =
            driver.context("chromedriver does not start; run `apt-get install chromium chromium-driver`")?;
        match told_port(&mut driver) {
            Ok(port) => return Ok((driver, port)),
            Err(error) => failed = Some(error),
        }
    }
    Err(failed.context("chromedriver was never started")?)
}

/// The port that the driver prints.
fn told_port(driver: &mut Child) -> anyhow::Result<u16> {
    let out = driver.stdout.take().context("standard output is piped")?;
    let mut lines = BufReader::new(out).lines();
    for line in lines.by_ref() {
        let line = line?;
        if let Some((_, rest)) = line.split_once("successfully on port ") {
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            // Its pipe must not fill up later.
            std::thread::spawn(move || lines.for_each(drop));
            return Ok(digits.parse()?);
        }
    }
    let status = driver.wait()?;
    ensure!(status.success(), "chromedriver ended at once: {status}");
    anyhow::bail!("chromedriver did not tell its port")
}
