//! Starts the binary in a folder of its own and on free ports.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// A running `heydok`; ends with this value.
pub(crate) struct Server {
    child: Child,
    pub(crate) ports: Vec<u16>,
    pub(crate) folder: tempfile::TempDir,
    /// What it printed before it listened.
    pub(crate) printed: String,
    later: Arc<(Mutex<String>, Condvar)>,
}

impl Server {
    /// Runs `heydok <command>` with these variables and waits until all of `ports` ports are open.
    pub(crate) fn start(command: &str, ports: usize, variables: &[(&str, &str)]) -> Self {
        let mut binary = Command::new(env!("CARGO_BIN_EXE_heydok"));
        binary.arg(command).env_clear();
        Self::run(binary, ports, variables)
    }

    /// `heydok serve --lan`.
    pub(crate) fn start_lan() -> Self {
        let mut binary = Command::new(env!("CARGO_BIN_EXE_heydok"));
        binary.args(["serve", "--lan"]).env_clear();
        Self::run(binary, 1, &[])
    }

    /// The same for a script in the root of the project that starts heydok.
    pub(crate) fn start_by(script: &str, ports: usize, variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(root().join(script));
        let path = std::env::var("PATH").unwrap();
        command.env_clear().env("PATH", path).env("HEYDOK_BIN", env!("CARGO_BIN_EXE_heydok"));
        Self::run(command, ports, variables)
    }

    fn run(mut command: Command, ports: usize, variables: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = command
            .env("PORT", vec!["0"; ports].join(","))
            .env("HOST", "127.0.0.1")
            .env("RTC_UDP_PORT", "0")
            .env("RTC_TCP_PORT", "0")
            .env("DATA_DIR", folder.path().join("data"))
            .env("LOG_FILE", folder.path().join("logs/app.log"))
            .envs(variables.iter().copied())
            .current_dir(folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (mut found, mut printed) = (Vec::new(), String::new());
        while found.len() < ports {
            let line = lines.next().expect("the server says where it listens before it ends").unwrap();
            let address = line.strip_prefix("listening on ").and_then(|url| url.split_once("://"));
            if let Some((_, address)) = address {
                found.push(address.rsplit(':').next().unwrap().parse().unwrap());
            }
            printed.push_str(&line);
            printed.push('\n');
        }
        // Whatever it prints later must find somebody who reads.
        let later = Arc::new((Mutex::new(String::new()), Condvar::new()));
        let reader = Arc::clone(&later);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                *reader.0.lock().unwrap() += &(line + "\n");
                reader.1.notify_all();
            }
        });
        Self { child, ports: found, folder, printed, later }
    }

    /// All that it printed, once `text` is part of it.
    pub(crate) fn printed_until(&self, text: &str) -> String {
        let (later, news) = &*self.later;
        let all = |later: &str| self.printed.clone() + later;
        let limit = Duration::from_secs(30);
        let waited = news.wait_timeout_while(later.lock().unwrap(), limit, |later| !all(later).contains(text));
        let found = all(&waited.unwrap().0);
        assert!(found.contains(text), "{text} is printed: {found}");
        found
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("logs/app.log")).unwrap()
    }

    /// Waits until the log has these words.
    pub(crate) async fn says(&self, words: &str) {
        let said = async {
            while !self.log().contains(words) {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(60), said).await;
        assert!(waited.is_ok(), "no {words:?} in the log: {}", self.log());
    }

    /// SIGTERM, as service managers send it; the exit code comes back.
    pub(crate) fn terminate(&mut self) -> Option<i32> {
        let killed = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(killed.success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Folder of the whole project.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Runs a shell line in `folder` and returns what it printed.
pub(crate) fn shell(folder: &Path, line: &str) -> String {
    let output = Command::new("sh").arg("-c").arg(line).env("CURL_HOME", folder).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The same for a line that prints JSON.
pub(crate) fn json(folder: &Path, line: &str) -> serde_json::Value {
    let text = shell(folder, line);
    serde_json::from_str(&text).unwrap_or_else(|_| panic!("{line}: {text}"))
}
