//! Small grammars of values: durations, rates, switches, lists. Each error is the end of a sentence that says what to write.

use std::time::Duration;

use crate::limits::Rate;

/// A duration such as `300s`, `15m`, `24h`, `30d`, `1h30m`, or a plain number of seconds. At most 10 years.
///
/// # Errors
/// What to write instead.
pub fn duration(text: &str) -> Result<Duration, String> {
    let expected = || format!("`{}` is no duration; write for example 300s, 15m or 24h", short(text));
    if let Ok(seconds) = text.parse::<u64>() {
        return bounded_duration(seconds);
    }
    let mut seconds = 0_u64;
    let mut digits = String::new();
    for character in text.chars() {
        if character.is_ascii_digit() {
            digits.push(character);
            continue;
        }
        let unit_seconds = match character {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return Err(expected()),
        };
        let count: u64 = digits.parse().map_err(|_| expected())?;
        seconds = seconds.saturating_add(count.saturating_mul(unit_seconds));
        digits.clear();
    }
    if digits.is_empty() && !text.is_empty() { bounded_duration(seconds) } else { Err(expected()) }
}

/// How long something is kept: a duration, or `0`, `off` or `keep` for ever.
///
/// # Errors
/// What to write instead.
pub fn retention(text: &str) -> Result<Option<Duration>, String> {
    match text.to_ascii_lowercase().as_str() {
        "0" | "off" | "keep" => Ok(None),
        _ => duration(text).map(Some),
    }
}

fn bounded_duration(seconds: u64) -> Result<Duration, String> {
    match seconds {
        0 => Err("a duration must be longer than zero".to_owned()),
        1..=315_360_000 => Ok(Duration::from_secs(seconds)),
        _ => Err("a duration is at most 3650d".to_owned()),
    }
}

/// `true`/`false`, `on`/`off`, `yes`/`no`, `1`/`0`.
///
/// # Errors
/// What to write instead.
pub fn switch(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "on" | "yes" | "1" => Ok(true),
        "false" | "off" | "no" | "0" => Ok(false),
        _ => Err(format!("`{}` is neither true nor false", short(text))),
    }
}

/// A whole number from `min` to `max`.
///
/// # Errors
/// What to write instead.
pub fn number(text: &str, min: u32, max: u32) -> Result<u32, String> {
    text.parse()
        .ok()
        .filter(|number| (min..=max).contains(number))
        .ok_or_else(|| format!("`{}` is no whole number from {min} to {max}", short(text)))
}

/// A port, `0` for any free one.
///
/// # Errors
/// What to write instead.
pub fn port(text: &str) -> Result<u16, String> {
    text.parse().map_err(|_| format!("`{}` is no port; write a number from 1 to 65535", short(text)))
}

/// A rate such as `30/min`, `1000/h`, `100/day`, `10/15min`, or `off` for none.
///
/// # Errors
/// What to write instead.
pub fn rate(text: &str) -> Result<Option<Rate>, String> {
    if matches!(text.to_ascii_lowercase().as_str(), "off" | "none") {
        return Ok(None);
    }
    let expected = || format!("`{}` is no rate; write for example 30/min, 100/day or off", short(text));
    let (quota, window) = text.split_once('/').ok_or_else(expected)?;
    let quota = number(quota.trim(), 1, 1_000_000).map_err(|_| expected())?;
    let window = window.trim();
    let unit_at = window.find(|character: char| !character.is_ascii_digit()).ok_or_else(expected)?;
    let count: u64 = if unit_at == 0 { 1 } else { window[..unit_at].parse().map_err(|_| expected())? };
    let unit_seconds = match window[unit_at..].trim() {
        "s" | "sec" | "second" => 1,
        "m" | "min" | "minute" => 60,
        "h" | "hour" => 3_600,
        "d" | "day" => 86_400,
        _ => return Err(expected()),
    };
    let seconds = count.saturating_mul(unit_seconds);
    if !(1..=31 * 86_400).contains(&seconds) {
        return Err(expected());
    }
    Ok(Some(Rate { quota, window: Duration::from_secs(seconds) }))
}

/// The parts of a list with commas, trimmed, without empty ones; at most 100.
///
/// # Errors
/// What cannot be understood, by the words of `one`.
pub fn list<T>(text: &str, one: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    let parts: Vec<&str> = text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
    if parts.len() > 100 {
        return Err("a list has at most 100 entries".to_owned());
    }
    parts.into_iter().map(one).collect()
}

/// One of a few words.
///
/// # Errors
/// The words that are possible.
pub fn word<T: Copy>(text: &str, words: &[(&str, T)]) -> Result<T, String> {
    words.iter().find(|(word, _)| text.eq_ignore_ascii_case(word)).map(|(_, value)| *value).ok_or_else(|| {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        format!("`{}` is not one of {}", short(text), known.join(", "))
    })
}

/// An address with one of `schemes` and without user, path, query and fragment; returned without a slash at the end.
///
/// # Errors
/// What to write instead.
pub fn origin(text: &str, schemes: &[&str]) -> Result<String, String> {
    let expected = || {
        let known: Vec<String> = schemes.iter().map(|scheme| format!("{scheme}://")).collect();
        format!("`{}` is no address; write {} and a host, without a path", short(text), known.join(" or "))
    };
    let address = url::Url::parse(text).map_err(|_| expected())?;
    let plain = matches!(address.path(), "" | "/")
        && address.query().is_none()
        && address.fragment().is_none()
        && address.username().is_empty()
        && address.password().is_none()
        && address.has_host();
    if !plain || !schemes.contains(&address.scheme()) {
        return Err(expected());
    }
    Ok(address.as_str().trim_end_matches('/').to_owned())
}

/// Whether the host of `address` is this machine by name: `localhost`, `*.localhost`, `127.0.0.0/8`, `[::1]`.
pub fn is_loopback(address: &str) -> bool {
    match url::Url::parse(address).ok().as_ref().and_then(url::Url::host) {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// The beginning of a value, for an error text.
fn short(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, seconds) in
            [("300s", 300), ("300", 300), ("15m", 900), ("24h", 86_400), ("30d", 2_592_000), ("1h30m", 5_400)]
        {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "h", "5x", "5m3", "-1s", "1.5h", "0", "0s", "99999999999999999999h", "4000d"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rates() {
        let check = |text: &str, quota: u32, seconds: u64| {
            assert_eq!(rate(text), Ok(Some(Rate { quota, window: Duration::from_secs(seconds) })), "{text}");
        };
        check("30/min", 30, 60);
        check("10/15min", 10, 900);
        check("100/day", 100, 86_400);
        check("1000/h", 1000, 3_600);
        check("5 / s", 5, 1);
        assert_eq!(rate("off"), Ok(None));
        for text in ["", "30", "0/min", "x/min", "30/", "30/0min", "30/fortnight", "30/99day"] {
            assert!(rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn origins() {
        for (text, expected) in [
            ("https://meet.example.com/", "https://meet.example.com"),
            ("http://localhost:8000", "http://localhost:8000"),
            ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ] {
            assert_eq!(origin(text, &["http", "https"]).as_deref(), Ok(expected));
        }
        for text in
            ["", "meet.example.com", "ftp://x", "https://u:p@x", "https://x/path", "https://x?q", "https://x#f", "*"]
        {
            assert!(origin(text, &["http", "https"]).is_err(), "{text}");
        }
    }

    #[test]
    fn loopback_addresses() {
        for address in
            ["http://localhost:3000", "http://127.0.0.1", "http://127.8.8.8:1", "http://[::1]:2", "http://a.localhost"]
        {
            assert!(is_loopback(address), "{address}");
        }
        for address in ["http://10.0.0.1", "https://localhost.example.com", "x"] {
            assert!(!is_loopback(address), "{address}");
        }
    }

    #[test]
    fn words_switches_and_lists() {
        assert_eq!(word("B", &[("a", 1), ("b", 2)]), Ok(2));
        assert_eq!(word("c", &[("a", 1), ("b", 2)]), Err("`c` is not one of a, b".to_owned()));
        assert_eq!(switch("ON"), Ok(true));
        assert!(switch("maybe").is_err());
        assert_eq!(list(" 1, 2,,3 ", port), Ok(vec![1, 2, 3]));
        assert!(list(&"1,".repeat(101), port).is_err());
        assert!(number("1", 2, 3).is_err());
    }
}
