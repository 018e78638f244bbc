//! STUN and TURN servers that clients are told, each with the credentials it wants.

use kit::{Secret, turn_password};
use livekit_protocol as proto;

/// A STUN or TURN server.
#[derive(Debug, Clone)]
pub struct IceServer {
    /// Addresses as RFC 7064 and RFC 7065 write them: `turn:192.0.2.1:7882?transport=udp`.
    pub urls: Vec<String>,
    pub login: IceLogin,
}

/// How clients show that they may use it.
#[derive(Debug, Clone)]
pub enum IceLogin {
    /// Not at all (STUN).
    Open,
    /// The same for everybody, for ever.
    Fixed { user_name: String, password: Secret },
    /// A user name that expires after `seconds`, and the password that follows from it and a secret that the server shares
    /// with us (draft-uberti-behave-turn-rest).
    Derived { secret: Secret, seconds: u64 },
}

impl IceServer {
    /// What the participant `sid` is told now.
    pub(crate) fn told(&self, sid: &str, unix_s: u64) -> proto::IceServer {
        let (username, credential) = match &self.login {
            IceLogin::Open => Default::default(),
            IceLogin::Fixed { user_name, password } => (user_name.clone(), password.expose().to_owned()),
            IceLogin::Derived { secret, seconds } => {
                let user_name = format!("{}:{sid}", unix_s + seconds);
                let password = turn_password(secret, &user_name);
                (user_name, password)
            }
        };
        proto::IceServer { urls: self.urls.clone(), username, credential }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_login_has_its_words() {
        let server = |login| IceServer { urls: vec!["turn:192.0.2.1:7882".into()], login };
        let words = |login| {
            let told = server(login).told("PA_anna", 1_700_000_000);
            assert_eq!(told.urls, ["turn:192.0.2.1:7882"]);
            (told.username, told.credential)
        };
        assert_eq!(words(IceLogin::Open), (String::new(), String::new()));
        let fixed = IceLogin::Fixed { user_name: "user".into(), password: Secret::new("word") };
        assert_eq!(words(fixed), ("user".into(), "word".into()));
        let (user_name, password) = words(IceLogin::Derived { secret: Secret::new("north"), seconds: 3600 });
        assert_eq!(user_name, "1700003600:PA_anna");
        assert_eq!(password, turn_password(&Secret::new("north"), &user_name));
    }
}
