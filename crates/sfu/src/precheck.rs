//! What a session description must not contain: str0m asserts these things instead of refusing them.

use std::collections::HashMap;

use crate::negotiate::split_sections;

/// What one payload type stands for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Meaning<'a> {
    /// `VP8/90000`; compared without regard to case.
    codec: Option<String>,
    /// The parameters that make two formats of a codec different, sorted.
    parameters: Vec<&'a str>,
}

/// Refuse a description in which a payload type means different things in different sections. All sections share one
/// transport, so the numbers must be unambiguous (RFC 8843 section 10.1.2).
pub(crate) fn check(sdp: &str) -> Result<(), String> {
    let mut known: HashMap<&str, Meaning<'_>> = HashMap::new();
    for section in split_sections(sdp).into_iter().skip(1) {
        for (payload_type, meaning) in meanings(section)? {
            match known.get(payload_type) {
                Some(before) if *before != meaning => {
                    return Err(format!("payload type {payload_type} has two meanings"));
                }
                _ => {
                    known.insert(payload_type, meaning);
                }
            }
        }
    }
    Ok(())
}

fn meanings(section: &str) -> Result<HashMap<&str, Meaning<'_>>, String> {
    let mut meanings: HashMap<&str, Meaning<'_>> = HashMap::new();
    for line in section.lines() {
        if let Some((payload_type, codec)) = line.strip_prefix("a=rtpmap:").and_then(|rest| rest.split_once(' ')) {
            let meaning = meanings.entry(payload_type).or_default();
            if meaning.codec.replace(codec.trim().to_ascii_lowercase()).is_some() {
                return Err(format!("payload type {payload_type} is mapped twice"));
            }
        }
        if let Some((payload_type, format)) = line.strip_prefix("a=fmtp:").and_then(|rest| rest.split_once(' ')) {
            let telling = [
                "profile-level-id=",
                "packetization-mode=",
                "level-asymmetry-allowed=",
                "profile-id=",
                "profile=",
                "apt=",
            ];
            let parameters = format.split(';').map(str::trim);
            let meaning = meanings.entry(payload_type).or_default();
            meaning
                .parameters
                .extend(parameters.filter(|parameter| telling.iter().any(|name| parameter.starts_with(name))));
            meaning.parameters.sort_unstable();
        }
    }
    Ok(meanings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_one_meaning() {
        let section = |lines: &str| format!("v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n{lines}");
        let vp8 = section("a=rtpmap:96 VP8/90000\r\na=fmtp:96 x-google-start-bitrate=1000\r\n");
        let plain = section("a=rtpmap:96 vp8/90000\r\n");
        let h264 = section("a=rtpmap:96 H264/90000\r\n");
        assert_eq!(check(&format!("{vp8}{plain}")), Ok(()));
        assert!(check(&format!("{vp8}{}", h264.replacen("v=0\r\n", "", 1))).is_err());
        assert!(check(&section("a=rtpmap:96 VP8/90000\r\na=rtpmap:96 VP9/90000\r\n")).is_err());
        assert_eq!(check(""), Ok(()));
        // Formats of H264 that differ in one parameter, each of which str0m tells apart.
        let h264 = |parameters: &str| section(&format!("a=rtpmap:96 H264/90000\r\na=fmtp:96 {parameters}\r\n"));
        let base = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f";
        for other in [
            "level-asymmetry-allowed=0;packetization-mode=1;profile-level-id=42e01f",
            "level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f",
            "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=640032",
        ] {
            assert!(check(&format!("{}{}", h264(base), h264(other))).is_err(), "{other}");
        }
        assert_eq!(check(&format!("{0}{0}", h264(base))), Ok(()));
    }
}
