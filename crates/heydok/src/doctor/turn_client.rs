//! Enough of a TURN client (RFC 8656) to borrow an address of a relay and give it back.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use kit::{Entropy as _, SystemEntropy};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UdpSocket};
use tokio_rustls::TlsConnector;
use turn::message::{Class, Message, Writer, attribute, long_term_key, method};

use super::relay::{Over, Relay};

/// How often a request is sent over UDP, and how long each waits for its answer.
const SENT_MAX: usize = 3;
const RESEND_PERIOD: Duration = Duration::from_millis(800);
const HEADER_BYTES: usize = 20;
const MESSAGE_BYTES_MAX: usize = 2048;
/// REQUESTED-TRANSPORT: UDP, the only one that relays to our media speak.
const UDP: [u8; 4] = [17, 0, 0, 0];

/// Why there is no address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refused {
    /// It is not reached, or does not answer.
    Silent,
    /// Its certificate is not believed, and why.
    Certificate(String),
    /// STUN error code (RFC 8489 section 14.8, RFC 8656 section 19).
    Code(u16),
}

/// The address that a relay lent; it was given back.
pub(super) async fn allocate(relay: &Relay) -> Result<SocketAddr, Refused> {
    let mut wire = Wire::open(relay).await.map_err(|error| refused(&error))?;
    let wanted = |writer: &mut Writer| writer.attribute(attribute::REQUESTED_TRANSPORT, &UDP);
    // The first request is refused, and the refusal says what to sign the second one with.
    let login = match wire.ask(wanted, None).await? {
        Answer::Lent(address) => return Ok(address),
        Answer::Refused { code: 401, realm, nonce } => {
            let key = long_term_key(&relay.user_name, &realm, relay.credential.expose());
            Login { user_name: &relay.user_name, realm, nonce, key }
        }
        Answer::Refused { code, .. } => return Err(Refused::Code(code)),
    };
    match wire.ask(wanted, Some(&login)).await? {
        Answer::Lent(address) => {
            let back = |writer: &mut Writer| writer.attribute(attribute::LIFETIME, &[0; 4]);
            // It ends by itself too.
            let _ = wire.send(&request(method::REFRESH, transaction(), back, Some(&login))).await;
            Ok(address)
        }
        Answer::Refused { code, .. } => Err(Refused::Code(code)),
    }
}

fn refused(error: &io::Error) -> Refused {
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(rustls::Error::InvalidCertificate(why)) => Refused::Certificate(why.to_string()),
        _ => Refused::Silent,
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// The way to a relay.
enum Wire {
    Udp(UdpSocket),
    Stream(Box<dyn Stream>),
}

impl Wire {
    async fn open(relay: &Relay) -> io::Result<Self> {
        Ok(match relay.over {
            Over::Udp => Self::Udp(datagrams(&relay.address).await?),
            Over::Tcp => Self::Stream(Box::new(TcpStream::connect(&relay.address).await?)),
            Over::Tls => {
                let host = relay.address.rsplit_once(':').map_or(relay.address.as_str(), |(host, _)| host);
                let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned());
                let name = name.map_err(|_| io::ErrorKind::InvalidInput)?;
                let mut roots = rustls::RootCertStore::empty();
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                let config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
                let stream = TcpStream::connect(&relay.address).await?;
                Self::Stream(Box::new(TlsConnector::from(Arc::new(config)).connect(name, stream).await?))
            }
        })
    }

    async fn send(&mut self, message: &[u8]) -> io::Result<()> {
        match self {
            Self::Udp(socket) => socket.send(message).await.map(drop),
            Self::Stream(stream) => {
                stream.write_all(message).await?;
                stream.flush().await
            }
        }
    }

    /// The next message.
    async fn receive(&mut self) -> io::Result<Vec<u8>> {
        let mut message = vec![0; MESSAGE_BYTES_MAX];
        let length = match self {
            Self::Udp(socket) => socket.recv(&mut message).await?,
            Self::Stream(stream) => {
                stream.read_exact(&mut message[..HEADER_BYTES]).await?;
                let length = HEADER_BYTES + usize::from(u16::from_be_bytes([message[2], message[3]]));
                let rest = message.get_mut(HEADER_BYTES..length).ok_or(io::ErrorKind::InvalidData)?;
                stream.read_exact(rest).await?;
                length
            }
        };
        message.truncate(length);
        Ok(message)
    }

    /// Asks for an address, over UDP several times. The caller limits how long a stream is waited for.
    async fn ask(&mut self, fill: impl FnOnce(&mut Writer), login: Option<&Login<'_>>) -> Result<Answer, Refused> {
        let transaction = transaction();
        let request = request(method::ALLOCATE, transaction, fill, login);
        if matches!(self, Self::Stream(_)) {
            self.send(&request).await.map_err(|_| Refused::Silent)?;
            return self.answer(transaction).await.ok_or(Refused::Silent);
        }
        for _ in 0..SENT_MAX {
            // What became of an earlier one is told here, too: the answer decides.
            let _ = self.send(&request).await;
            if let Ok(Some(answer)) = tokio::time::timeout(RESEND_PERIOD, self.answer(transaction)).await {
                return Ok(answer);
            }
        }
        Err(Refused::Silent)
    }

    /// What the relay says to this transaction; `None` once nothing can come any more.
    async fn answer(&mut self, transaction: [u8; 12]) -> Option<Answer> {
        loop {
            let message = self.receive().await.ok()?;
            if let Some(answer) = read(&message, transaction) {
                return Some(answer);
            }
        }
    }
}

async fn datagrams(address: &str) -> io::Result<UdpSocket> {
    let remote = tokio::net::lookup_host(address).await?.next().ok_or(io::ErrorKind::NotFound)?;
    let any = if remote.is_ipv4() { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { IpAddr::V6(Ipv6Addr::UNSPECIFIED) };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(remote).await?;
    Ok(socket)
}

/// What requests are signed with (RFC 8489, section 9.2).
struct Login<'a> {
    user_name: &'a str,
    realm: String,
    nonce: String,
    key: [u8; 16],
}

enum Answer {
    Lent(SocketAddr),
    Refused { code: u16, realm: String, nonce: String },
}

fn transaction() -> [u8; 12] {
    let mut transaction = [0; 12];
    SystemEntropy.fill(&mut transaction);
    transaction
}

fn request(method: u16, transaction: [u8; 12], fill: impl FnOnce(&mut Writer), login: Option<&Login<'_>>) -> Vec<u8> {
    let mut writer = Writer::new(method, Class::Request, transaction);
    fill(&mut writer);
    let Some(login) = login else { return writer.finish(None) };
    writer.attribute(attribute::USERNAME, login.user_name.as_bytes());
    writer.attribute(attribute::REALM, login.realm.as_bytes());
    writer.attribute(attribute::NONCE, login.nonce.as_bytes());
    writer.finish(Some(&login.key))
}

fn read(bytes: &[u8], transaction: [u8; 12]) -> Option<Answer> {
    let message = Message::parse(bytes).filter(|message| message.transaction() == transaction)?;
    match message.class {
        Class::Success => message.addresses(attribute::XOR_RELAYED_ADDRESS)?.first().copied().map(Answer::Lent),
        Class::Error => {
            let code = match message.attribute(attribute::ERROR_CODE) {
                Some([_, _, class, number, ..]) => u16::from(*class) * 100 + u16::from(*number),
                _ => 0,
            };
            let text = |kind| message.text(kind).unwrap_or_default().to_owned();
            Some(Answer::Refused { code, realm: text(attribute::REALM), nonce: text(attribute::NONCE) })
        }
        Class::Request | Class::Indication => None,
    }
}
