//! The door of the HTTPS port: one TCP connection in, what it speaks out.

use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::version::{TLS12, TLS13};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;

use crate::certificates::{ACME_TLS_ALPN, Certificates, Source};
use crate::first::{First, first};
use crate::stream::Stream;

/// Handshakes at once; one more is hung up on. Each costs about a millisecond of a processor and some kilobytes.
const HANDSHAKES_MAX: usize = 2_048;
/// How long a client may take for its handshake.
const HANDSHAKE_WAIT: Duration = Duration::from_secs(10);
/// How long a client may take to say anything after it. Browsers open connections before they need them.
const FIRST_WAIT: Duration = Duration::from_secs(30);

/// What came in.
#[derive(Debug)]
pub enum Opened {
    /// HTTP inside TLS.
    Https(Stream),
    /// HTTP without TLS, on a port that has it: to be told where to go.
    Http(Stream),
    /// STUN or TURN inside TLS.
    Turn(Stream),
}

/// Why a connection leads nowhere.
#[derive(Debug, thiserror::Error)]
pub enum Closed {
    /// More handshakes than we do at once.
    #[error("too many handshakes at once")]
    Crowded,
    /// It took too long.
    #[error("the client took too long")]
    Late,
    /// It neither began a handshake nor sent a request, or nothing at all.
    #[error("neither TLS nor HTTP nor TURN")]
    Unknown,
    /// The handshake failed, or the connection broke.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// An ACME server has seen what it wanted to see.
    #[error("an ACME server looked who we are")]
    Proved,
}

impl Closed {
    /// One word, for a figure.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Crowded => "crowded",
            Self::Late => "late",
            Self::Unknown => "unknown",
            Self::Io(_) => "handshake",
            Self::Proved => "proved",
        }
    }
}

/// The door of the HTTPS port. Cheap to clone.
#[derive(Clone)]
pub struct Door {
    acceptor: TlsAcceptor,
    handshakes: Arc<Semaphore>,
    waits: Waits,
}

#[derive(Debug, Clone, Copy)]
struct Waits {
    handshake: Duration,
    first: Duration,
}

impl Door {
    /// Shows what `certificates` has at the time of each handshake. TLS 1.3 and 1.2, HTTP/1.1 (WebSockets need it).
    ///
    /// # Errors
    /// Where the crypto library does not do what TLS asks for; it does.
    pub fn new(certificates: Arc<Certificates>) -> Result<Self, rustls::Error> {
        let is_acme = certificates.source() == Source::Acme;
        let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[&TLS13, &TLS12])?
            .with_no_client_auth()
            .with_cert_resolver(certificates);
        config.alpn_protocols = vec![b"http/1.1".to_vec(), b"stun.turn".to_vec()];
        if is_acme {
            config.alpn_protocols.push(ACME_TLS_ALPN.to_vec());
        }
        config.ticketer = aws_lc_rs::Ticketer::new()?;
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            handshakes: Arc::new(Semaphore::new(HANDSHAKES_MAX)),
            waits: Waits { handshake: HANDSHAKE_WAIT, first: FIRST_WAIT },
        })
    }

    /// Finds out what a connection speaks. `place` is let go of after the handshake.
    ///
    /// # Errors
    /// Why it leads nowhere.
    pub async fn open(&self, stream: TcpStream, place: impl Send) -> Result<Opened, Closed> {
        let place = (self.handshakes.try_acquire().map_err(|_| Closed::Crowded)?, place);
        let late = |_| Closed::Late;
        let mut stream = match tokio::time::timeout(self.waits.handshake, self.shake(stream)).await.map_err(late)?? {
            Opened::Https(stream) => stream,
            plain => return Ok(plain),
        };
        drop(place);
        match tokio::time::timeout(self.waits.first, stream.first()).await.map_err(late)?? {
            Some(First::Http) => Ok(Opened::Https(stream)),
            Some(First::Turn) => Ok(Opened::Turn(stream)),
            _ => Err(Closed::Unknown),
        }
    }

    async fn shake(&self, stream: TcpStream) -> Result<Opened, Closed> {
        let mut byte = [0];
        let count = stream.peek(&mut byte).await?;
        match first(&byte[..count]) {
            Some(First::Tls) => {}
            Some(First::Http) => return Ok(Opened::Http(Stream::plain(stream))),
            _ => return Err(Closed::Unknown),
        }
        let mut stream = self.acceptor.accept(stream).await?;
        if stream.get_ref().1.alpn_protocol() == Some(ACME_TLS_ALPN) {
            stream.shutdown().await?;
            return Err(Closed::Proved);
        }
        Ok(Opened::Https(Stream::tls(stream)))
    }
}

impl std::fmt::Debug for Door {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Door").field("waits", &self.waits).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;

    use super::*;
    use crate::pair::Pair;
    use crate::tests::{NOW, client, made};

    const BINDING_REQUEST: [u8; 20] = [0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

    /// A door with a certificate and short waits, and a way to it.
    async fn built() -> (Door, TcpListener, tokio_rustls::TlsConnector) {
        let (certificates, made) = (Certificates::new(Source::Files), made(&["meet.test"]));
        certificates.show(Pair::parse(made.chain.as_bytes(), made.key.as_bytes(), NOW).unwrap(), NOW);
        let mut door = Door::new(certificates).unwrap();
        door.waits = Waits { handshake: Duration::from_millis(300), first: Duration::from_millis(300) };
        (door, TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap(), client(&made.chain))
    }

    /// What the door makes of a client that does `act` with a fresh connection.
    async fn meet<T>(act: impl AsyncFnOnce(TcpStream, tokio_rustls::TlsConnector) -> T) -> (Result<Opened, Closed>, T) {
        let (door, listener, connector) = built().await;
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (accepted, _) = listener.accept().await.unwrap();
        tokio::join!(door.open(accepted, ()), act(stream, connector))
    }

    async fn shaken(
        stream: TcpStream,
        connector: &tokio_rustls::TlsConnector,
    ) -> tokio_rustls::client::TlsStream<TcpStream> {
        connector.connect("meet.test".try_into().unwrap(), stream).await.unwrap()
    }

    async fn read_all(mut stream: Stream, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        stream.read_exact(&mut bytes).await.unwrap();
        bytes
    }

    /// HTTP and TURN go their ways with every byte that was read to tell them apart, whatever pieces they came in.
    #[tokio::test]
    async fn http_and_turn_share_the_port() {
        let (opened, _client) = meet(async |stream, connector| {
            let mut stream = shaken(stream, &connector).await;
            stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
            stream
        })
        .await;
        let Ok(Opened::Https(stream)) = opened else { panic!("{opened:?}") };
        assert_eq!(read_all(stream, 18).await, b"GET / HTTP/1.1\r\n\r\n");

        let (opened, _client) = meet(async |stream, connector| {
            let mut stream = shaken(stream, &connector).await;
            for byte in BINDING_REQUEST {
                stream.write_all(&[byte]).await.unwrap();
                stream.flush().await.unwrap();
            }
            stream
        })
        .await;
        let Ok(Opened::Turn(stream)) = opened else { panic!("{opened:?}") };
        assert_eq!(read_all(stream, BINDING_REQUEST.len()).await, BINDING_REQUEST);

        let (opened, _client) = meet(async |mut stream, _| {
            stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
            stream
        })
        .await;
        let Ok(Opened::Http(stream)) = opened else { panic!("{opened:?}") };
        assert_eq!(read_all(stream, 18).await, b"GET / HTTP/1.1\r\n\r\n");
    }

    /// Who says nothing, or drips, is let go: before the handshake, within it, and after it.
    #[tokio::test]
    async fn nobody_holds_the_door() {
        let (opened, _client) = meet(async |stream, _| stream).await;
        assert!(matches!(opened, Err(Closed::Late)), "{opened:?}");
        let (opened, _client) = meet(async |mut stream, _| {
            stream.write_all(&[22, 3, 1, 0, 200, 1, 0, 0]).await.unwrap();
            stream
        })
        .await;
        assert!(matches!(opened, Err(Closed::Late)), "{opened:?}");
        let (opened, _client) = meet(async |stream, connector| shaken(stream, &connector).await).await;
        assert!(matches!(opened, Err(Closed::Late)), "{opened:?}");
        let (opened, _client) = meet(async |mut stream, _| {
            stream.write_all(&BINDING_REQUEST).await.unwrap();
            stream
        })
        .await;
        assert!(matches!(opened, Err(Closed::Unknown)), "TURN without TLS has a port of its own: {opened:?}");
    }

    #[tokio::test]
    async fn more_handshakes_than_we_do_at_once_are_hung_up_on() {
        let (door, listener, _) = built().await;
        let held = door.handshakes.try_acquire_many(u32::try_from(HANDSHAKES_MAX).unwrap()).unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (accepted, _) = listener.accept().await.unwrap();
        let opened = door.open(accepted, ()).await;
        assert!(matches!(opened, Err(Closed::Crowded)), "{opened:?}");
        drop(held);
    }
}
