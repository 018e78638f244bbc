//! A TURN client as a browser has one, without a socket: it allocates, binds a channel to one peer, and wraps what passes.

use std::net::SocketAddr;

use turn::message::{Class, Message, Writer, attribute, long_term_key, method};

/// The channel that it binds.
const CHANNEL: [u8; 2] = [0x40, 0x00];

/// What follows from a message of the server.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    /// This is to be sent.
    Send(Vec<u8>),
    /// The peer sent this.
    Data(Vec<u8>),
    Nothing,
}

/// One allocation.
#[derive(Debug)]
pub struct TurnClient {
    user_name: String,
    password: String,
    peer: SocketAddr,
    realm: String,
    nonce: String,
    transaction: u8,
    /// The address that stands for this client.
    pub relayed: Option<SocketAddr>,
    /// Whether data can pass.
    pub ready: bool,
    /// Error codes but the first 401.
    pub errors: Vec<u16>,
}

impl TurnClient {
    #[must_use]
    pub fn new(user_name: &str, password: &str, peer: SocketAddr) -> Self {
        Self {
            user_name: user_name.to_owned(),
            password: password.to_owned(),
            peer,
            realm: String::new(),
            nonce: String::new(),
            transaction: 0,
            relayed: None,
            ready: false,
            errors: Vec::new(),
        }
    }

    /// The first message: without credentials, as every client begins.
    pub fn allocate(&mut self) -> Vec<u8> {
        self.request(method::ALLOCATE, |writer| writer.attribute(attribute::REQUESTED_TRANSPORT, &[17, 0, 0, 0]))
    }

    /// The last message.
    pub fn release(&mut self) -> Vec<u8> {
        self.request(method::REFRESH, |writer| writer.attribute(attribute::LIFETIME, &[0; 4]))
    }

    fn request(&mut self, method: u16, fill: impl FnOnce(&mut Writer)) -> Vec<u8> {
        self.transaction += 1;
        let mut writer = Writer::new(method, Class::Request, [self.transaction; 12]);
        fill(&mut writer);
        if self.nonce.is_empty() {
            return writer.finish(None);
        }
        writer.attribute(attribute::USERNAME, self.user_name.as_bytes());
        writer.attribute(attribute::REALM, self.realm.as_bytes());
        writer.attribute(attribute::NONCE, self.nonce.as_bytes());
        writer.finish(Some(&long_term_key(&self.user_name, &self.realm, &self.password)))
    }

    /// A message of the server.
    pub fn receive(&mut self, bytes: &[u8]) -> Step {
        if let [0x40, 0x00, high, low, data @ ..] = bytes {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            return data.get(..length).map_or(Step::Nothing, |data| Step::Data(data.to_vec()));
        }
        let Some(message) = Message::parse(bytes) else { return Step::Nothing };
        match (message.method, message.class) {
            (method::DATA, Class::Indication) => {
                message.attribute(attribute::DATA).map_or(Step::Nothing, |data| Step::Data(data.to_vec()))
            }
            (method::ALLOCATE, Class::Success) => {
                let relayed = message.addresses(attribute::XOR_RELAYED_ADDRESS).unwrap_or_default();
                self.relayed = relayed.first().copied();
                let peer = self.peer;
                Step::Send(self.request(method::CHANNEL_BIND, |writer| {
                    writer.attribute(attribute::CHANNEL_NUMBER, &[CHANNEL[0], CHANNEL[1], 0, 0]);
                    writer.address(attribute::XOR_PEER_ADDRESS, peer);
                }))
            }
            (method::CHANNEL_BIND, Class::Success) => {
                self.ready = true;
                Step::Nothing
            }
            (_, Class::Error) => self.error(&message),
            _ => Step::Nothing,
        }
    }

    fn error(&mut self, message: &Message<'_>) -> Step {
        let code = match message.attribute(attribute::ERROR_CODE) {
            Some([_, _, class, number]) => u16::from(*class) * 100 + u16::from(*number),
            _ => 0,
        };
        if code != 401 || !self.nonce.is_empty() {
            self.errors.push(code);
            return Step::Nothing;
        }
        self.realm = message.text(attribute::REALM).unwrap_or_default().to_owned();
        self.nonce = message.text(attribute::NONCE).unwrap_or_default().to_owned();
        Step::Send(self.allocate())
    }

    /// Data for the peer, as it goes to the server.
    ///
    /// # Panics
    ///
    /// If it is longer than a datagram.
    #[must_use]
    pub fn wrap(&self, data: &[u8]) -> Vec<u8> {
        let length = u16::try_from(data.len()).expect("a datagram");
        [&CHANNEL[..], &length.to_be_bytes(), data].concat()
    }
}
