//! The certificate of the public address.

use kit::UnixMillis;
use reqwest::tls::TlsInfo;
use tls::{Acme, Facts, Files};

use super::check::{Check, Id, State, Text, text};
use super::server::cause;
use crate::config::{Listening, Settings, TlsMode};
use crate::https::ACME_FOLDER;

/// Let's Encrypt renews a third of a certificate's life before its end, which is 30 days of 90: with fewer something is wrong.
const DAYS_WARNING: u64 = 14;

/// Looks at the address that FRONTEND_URL says, else, where heydok runs, at what its own HTTPS is for.
pub(super) async fn installation(settings: &Settings, runs: bool, now: UnixMillis) -> Check {
    let Listening { tls, ports, .. } = &settings.listening;
    let mut name = if tls.mode == TlsMode::Acme { tls.domains.first().cloned() } else { None };
    if let (TlsMode::Files, Some(chain), Some(key)) = (tls.mode, &tls.certificate, &tls.key) {
        match Files::new(chain, key).look(now).await {
            Some(Err(why)) => {
                let sentence =
                    text!("TLS_CERT and TLS_KEY: {why}", "TLS_CERT und TLS_KEY sind nicht zu gebrauchen: {why}");
                return Check::failed(Id::Tls, sentence);
            }
            Some(Ok(pair)) => name = pair.facts().names.iter().find(|name| !name.contains(['*', ':'])).cloned(),
            None => {}
        }
    }
    let port = ports.first().filter(|port| runs && **port != 0);
    let own = name.zip(port).map(|(name, port)| format!("https://{name}:{port}"));
    let found = check(settings.frontend.url.as_deref().or(own.as_deref()), now).await;
    let asks = runs && tls.mode == TlsMode::Acme;
    match asks.then(|| Acme::trouble(&settings.storage.data_dir.join(ACME_FOLDER))).flatten() {
        Some(trouble) => without_a_new_one(found, &trouble),
        None => found,
    }
}

/// Adds why heydok gets no certificate, which it alone knows. One that is good now will end.
fn without_a_new_one(found: Check, trouble: &str) -> Check {
    let state = if found.state == State::Passed { State::Warning } else { found.state };
    let Text { en, de } = found.text;
    Check::new(
        Id::Tls,
        state,
        text!(
            "{en} heydok gets no new certificate: {trouble}.",
            "{de} heydok bekommt kein neues Zertifikat: {trouble}."
        ),
    )
}

/// Speaks TLS with `address` as a browser does. `None`: there is no public address.
pub(super) async fn check(address: Option<&str>, now: UnixMillis) -> Check {
    let Some(address) = address else {
        return Check::warning(
            Id::Tls,
            text!(
                "FRONTEND_URL is not set, so no certificate was looked at: browsers give camera and microphone only to https pages and to localhost.",
                "FRONTEND_URL ist nicht gesetzt, daher wurde kein Zertifikat geprüft: Browser geben Kamera und Mikrofon nur https-Seiten und localhost."
            ),
        );
    };
    if !address.starts_with("https://") {
        if crate::config::parse::is_loopback(address) {
            return Check::passed(
                Id::Tls,
                text!(
                    "{address} needs none: browsers trust this machine itself.",
                    "{address} braucht keins: Browser vertrauen dem eigenen Rechner."
                ),
            );
        }
        return Check::failed(
            Id::Tls,
            text!(
                "{address} is plain http, where browsers refuse camera and microphone: put an HTTPS proxy in front, or let heydok speak HTTPS.",
                "{address} ist unverschlüsselt, dort verweigern Browser Kamera und Mikrofon: Setzen Sie einen HTTPS-Proxy davor, oder lassen Sie heydok HTTPS sprechen."
            ),
        );
    }
    // Believed or not, the certificate is looked at: it says why.
    let believed = fetch(address, false).await;
    let certificate = match &believed {
        Ok(certificate) => certificate.clone(),
        Err(_) => fetch(address, true).await.ok().flatten(),
    };
    let url = url::Url::parse(address).ok();
    let host = url.as_ref().and_then(url::Url::host_str).unwrap_or(address).trim_matches(['[', ']']);
    judge(host, believed.err().as_deref(), certificate.as_ref(), now)
}

async fn fetch(address: &str, believe_all: bool) -> Result<Option<Facts>, String> {
    let builder = reqwest::Client::builder()
        .tls_info(true)
        .timeout(std::time::Duration::from_secs(10))
        .redirect(reqwest::redirect::Policy::none())
        .tls_danger_accept_invalid_certs(believe_all);
    let client = builder.build().map_err(|error| cause(&error))?;
    // Any answer will do: what is looked at comes before it.
    let answer = client.get(format!("{address}/version")).send().await.map_err(|error| cause(&error))?;
    let info = answer.extensions().get::<TlsInfo>();
    Ok(info.and_then(TlsInfo::peer_certificate).and_then(Facts::of))
}

/// `refused`: why a client does not believe it.
fn judge(host: &str, refused: Option<&str>, certificate: Option<&Facts>, now: UnixMillis) -> Check {
    let Some(certificate) = certificate else {
        return match refused {
            Some(error) => Check::failed(
                Id::Tls,
                text!(
                    "No certificate of {host} was seen ({error}): check the name in the DNS, that TCP 443 is open, and that a proxy or heydok answers there.",
                    "Von {host} kam kein Zertifikat ({error}): Prüfen Sie den Namen im DNS, ob TCP 443 offen ist und ob dort ein Proxy oder heydok antwortet."
                ),
            ),
            None => Check::passed(Id::Tls, text!("{host} speaks HTTPS.", "{host} spricht HTTPS.")),
        };
    };
    let ends = certificate.not_after.rfc3339();
    let days = certificate.left(now).as_secs() / 86_400;
    if certificate.not_after <= now {
        return Check::failed(
            Id::Tls,
            text!(
                "The certificate of {host} ended at {ends}: renew it, and see why it was not renewed by itself.",
                "Das Zertifikat von {host} ist seit {ends} abgelaufen: Erneuern Sie es, und sehen Sie nach, warum das nicht von selbst geschah."
            ),
        );
    }
    if !certificate.covers(host) {
        let names = certificate.names.join(", ");
        return Check::failed(
            Id::Tls,
            text!(
                "The certificate is for {names} and not for {host}: get one for that name, or correct FRONTEND_URL.",
                "Das Zertifikat gilt für {names} und nicht für {host}: Holen Sie eines für diesen Namen, oder berichtigen Sie FRONTEND_URL."
            ),
        );
    }
    if let Some(error) = refused {
        return Check::failed(
            Id::Tls,
            text!(
                "The certificate of {host} is not believed ({error}): use one of a known authority, with the whole chain in the file.",
                "Dem Zertifikat von {host} wird nicht vertraut ({error}): Nehmen Sie eines einer bekannten Stelle, mit der ganzen Kette in der Datei."
            ),
        );
    }
    let good = text!(
        "The certificate of {host} is good for {days} more days.",
        "Das Zertifikat von {host} gilt noch {days} Tage."
    );
    if days >= DAYS_WARNING {
        return Check::passed(Id::Tls, good);
    }
    Check::warning(
        Id::Tls,
        text!(
            "The certificate of {host} is good for {days} more days only: see why it was not renewed by itself.",
            "Das Zertifikat von {host} gilt nur noch {days} Tage: Sehen Sie nach, warum es nicht von selbst erneuert wurde."
        ),
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// The end, the name and the authority are told apart, the first of them first.
    #[test]
    fn what_is_wrong_with_a_certificate_is_named() {
        let now = UnixMillis(1_795_225_146_007);
        let certificate = |names: &[&str], days: i64| Facts {
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            not_before: UnixMillis(0),
            not_after: if days < 0 {
                now.minus(Duration::from_secs(86_400 * days.unsigned_abs()))
            } else {
                now.plus(Duration::from_secs(86_400 * days.unsigned_abs() + 60))
            },
        };
        let own = &["meet.example.com"][..];
        for (certificate, refused, state, part) in [
            (Some(certificate(own, 60)), None, State::Passed, "60 more days"),
            (Some(certificate(&["*.example.com"], 60)), None, State::Passed, "60 more days"),
            (Some(certificate(own, 5)), None, State::Warning, "5 more days only"),
            (Some(certificate(own, -1)), Some("expired"), State::Failed, "ended at 2026-11-20"),
            (Some(certificate(&["example.com"], 60)), Some("name"), State::Failed, "for example.com and not for"),
            (Some(certificate(own, 60)), Some("UnknownIssuer"), State::Failed, "not believed (UnknownIssuer)"),
            (None, Some("connection refused"), State::Failed, "TCP 443"),
            (None, None, State::Passed, "speaks HTTPS"),
        ] {
            let check = judge("meet.example.com", refused, certificate.as_ref(), now);
            assert!(check.state == state && check.text.en.contains(part), "{part}: {check:?}");
        }
    }

    /// What is good now is a warning where it will not be renewed, and what is not stays what it is.
    #[test]
    fn why_there_is_no_new_one_is_added() {
        for (state, expected) in
            [(State::Passed, State::Warning), (State::Warning, State::Warning), (State::Failed, State::Failed)]
        {
            let check = without_a_new_one(Check::new(Id::Tls, state, text!("Seen.", "Gesehen.")), "the port is closed");
            assert_eq!(
                (check.state, check.text.en.as_str(), check.text.de.as_str()),
                (
                    expected,
                    "Seen. heydok gets no new certificate: the port is closed.",
                    "Gesehen. heydok bekommt kein neues Zertifikat: the port is closed."
                )
            );
        }
    }

    #[tokio::test]
    async fn an_address_without_tls_is_told() {
        let state = async |address| check(address, UnixMillis(0)).await.state;
        assert_eq!(state(None).await, State::Warning);
        assert_eq!(state(Some("http://localhost:8000")).await, State::Passed);
        assert_eq!(state(Some("http://192.0.2.1")).await, State::Failed);
    }
}
