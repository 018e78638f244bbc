//! HTTPS as clients meet it: a real TLS client that believes one root certificate only.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::pebble::{Pebble, free_port};
use crate::server::{Server, json, shell};
use crate::signal::Signal;

/// Writes a self-signed certificate for `localhost` and `meet.test`, and its key; returns the certificate.
pub(crate) fn write_pair(folder: &Path) -> String {
    write_pair_until(folder, 2099)
}

/// The same for one that is good until the first day of this year.
pub(crate) fn write_pair_until(folder: &Path, year: i32) -> String {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["localhost".to_owned(), "meet.test".to_owned()]).unwrap();
    params.not_before = rcgen::date_time_ymd(2019, 1, 1);
    params.not_after = rcgen::date_time_ymd(year, 1, 1);
    let certificate = params.self_signed(&key).unwrap().pem();
    std::fs::write(folder.join("key.pem"), key.serialize_pem()).unwrap();
    std::fs::write(folder.join("cert.pem"), &certificate).unwrap();
    certificate
}

/// A client that believes these certificates and no others.
pub(crate) fn believing(certificates: &[&str]) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for pem in certificates {
        roots.add(CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap();
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
}

async fn connect(port: u16, tls: &Arc<ClientConfig>) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    TlsConnector::from(Arc::clone(tls)).connect(ServerName::try_from("meet.test").unwrap(), stream).await
}

/// One request on a connection that is kept; the answer's head and body.
async fn ask(stream: &mut TlsStream<TcpStream>, path: &str) -> String {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: meet.test\r\n\r\n").as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let whole = async {
        while !String::from_utf8_lossy(&answer).contains("\r\n\r\n") {
            assert_ne!(stream.read_buf(&mut answer).await.unwrap(), 0, "the server hung up");
        }
        String::from_utf8_lossy(&answer).into_owned()
    };
    tokio::time::timeout(Duration::from_secs(20), whole).await.expect("an answer comes")
}

/// A Binding request to the media server's TURN on the same port, and its answer.
async fn binding(stream: &mut TlsStream<TcpStream>) {
    let request = [0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    stream.write_all(&request).await.unwrap();
    let mut head = [0; 20];
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_exact(&mut head)).await;
    read.expect("the media server answers").unwrap();
    assert_eq!((&head[..2], &head[8..]), (&[1, 1][..], &request[8..]), "a Binding success response");
    let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
    stream.read_exact(&mut vec![0; length]).await.unwrap();
}

/// Shows the pair in `folder` to whoever asks, whatever it is; returns the port.
pub(crate) async fn show(folder: &Path) -> u16 {
    let chain = vec![CertificateDer::from_pem_file(folder.join("cert.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(folder.join("key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(builder.with_no_client_auth().with_single_cert(chain, key).unwrap()));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // Who does not believe it hangs up.
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
            let _ = stream.shutdown().await;
        }
    });
    port
}

pub(crate) fn with_files(folder: &Path) -> Server {
    let (certificate, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    let (certificate, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
    Server::start("serve", 1, &[("TLS_MODE", "files"), ("TLS_CERT", certificate), ("TLS_KEY", key)])
}

/// Page, API and signalling over TLS, each with what belongs to it; plain HTTP on the same port is sent there, except for this
/// machine; what is neither is hung up on.
#[tokio::test]
async fn one_port_speaks_https_and_says_so_to_others() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = write_pair(folder.path());
    let server = with_files(folder.path());
    let port = server.ports[0];
    server.printed_until(&format!("open https://localhost:{port}\n"));
    let tls = believing(&[&certificate]);

    let mut stream = connect(port, &tls).await.unwrap();
    let answer = ask(&mut stream, "/version").await.to_ascii_lowercase();
    assert!(answer.starts_with("http/1.1 200") && answer.contains("strict-transport-security: max-age="), "{answer}");
    let config = ask(&mut stream, "/").await;
    assert!(config.starts_with("HTTP/1.1 200"), "the connection is kept: {config}");

    let here = format!("http://localhost:{port}");
    let made = json(folder.path(), &format!("curl -s -X POST {here}/api/v1/meetings/create"));
    let secure = format!("curl -s --cacert {}/cert.pem", folder.path().display());
    let path = format!("https://localhost:{port}/api/v1/meetings/{}", made["meeting_id"].as_str().unwrap());
    let joined = json(folder.path(), &format!("{secure} {path}/join -d '{{\"display_name\":\"Anna\"}}'"));
    assert_eq!(joined["livekit_url"], format!("wss://localhost:{port}"), "{joined}");
    Signal::join_over_tls(port, joined["token"].as_str().unwrap(), Arc::clone(&tls)).await;

    binding(&mut connect(port, &tls).await.unwrap()).await;

    let head = |host: &str, path: &str| shell(folder.path(), &format!("curl -s -i -H 'Host: {host}' '{here}{path}'"));
    let sent = head(&format!("meet.test:{port}"), "/meeting/abc-defg-hij?lang=de").to_ascii_lowercase();
    let target = format!("location: https://meet.test:{port}/meeting/abc-defg-hij?lang=de\r\n");
    assert!(sent.starts_with("http/1.1 307") && sent.contains(&target), "{sent}");
    assert!(!sent.contains("strict-transport-security"), "plain HTTP says nothing of that: {sent}");
    let odd = head("a b", "/");
    assert!(odd.starts_with("HTTP/1.1 400") && odd.contains("https://"), "{odd}");

    let mut other = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
    other.write_all(b"\0\x01neither").await.unwrap();
    let end = tokio::time::timeout(Duration::from_secs(20), other.read_to_end(&mut Vec::new())).await;
    assert!(matches!(end.expect("it is hung up on"), Ok(0) | Err(_)));
}

/// Media over TLS goes on until everybody in the call was told to come back.
#[tokio::test]
async fn a_relay_outlives_what_people_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let certificate = write_pair(folder.path());
    let mut server = with_files(folder.path());
    let (port, tls) = (server.ports[0], believing(&[&certificate]));
    let path = format!("http://localhost:{port}/api/v1/meetings");
    let made = json(folder.path(), &format!("curl -s -X POST {path}/create"));
    let join = format!("{path}/{}/join -d '{{\"display_name\":\"Anna\"}}'", made["meeting_id"].as_str().unwrap());
    let joined = json(folder.path(), &format!("curl -s {join}"));
    let mut anna = Signal::join_over_tls(port, joined["token"].as_str().unwrap(), Arc::clone(&tls)).await;
    let mut relay = connect(port, &tls).await.unwrap();
    binding(&mut relay).await;
    let ending = tokio::task::spawn_blocking(move || server.terminate());
    anna.leave().await;
    // She has not hung up yet, so the server waits for her.
    binding(&mut relay).await;
    drop(anna);
    assert_eq!(ending.await.unwrap(), Some(0));
    assert!(matches!(relay.read(&mut [0]).await, Ok(0) | Err(_)), "it ends with the server");
}

/// A changed pair is shown to new connections while others go on, and no request fails meanwhile; a broken one changes nothing.
#[tokio::test]
async fn a_new_certificate_needs_no_restart() {
    let folder = tempfile::tempdir().unwrap();
    let old = write_pair(folder.path());
    let server = with_files(folder.path());
    let port = server.ports[0];
    let believes_old = believing(&[&old]);
    let mut kept = connect(port, &believes_old).await.unwrap();
    assert!(ask(&mut kept, "/health").await.starts_with("HTTP/1.1 200"));

    std::fs::write(folder.path().join("cert.pem"), "half of a").unwrap();
    server.says("the old one is kept").await;
    assert!(connect(port, &believes_old).await.is_ok(), "the old one is still shown");

    let new = write_pair(folder.path());
    let (believes_both, believes_new) = (believing(&[&old, &new]), believing(&[&new]));
    let reload = async {
        // Each is a whole handshake and a request, from a client that believes either: none may fail.
        while connect(port, &believes_new).await.is_err() {
            let mut stream = connect(port, &believes_both).await.expect("a handshake succeeds at any time");
            assert!(ask(&mut stream, "/health").await.starts_with("HTTP/1.1 200"));
        }
    };
    tokio::time::timeout(Duration::from_secs(30), reload).await.expect("the new certificate is shown");
    // A client that was here before resumes its session without looking at the certificate.
    assert!(connect(port, &believing(&[&old])).await.is_err(), "the old one is gone");
    assert!(ask(&mut kept, "/health").await.starts_with("HTTP/1.1 200"), "an open connection stays");
}

/// What is wrong with the certificate or the port is one sentence, and no supervisor tries again.
#[test]
fn what_keeps_https_from_starting_is_told() {
    let folder = tempfile::tempdir().unwrap();
    write_pair(folder.path());
    let other = tempfile::tempdir().unwrap();
    write_pair(other.path());
    let taken = std::net::TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let taken = taken.local_addr().unwrap().port();
    let over = tempfile::tempdir().unwrap();
    write_pair_until(over.path(), 2020);
    let (here, there, over) = (folder.path().display(), other.path().display(), over.path().display());
    for (variables, expected) in [
        ("TLS_MODE=files".to_owned(), "R-15: TLS_MODE=files needs TLS_CERT and TLS_KEY"),
        (format!("TLS_MODE=files TLS_CERT={here}/none TLS_KEY={here}/key.pem"), "none cannot be read"),
        (format!("TLS_MODE=files TLS_CERT={here}/cert.pem TLS_KEY={there}/key.pem"), "do not belong together"),
        (
            format!("TLS_MODE=files TLS_CERT={over}/cert.pem TLS_KEY={over}/key.pem"),
            "was good until 2020-01-01T00:00:00Z only; renew it",
        ),
        (
            format!("TLS_MODE=files TLS_CERT={here}/cert.pem TLS_KEY={here}/key.pem TLS_REDIRECT_PORT={taken}"),
            "R-13: TLS_REDIRECT_PORT",
        ),
        ("TLS_MODE=proxy".to_owned(), "R-15: TLS_MODE=proxy needs TRUSTED_PROXIES"),
    ] {
        let binary = env!("CARGO_BIN_EXE_heydok");
        let fixed = "PORT=0 HOST=127.0.0.1 RTC_UDP_PORT=0 RTC_TCP_PORT=0 LOG_FILE=-";
        let told = shell(folder.path(), &format!("env -i {fixed} {variables} {binary} serve 2>&1; echo code $?"));
        assert!(told.contains(expected) && told.ends_with("code 78\n"), "{variables}: {told}");
    }
}

/// Everything that a test needs to watch a server that gets its certificate from pebble.
struct Issued {
    pebble: Pebble,
    port: u16,
}

impl Issued {
    fn begin(life_s: u64) -> Self {
        let port = free_port();
        Self { pebble: Pebble::start(port, life_s), port }
    }

    /// The server for `names`, in a data folder that may have been used before.
    fn serve(&self, names: &str, data: &Path) -> Server {
        let (port, url, root) = (self.port.to_string(), self.pebble.directory(), self.pebble.own_certificate());
        let (root, data) = (root.to_str().unwrap(), data.to_str().unwrap());
        let variables = [
            ("TLS_MODE", "acme"),
            ("TLS_DOMAIN", names),
            ("TLS_ACME_URL", &url),
            ("TLS_ACME_CA", root),
            ("TLS_ACME_EMAIL", "anna@meet.test"),
            ("PORT", &port),
            ("DATA_DIR", data),
        ];
        Server::start("serve", 1, &variables)
    }

    /// The certificate that a client sees who believes pebble, once there is one that is not `old`.
    async fn shown(&self, tls: &Arc<ClientConfig>, old: Option<&CertificateDer<'static>>) -> CertificateDer<'static> {
        let looking = async {
            loop {
                if let Ok(stream) = connect(self.port, tls).await {
                    let shown = stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned();
                    if old != Some(&shown) {
                        return shown;
                    }
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), looking).await.expect("a certificate is issued")
    }
}

/// The names are proved on the HTTPS port itself; account and certificate are kept for us alone, and used again after a restart
/// even while the ACME server is away.
#[tokio::test]
async fn a_certificate_is_issued_and_kept() {
    let (issued, data) = (Issued::begin(86_400 * 90), tempfile::tempdir().unwrap());
    let data = data.path().join("data");
    let server = issued.serve("meet.test,second.test", &data);
    let tls = believing(&[&issued.pebble.root()]);
    let first = issued.shown(&tls, None).await;
    let mut stream = connect(issued.port, &tls).await.unwrap();
    assert!(ask(&mut stream, "/health").await.starts_with("HTTP/1.1 200"));
    assert!(server.log().contains("the certificate is for meet.test, second.test and good until"), "{}", server.log());
    let found =
        shell(&data, "find tls -type f -exec stat -c '%a %n' {} + | sed 's|/127.0.0.1-[0-9]*-dir/|/*/|' | sort");
    assert_eq!(found, "600 tls/acme/*/account.json\n600 tls/acme/*/certificate.pem\n");
    drop((stream, server));

    let Issued { pebble, port } = issued;
    let (directory, root) = (pebble.directory(), pebble.own_certificate());
    let own = std::fs::read(&root).unwrap();
    drop(pebble);
    let copy = data.join("own.pem");
    std::fs::write(&copy, own).unwrap();
    let again = Server::start(
        "serve",
        1,
        &[
            ("TLS_MODE", "acme"),
            ("TLS_DOMAIN", "meet.test"),
            ("TLS_ACME_URL", &directory),
            ("TLS_ACME_CA", copy.to_str().unwrap()),
            ("PORT", &port.to_string()),
            ("DATA_DIR", data.to_str().unwrap()),
        ],
    );
    let stream = connect(port, &tls).await.expect("the kept one is shown from the first moment");
    assert_eq!(stream.get_ref().1.peer_certificates().unwrap()[0], first);
    assert!(!again.log().contains("no new certificate"), "nobody was asked: {}", again.log());
}

/// A certificate is replaced before its life is over, while the server runs.
#[tokio::test]
async fn a_certificate_is_renewed_in_time() {
    let (issued, data) = (Issued::begin(12), tempfile::tempdir().unwrap());
    let _server = issued.serve("meet.test", data.path());
    let tls = believing(&[&issued.pebble.root()]);
    let first = issued.shown(&tls, None).await;
    let mut kept = connect(issued.port, &tls).await.unwrap();
    let second = issued.shown(&tls, Some(&first)).await;
    assert_ne!(issued.shown(&tls, Some(&second)).await, first);
    assert!(ask(&mut kept, "/health").await.starts_with("HTTP/1.1 200"), "an open connection stays");
}

/// What the ACME server says against a name is told with the fix; the server stays, and this machine still reaches it.
#[tokio::test]
async fn why_no_certificate_is_issued_is_told() {
    let (nowhere, data) = (free_port(), tempfile::tempdir().unwrap());
    let unreachable = Issued { pebble: Pebble::start(nowhere, 3_600), port: free_port() };
    for (names, expected) in [
        (
            "meet.test",
            "another server answers on port 443 of meet.test, or none; let its DNS entry lead to this machine",
        ),
        ("blocked.example", "issues no certificate for blocked.example; set TLS_DOMAIN to a public DNS name"),
    ] {
        let server = unreachable.serve(names, &data.path().join(names));
        server.says("no new certificate: ").await;
        assert!(server.log().contains(expected), "{}", server.log());
        let health = format!("curl -s http://localhost:{}/health", unreachable.port);
        assert_eq!(json(data.path(), &health)["status"], "ok");
    }
}

/// `heydok serve --lan` as somebody uses it: what it prints leads a phone that installed the root certificate into the meeting, and
/// a phone that did not to a warning and no further surprise.
#[tokio::test]
async fn a_local_network_needs_one_command() {
    let server = Server::start_lan();
    let (folder, port) = (server.folder.path(), server.ports[0]);
    assert!(
        server.printed_until("HOST=127.0.0.1 lets nobody else in").contains(&format!("open http://localhost:{port}\n"))
    );
    let root = folder.join("data/tls/lan/root.pem");
    let secure = format!("curl -s --cacert {}", root.display());
    let here = format!("https://localhost:{port}");
    assert_eq!(json(folder, &format!("{secure} {here}/health"))["status"], "ok");
    let head = shell(folder, &format!("{secure} -I {here}/heydok-lan.crt")).to_ascii_lowercase();
    assert!(head.contains("content-type: application/x-x509-ca-cert"), "{head}");
    assert!(
        !head.contains("strict-transport-security"),
        "a browser that remembers would let nobody past the warning: {head}"
    );
    shell(folder, &format!("{secure} -o root.crt {here}/heydok-lan.crt"));
    let (downloaded, made) =
        (std::fs::read(folder.join("root.crt")).unwrap(), CertificateDer::from_pem_file(&root).unwrap());
    assert_eq!(downloaded, made.as_ref(), "phones install what the server was signed with");
    let plain = shell(
        folder,
        &format!("curl -s -i -H 'Host: 192.168.1.5:{port}' http://127.0.0.1:{port}/meeting/abc-defg-hij"),
    );
    assert!(plain.contains(&format!("location: https://192.168.1.5:{port}/meeting/abc-defg-hij")), "{plain}");

    // Links made here say the address of the certificate and not the name by which only this machine reaches itself.
    let made = json(folder, &format!("curl -s -X POST http://localhost:{port}/api/v1/meetings/create"));
    let url = made["meeting_url"].as_str().unwrap();
    assert!(url.starts_with(&format!("https://127.0.0.1:{port}/meeting/")), "{url}");
}
