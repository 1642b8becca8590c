//! A headless Chromium, steered over two pipes by the `DevTools` protocol: no port, no driver, no
//! browser library. The shell ties the pipes to the descriptors that Chromium expects, 3 and 4.

use std::{
    env,
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;

/// How long an answer may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

const FLAGS: [&str; 12] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
];

/// The browser that is there, if any: `$CHROMIUM`, or the usual names.
pub(crate) fn find() -> Option<PathBuf> {
    if let Some(path) = env::var_os("CHROMIUM").filter(|path| !path.is_empty()) {
        return Some(path.into());
    }
    let folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH")?).collect();
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let places = names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    places.into_iter().find(|path| path.is_file())
}

/// A browser with one tab.
pub(crate) struct Browser {
    child: Child,
    to: File,
    from: Receiver<Value>,
    folder: TempDir,
    session: Option<String>,
    asked: u64,
    /// What the tab said that nobody asked for, oldest first.
    pub(crate) events: Vec<Value>,
}

impl Browser {
    /// Starts a browser with an empty profile.
    pub(crate) fn start(path: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let [to, from] = ["to", "from"].map(|name| folder.path().join(name));
        let made = Command::new("mkfifo").args([&to, &from]).status().expect("mkfifo is there");
        assert!(made.success(), "mkfifo failed: {made}");
        let child = Command::new("sh")
            .args(["-c", r#"exec "$@" 3<"$TO" 4>"$FROM""#, "sh"])
            .arg(path)
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
            .env("TO", &to)
            .env("FROM", &from)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh is there");
        let to = File::options().write(true).open(&to).expect("the pipe can be written");
        let from = messages(File::open(&from).expect("the pipe can be read"));
        let mut browser = Self { child, to, from, folder, session: None, asked: 0, events: vec![] };
        let tab = browser.ask("Target.createTarget", &json!({"url": "about:blank"}));
        let attach = json!({"targetId": tab["targetId"], "flatten": true});
        let session = browser.ask("Target.attachToTarget", &attach)["sessionId"].clone();
        browser.session = Some(session.as_str().expect("a session has an id").to_owned());
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.ask(&format!("{domain}.enable"), &json!({}));
        }
        browser
    }

    /// Where files may be put for it.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Calls a method and waits for its answer.
    pub(crate) fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.asked += 1;
        let mut call = json!({"id": self.asked, "method": method, "params": params});
        if let Some(session) = &self.session {
            call["sessionId"] = json!(session);
        }
        let mut bytes = call.to_string().into_bytes();
        bytes.push(0);
        self.to.write_all(&bytes).expect("the browser listens");
        loop {
            let mut message = self.next();
            if message["id"] == self.asked {
                assert!(message["error"].is_null(), "{method}: {}", message["error"]);
                return message["result"].take();
            }
            self.events.push(message);
        }
    }

    fn next(&mut self) -> Value {
        self.from.recv_timeout(PATIENCE).expect("the browser answers")
    }

    /// The first event of that kind since the last call of [`Self::forget`], waited for.
    pub(crate) fn wait(&mut self, method: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let is = |event: &Value| event["method"] == method && wanted(&event["params"]);
        loop {
            if let Some(found) = self.events.iter().find(|event| is(event)) {
                return found["params"].clone();
            }
            let event = self.next();
            self.events.push(event);
        }
    }

    /// Forgets all events.
    pub(crate) fn forget(&mut self) {
        self.events.clear();
    }

    /// Makes the window and the reader's colours.
    pub(crate) fn dress(&mut self, width: u32, height: u32, scheme: &str) {
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.ask("Emulation.setDeviceMetricsOverride", &size);
        let scheme = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.ask("Emulation.setEmulatedMedia", &scheme);
    }

    /// Opens a page, from its file, with everything forgotten; `fragment` is empty or has its `#`.
    pub(crate) fn open(&mut self, page: &str, fragment: &str) {
        let path = self.folder().join("report.html");
        fs::write(&path, page).expect("the page can be written");
        // A change of the fragment alone would not load anything.
        self.forget();
        self.ask("Page.navigate", &json!({"url": "about:blank"}));
        self.wait("Page.loadEventFired", |_| true);
        self.forget();
        let url = format!("file://{}{fragment}", path.display());
        self.ask("Page.navigate", &json!({"url": url}));
        self.wait("Page.loadEventFired", |_| true);
    }

    /// What an expression of the page is worth; a promise is waited for.
    pub(crate) fn eval(&mut self, expression: &str) -> Value {
        let params = json!({
            "expression": expression, "awaitPromise": true, "returnByValue": true,
        });
        let mut answer = self.ask("Runtime.evaluate", &params);
        assert!(answer["exceptionDetails"].is_null(), "{}", answer["exceptionDetails"]);
        answer["result"]["value"].take()
    }

    /// Writes what is seen to a file, for people.
    pub(crate) fn picture(&mut self, file: &Path, whole: bool) {
        let mut params = json!({"format": "png", "captureBeyondViewport": whole});
        if whole {
            let height = self.eval("document.documentElement.scrollHeight");
            let width = self.eval("innerWidth");
            params["clip"] = json!({"x": 0, "y": 0, "width": width, "height": height, "scale": 1});
        }
        let picture = self.ask("Page.captureScreenshot", &params);
        let text = picture["data"].as_str().expect("a picture is base64");
        let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text);
        fs::write(file, bytes.expect("it is base64")).expect("the picture can be written");
    }

    /// What must not happen: errors, warnings, dialogs, and requests for anything but the page.
    pub(crate) fn complaints(&self) -> Vec<String> {
        self.events.iter().filter_map(complaint).collect()
    }
}

fn complaint(event: &Value) -> Option<String> {
    let params = &event["params"];
    match event["method"].as_str()? {
        "Runtime.exceptionThrown" | "Page.javascriptDialogOpening" => Some(params.to_string()),
        "Runtime.consoleAPICalled" if params["type"] == "error" || params["type"] == "warning" => {
            Some(params["args"].to_string())
        }
        "Log.entryAdded" if params["entry"]["level"] != "info" => Some(params["entry"].to_string()),
        "Network.requestWillBeSent" => {
            let url = params["request"]["url"].as_str()?;
            let own = url.starts_with("file://") && params["type"] == "Document";
            (!own && !url.starts_with("data:")).then(|| format!("it asked for {url}"))
        }
        _ => None,
    }
}

/// Messages end with a zero byte.
fn messages(from: File) -> Receiver<Value> {
    let (send, receive) = channel();
    thread::spawn(move || {
        let mut from = BufReader::new(from);
        loop {
            let mut bytes = Vec::new();
            match from.read_until(0, &mut bytes) {
                Ok(read) if read > 1 => bytes.truncate(bytes.len() - 1),
                _ => return,
            }
            let message = serde_json::from_slice(&bytes).expect("the browser speaks JSON");
            if send.send(message).is_err() {
                return;
            }
        }
    });
    receive
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Asked to close, it takes its helpers along; killed, it would leave them.
        let mut bytes = json!({"id": 0, "method": "Browser.close"}).to_string().into_bytes();
        bytes.push(0);
        if self.to.write_all(&bytes).is_err() {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}
