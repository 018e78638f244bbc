//! What went wrong, as one sentence with the fix.

use instant_acme::{Error, Problem};

/// Why no certificate was issued.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The server said so, of this name where it is about one.
    Problem(Option<String>, Problem),
    /// It offers no way to prove a name that we know.
    NoChallenge(String),
    /// Everything else.
    Other(Error),
    /// What it sent cannot be used.
    Unusable(String),
    /// What we keep cannot be read or written.
    Folder(std::io::Error),
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match error {
            Error::Api(problem) => Self::Problem(None, problem),
            other => Self::Other(other),
        }
    }
}

impl Trouble {
    /// The last part of the problem's type (RFC 8555, section 6.7).
    pub(super) fn code(&self) -> &str {
        match self {
            Self::Problem(_, problem) => code(problem),
            _ => "",
        }
    }

    /// Whether the server was asked for something; it counts that.
    pub(super) fn is_heard(&self) -> bool {
        !matches!(self, Self::Other(Error::Other(_)))
    }

    /// One sentence with the fix, for the log and for those who ask how it stands.
    pub(super) fn sentence(&self, directory: &str, names: &[String]) -> String {
        let all = names.join(", ");
        match self {
            Self::Problem(name, problem) => {
                // An order with several wrong names says which in a part of its own.
                let part = problem.subproblems.first();
                let of_part = part.and_then(|part| part.identifier.as_ref()).map(|id| id.authorized(false).to_string());
                let name = name.as_ref().or(of_part.as_ref()).unwrap_or(&all);
                let detail = part.and_then(|part| part.detail.as_deref()).or(problem.detail.as_deref());
                let detail = short(detail.unwrap_or("no reason given"));
                format!("{} ({detail})", of_code(code(problem), name, directory))
            }
            Self::NoChallenge(name) => {
                format!("{directory} does not offer tls-alpn-01 for {name}; use another ACME server (TLS_ACME_URL)")
            }
            Self::Other(Error::Timeout(_)) => {
                format!("{directory} took too long over the certificate for {all}; it is asked again")
            }
            Self::Other(error) => format!(
                "the ACME server {directory} cannot be used; check that this machine reaches it, and TLS_ACME_URL ({})",
                short(&chain(error))
            ),
            Self::Unusable(why) => format!("what {directory} issued cannot be used: {why}"),
            Self::Folder(error) => format!("DATA_DIR does not take the certificate ({error}); make it writable"),
        }
    }
}

fn code(problem: &Problem) -> &str {
    problem.r#type.as_deref().and_then(|text| text.rsplit(':').next()).unwrap_or_default()
}

fn of_code(code: &str, name: &str, directory: &str) -> String {
    match code {
        "dns" => {
            format!("no DNS entry leads from {name} to this machine; make an A or AAAA record with its public address")
        }
        "connection" => format!(
            "port 443 of {name} cannot be reached from outside; open it in the firewall, and forward it to this machine"
        ),
        "unauthorized" | "tls" | "incorrectResponse" => {
            format!(
                "another server answers on port 443 of {name}, or none; let its DNS entry lead to this machine, and nothing stand between that ends TLS"
            )
        }
        "caa" => format!("the CAA record of {name} forbids {directory}; allow it there"),
        "rateLimited" => format!("{directory} was asked too often for {name}; it is asked again later"),
        "rejectedIdentifier" | "unsupportedIdentifier" => {
            format!("{directory} issues no certificate for {name}; set TLS_DOMAIN to a public DNS name")
        }
        "invalidContact" | "unsupportedContact" => {
            format!("{directory} does not accept TLS_ACME_EMAIL; correct or unset it")
        }
        "externalAccountRequired" => {
            format!(
                "{directory} wants an account that was made elsewhere, which heydok cannot use; choose another TLS_ACME_URL"
            )
        }
        _ => format!("{directory} issued no certificate for {name}; it is asked again"),
    }
}

/// An error with its causes.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Foreign text: one line, of bounded length.
fn short(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(json: &str) -> Problem {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn each_failure_names_its_fix() {
        let names = ["meet.example.com".to_owned(), "call.example.com".to_owned()];
        for (code, fix) in [
            ("dns", "A or AAAA record"),
            ("connection", "firewall"),
            ("unauthorized", "lead to this machine"),
            ("caa", "CAA record of meet.example.com"),
            ("rateLimited", "asked again later"),
            ("rejectedIdentifier", "TLS_DOMAIN"),
            ("externalAccountRequired", "TLS_ACME_URL"),
            ("serverInternal", "asked again"),
        ] {
            let problem = problem(&format!(r#"{{"type":"urn:ietf:params:acme:error:{code}","detail":"why\nnot"}}"#));
            let trouble = Trouble::Problem(Some(names[0].clone()), problem);
            let sentence = trouble.sentence("https://ca.test/dir", &names);
            assert!(sentence.contains(fix) && sentence.ends_with("(why not)"), "{sentence}");
            assert_eq!(trouble.code(), code);
        }
        let part = r#"{"type":"urn:ietf:params:acme:error:rejectedIdentifier","subproblems":[{"type":"x","detail":"a rule","identifier":{"type":"dns","value":"call.example.com"}}]}"#;
        let sentence = Trouble::Problem(None, problem(part)).sentence("https://ca.test/dir", &names);
        assert!(
            sentence.contains("no certificate for call.example.com") && sentence.contains("(a rule)"),
            "{sentence}"
        );
        let long = Trouble::Other(Error::Other("x".repeat(9_000).into())).sentence("https://ca.test/dir", &names);
        assert!(long.len() < 600);
    }
}
