//! Let's Encrypt's own test server, as Debian packages it, with the DNS server that belongs to it.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rcgen::{CertificateParams, KeyPair};

use crate::server::shell;

/// A running pebble; ends with this value.
pub(crate) struct Pebble {
    processes: Vec<Child>,
    folder: tempfile::TempDir,
    port: u16,
    management_port: u16,
}

/// A port that nobody uses at the moment.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

impl Pebble {
    /// Looks at `tls_port` of this machine for every name, and issues certificates that are good for `life_s` seconds.
    pub(crate) fn start(tls_port: u16, life_s: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        let own = params.self_signed(&key).unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        std::fs::write(path("own.pem"), own.pem()).unwrap();
        std::fs::write(path("key.pem"), key.serialize_pem()).unwrap();
        let [port, management_port, dns_port, unused_port] = [(); 4].map(|()| free_port());
        let config = serde_json::json!({"pebble": {
            "listenAddress": format!("127.0.0.1:{port}"),
            "managementListenAddress": format!("127.0.0.1:{management_port}"),
            "certificate": path("own.pem"),
            "privateKey": path("key.pem"),
            "httpPort": unused_port,
            "tlsPort": tls_port,
            "domainBlocklist": ["blocked.example"],
            "certificateValidityPeriod": life_s,
        }});
        std::fs::write(path("config.json"), config.to_string()).unwrap();
        let mut dns = Command::new("pebble-challtestsrv");
        dns.args(["-defaultIPv6", "", "-http01", "", "-https01", "", "-tlsalpn01", ""]);
        dns.args(["-dns01", &format!("127.0.0.1:{dns_port}"), "-management", &format!("127.0.0.1:{unused_port}")]);
        let mut acme = Command::new("pebble");
        acme.args(["-config", &path("config.json"), "-dnsserver", &format!("127.0.0.1:{dns_port}")]);
        acme.env("PEBBLE_VA_NOSLEEP", "1").env("PEBBLE_AUTHZREUSE", "0");
        let processes =
            vec![started(&mut dns, "Starting management server"), started(&mut acme, "ACME directory available")];
        Self { processes, folder, port, management_port }
    }

    /// Address of its directory.
    pub(crate) fn directory(&self) -> String {
        format!("https://127.0.0.1:{}/dir", self.port)
    }

    /// File with the certificate that it shows itself.
    pub(crate) fn own_certificate(&self) -> PathBuf {
        self.folder.path().join("own.pem")
    }

    /// The root certificate of what it issues, made anew at each start.
    pub(crate) fn root(&self) -> String {
        shell(
            self.folder.path(),
            &format!("curl -s --cacert own.pem https://127.0.0.1:{}/roots/0", self.management_port),
        )
    }
}

/// Runs a program until it has printed this.
fn started(command: &mut Command, sign: &str) -> Child {
    let started = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
    let mut child = started.expect("pebble is installed (`make test` does that: apt-get install pebble)");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains(sign)), "it starts: {command:?}");
    // Whatever it prints later must find somebody who reads.
    std::thread::spawn(move || lines.for_each(drop));
    child
}

impl Drop for Pebble {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
