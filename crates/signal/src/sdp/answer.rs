//! The answer as a filtered mirror of the offer (RFC 3264, RFC 8829 section 5.3).

use super::{Direction, Offer, Section, SectionKind, push_line};
use crate::seam::{AnswerFacts, MediaKind, SectionFacts};

/// What the answer says about one media section, beyond what the offer and the media engine say.
#[derive(Debug, Clone, Default)]
pub(crate) struct AnswerSection {
    /// `Some` while we send: stream id and track id of `a=msid`.
    pub(crate) msid: Option<(String, String)>,
    /// We receive a track of the client.
    pub(crate) receives: bool,
    /// `video/vp8`-like name of the codec to be put first.
    pub(crate) preferred_mime: Option<String>,
    /// Opus: tell the sender that stereo is welcome, that silence need not be sent.
    pub(crate) stereo: bool,
    pub(crate) discontinuous: bool,
    /// Redundant audio is welcome (RFC 2198); only asked where we receive.
    pub(crate) redundant: bool,
}

/// Writes the answer. `plan` has one entry per audio or video section, in order, as `facts.sections` has.
pub(crate) fn answer(offer: &Offer, facts: &AnswerFacts, plan: &[AnswerSection], version: u32) -> String {
    let mut text = String::with_capacity(16 * 1024);
    let mut bundle = Vec::new();
    let mut body = String::with_capacity(16 * 1024);
    let mut media = plan.iter().zip(&facts.sections);
    let mut transport = Some(facts);
    for section in &offer.sections {
        let accepted = match section.kind {
            SectionKind::Application => application(&mut body, facts),
            SectionKind::Media(kind) => match media.next() {
                Some((plan, known)) if !section.rejected && !known.payload_types.is_empty() => {
                    media_section(&mut body, section, kind, plan, known, facts, transport.take().is_some());
                    true
                }
                _ => false,
            },
            SectionKind::Other => false,
        };
        if accepted {
            transport = None;
            bundle.push(section.mid.as_str());
        } else {
            reject(&mut body, section);
        }
    }
    for line in ["v=0", &format!("o=- 6907 {version} IN IP4 127.0.0.1"), "s=-", "t=0 0"] {
        push_line(&mut text, line);
    }
    push_line(&mut text, &format!("a=group:BUNDLE {}", bundle.join(" ")));
    if offer.session.iter().any(|line| line == "a=extmap-allow-mixed") {
        push_line(&mut text, "a=extmap-allow-mixed");
    }
    push_line(&mut text, "a=msid-semantic: WMS *");
    if facts.ice_lite {
        push_line(&mut text, "a=ice-lite");
    }
    text.push_str(&body);
    text
}

/// The engine's own section as it is; it carries SCTP parameters of both sides.
fn application(body: &mut String, facts: &AnswerFacts) -> bool {
    let Some(section) = &facts.application else {
        return false;
    };
    for line in section.lines().filter(|line| !line.is_empty()) {
        push_line(body, line);
    }
    true
}

fn reject(body: &mut String, section: &Section) {
    let media = section.lines.first().map_or("", String::as_str);
    let mut words: Vec<&str> = media.split(' ').collect();
    if words.len() > 1 {
        words[1] = "0";
    }
    push_line(body, &words.join(" "));
    push_line(body, "c=IN IP4 0.0.0.0");
    push_line(body, "a=inactive");
    push_line(body, &format!("a=mid:{}", section.mid));
}

fn media_section(
    body: &mut String,
    section: &Section,
    kind: MediaKind,
    plan: &AnswerSection,
    known: &SectionFacts,
    facts: &AnswerFacts,
    with_candidates: bool,
) {
    let direction = match (plan.receives, plan.msid.is_some()) {
        (true, true) => Direction::SendRecv,
        (true, false) => Direction::RecvOnly,
        (false, true) => Direction::SendOnly,
        (false, false) => Direction::Inactive,
    };
    let kept = ordered_payload_types(section, plan, known);
    let name = if kind == MediaKind::Audio { "audio" } else { "video" };
    let list = kept.iter().map(u8::to_string).collect::<Vec<_>>().join(" ");
    push_line(body, &format!("m={name} 9 UDP/TLS/RTP/SAVPF {list}"));
    push_line(body, "c=IN IP4 0.0.0.0");
    push_line(body, "a=rtcp:9 IN IP4 0.0.0.0");
    push_line(body, &format!("a=ice-ufrag:{}", facts.ice_ufrag));
    push_line(body, &format!("a=ice-pwd:{}", facts.ice_pwd));
    push_line(body, &format!("a=fingerprint:{}", facts.fingerprint));
    push_line(body, "a=setup:passive");
    push_line(body, &format!("a=mid:{}", section.mid));
    if with_candidates {
        for candidate in &facts.candidates {
            push_line(body, &format!("a={candidate}"));
        }
        push_line(body, "a=end-of-candidates");
    }
    for (id, uri) in &known.extensions {
        push_line(body, &format!("a=extmap:{id} {uri}"));
    }
    push_line(body, direction.line());
    if let Some((stream, track)) = &plan.msid {
        push_line(body, &format!("a=msid:{stream} {track}"));
    }
    push_line(body, "a=rtcp-mux");
    if section.lines.iter().any(|line| line == "a=rtcp-rsize") {
        push_line(body, "a=rtcp-rsize");
    }
    for payload_type in &kept {
        payload_lines(body, section, *payload_type, kind, plan);
    }
    if plan.receives && !section.send_rids.is_empty() {
        for rid in &section.send_rids {
            push_line(body, &format!("a=rid:{rid} recv"));
        }
        push_line(body, &format!("a=simulcast:recv {}", section.send_rids.join(";")));
    }
    if let (Some((stream, track)), Some(ssrc)) = (&plan.msid, known.ssrc) {
        source_lines(body, ssrc, known.rtx_ssrc, stream, track);
    }
}

fn source_lines(body: &mut String, ssrc: u32, rtx_ssrc: Option<u32>, stream: &str, track: &str) {
    if let Some(rtx) = rtx_ssrc {
        push_line(body, &format!("a=ssrc-group:FID {ssrc} {rtx}"));
    }
    for source in std::iter::once(ssrc).chain(rtx_ssrc) {
        // One CNAME for a participant: what shares it is played in sync (RFC 3550 section 6.5.1).
        let cname = stream.split('|').next().unwrap_or(stream);
        push_line(body, &format!("a=ssrc:{source} cname:{cname}"));
        push_line(body, &format!("a=ssrc:{source} msid:{stream} {track}"));
    }
}

/// The offer's payload types that the engine kept, the preferred codec (and its retransmissions) first. A client sends
/// redundant audio if that is before the codec.
fn ordered_payload_types(section: &Section, plan: &AnswerSection, known: &SectionFacts) -> Vec<u8> {
    let offered = section.lines.first().map_or("", String::as_str).split(' ').skip(3);
    let mut kept: Vec<u8> =
        offered.filter_map(|word| word.parse().ok()).filter(|pt| known.payload_types.contains(pt)).collect();
    let is_red = |pt: &u8| codec_name(section, *pt).is_some_and(|name| name.eq_ignore_ascii_case("red"));
    if plan.receives {
        kept.retain(|pt| plan.redundant || !is_red(pt));
        kept.sort_by_key(|pt| !is_red(pt));
    }
    let Some(mime) = &plan.preferred_mime else {
        return kept;
    };
    let codec = mime.rsplit('/').next().unwrap_or(mime);
    let (mut first, rest): (Vec<u8>, Vec<u8>) = kept.iter().partition(|pt| {
        codec_name(section, **pt).is_some_and(|name| name.eq_ignore_ascii_case(codec))
            || is_red(pt)
            || associated(section, **pt)
                .and_then(|apt| codec_name(section, apt))
                .is_some_and(|name| name.eq_ignore_ascii_case(codec))
    });
    first.extend(rest);
    first
}

/// The codec that a client sends in `section` if nobody asked for another: the first one kept, as `video/vp8`.
pub(crate) fn first_codec(section: &Section, known: &SectionFacts) -> Option<String> {
    let SectionKind::Media(kind) = section.kind else {
        return None;
    };
    let family = if kind == MediaKind::Audio { "audio" } else { "video" };
    let kept = ordered_payload_types(section, &AnswerSection::default(), known);
    let names = kept.into_iter().filter_map(|payload_type| codec_name(section, payload_type));
    let mut codecs =
        names.map(str::to_ascii_lowercase).filter(|name| !matches!(name.as_str(), "rtx" | "red" | "ulpfec"));
    codecs.next().map(|name| format!("{family}/{name}"))
}

fn codec_name(section: &Section, payload_type: u8) -> Option<&str> {
    let prefix = format!("a=rtpmap:{payload_type} ");
    section.lines.iter().find_map(|line| line.strip_prefix(&prefix)).and_then(|rest| rest.split('/').next())
}

/// The payload type that an RTX payload type repairs (RFC 4588 section 8.6).
fn associated(section: &Section, payload_type: u8) -> Option<u8> {
    let prefix = format!("a=fmtp:{payload_type} ");
    let parameters = section.lines.iter().find_map(|line| line.strip_prefix(&prefix))?;
    parameters.split(';').find_map(|parameter| parameter.trim().strip_prefix("apt=")).and_then(|apt| apt.parse().ok())
}

/// `rtpmap`, `fmtp` and feedback lines of one payload type.
fn payload_lines(body: &mut String, section: &Section, payload_type: u8, kind: MediaKind, plan: &AnswerSection) {
    let is_opus = codec_name(section, payload_type).is_some_and(|name| name.eq_ignore_ascii_case("opus"));
    for line in &section.lines {
        let Some((attribute, rest)) = line.split_once(':') else {
            continue;
        };
        if rest.split(' ').next() != Some(&payload_type.to_string()) {
            continue;
        }
        match attribute {
            "a=rtpmap" => push_line(body, line),
            "a=fmtp" if is_opus && plan.receives => push_line(body, &opus_parameters(line, plan)),
            "a=fmtp" => push_line(body, line),
            "a=rtcp-fb" if feedback_kept(rest, kind) => push_line(body, line),
            _ => {}
        }
    }
}

fn opus_parameters(line: &str, plan: &AnswerSection) -> String {
    let mut line = line.to_owned();
    if !line.contains("useinbandfec") {
        line.push_str(";useinbandfec=1");
    }
    if plan.discontinuous && !line.contains("usedtx") {
        line.push_str(";usedtx=1");
    }
    if plan.stereo && !line.contains("stereo=1") {
        line.push_str(";stereo=1;maxaveragebitrate=510000");
    }
    line
}

/// Feedback that the engine gives or takes: transport-wide for both, loss and picture messages for video.
fn feedback_kept(rest: &str, kind: MediaKind) -> bool {
    let message = rest.split_once(' ').map_or("", |(_, message)| message);
    match message {
        "transport-cc" => true,
        "nack" | "nack pli" | "ccm fir" => kind == MediaKind::Video,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2\r\na=extmap-allow-mixed\r\n\
m=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\na=mid:0\r\na=sendonly\r\na=msid:stream mic\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n\
a=rtcp-fb:111 transport-cc\r\na=rtcp-fb:111 nack\r\na=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\n\
m=video 9 UDP/TLS/RTP/SAVPF 96 97 103 104\r\na=mid:1\r\na=sendonly\r\na=msid:stream cam\r\na=rtcp-mux\r\na=rtcp-rsize\r\na=rtpmap:96 VP8/90000\r\n\
a=rtcp-fb:96 goog-remb\r\na=rtcp-fb:96 nack pli\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\na=rtpmap:103 H264/90000\r\na=rtpmap:104 rtx/90000\r\n\
a=fmtp:104 apt=103\r\na=rid:q send\r\na=rid:h send\r\na=simulcast:send q;~h\r\n\
m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=mid:2\r\na=recvonly\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n";

    fn facts() -> AnswerFacts {
        let section = |mid: &str, payload_types: &[u8], ssrc| SectionFacts {
            mid: mid.into(),
            payload_types: payload_types.to_vec(),
            extensions: vec![(4, "urn:ietf:params:rtp-hdrext:sdes:mid".into())],
            ssrc,
            rtx_ssrc: ssrc.map(|ssrc: u32| ssrc + 1),
        };
        AnswerFacts {
            ice_ufrag: "user".into(),
            ice_pwd: "password".into(),
            ice_lite: true,
            fingerprint: "sha-256 AA:BB".into(),
            candidates: vec!["candidate:1 1 udp 2130706431 127.0.0.1 7882 typ host".into()],
            sections: vec![
                section("0", &[111, 63], None),
                section("1", &[96, 97, 103, 104], None),
                section("2", &[96, 97], Some(1000)),
            ],
            application: None,
        }
    }

    /// The answer keeps the offer's numbers, drops what the engine does not know, puts the asked codec first and names
    /// what we send by our own ids.
    #[test]
    fn answer_mirrors_the_offer() {
        let offer = Offer::parse(OFFER).unwrap();
        assert_eq!(offer.sections[1].send_rids, ["q", "h"]);
        let plan = [
            AnswerSection { receives: true, discontinuous: true, redundant: true, ..AnswerSection::default() },
            AnswerSection { receives: true, preferred_mime: Some("video/H264".into()), ..AnswerSection::default() },
            AnswerSection { msid: Some(("PA_1|TR_1".into(), "TR_1".into())), ..AnswerSection::default() },
        ];
        insta::assert_snapshot!(answer(&offer, &facts(), &plan, 3).replace("\r\n", "\n"));
    }

    /// Redundant audio comes before the codec where it is welcome, and not at all elsewhere. A section of ours keeps what
    /// the client takes.
    #[test]
    fn redundant_audio_is_asked_for_by_order() {
        let offer = Offer::parse(OFFER).unwrap();
        let known = SectionFacts { payload_types: vec![111, 63], ..SectionFacts::default() };
        for (receives, redundant, preferred, expected) in [
            (true, true, None, vec![63, 111]),
            (true, true, Some("audio/opus"), vec![63, 111]),
            (true, false, Some("audio/opus"), vec![111]),
            (false, false, None, vec![111, 63]),
        ] {
            let preferred_mime = preferred.map(str::to_owned);
            let plan = AnswerSection { receives, redundant, preferred_mime, ..AnswerSection::default() };
            assert_eq!(ordered_payload_types(&offer.sections[0], &plan, &known), expected, "{plan:?}");
        }
    }

    /// The first codec that both have, never a repair format.
    #[test]
    fn first_codec_is_the_first_kept() {
        let offer = Offer::parse(OFFER).unwrap();
        let first = |section: usize, kept: &[u8]| {
            let known = SectionFacts { payload_types: kept.to_vec(), ..SectionFacts::default() };
            first_codec(&offer.sections[section], &known)
        };
        assert_eq!(first(0, &[63, 111]).as_deref(), Some("audio/opus"));
        assert_eq!(first(1, &[96, 97, 103, 104]).as_deref(), Some("video/vp8"));
        assert_eq!(first(1, &[97, 103, 104]).as_deref(), Some("video/h264"));
        assert_eq!(first(1, &[]), None);
    }

    /// Each line of a rewritten offer but the direction is the client's own.
    #[test]
    fn only_directions_are_rewritten() {
        let offer = Offer::parse(OFFER).unwrap();
        let text = offer.with_directions(&[None, Some(Direction::Inactive), Some(Direction::Inactive)]);
        let changed: Vec<_> = OFFER.lines().zip(text.lines()).filter(|(before, after)| before != after).collect();
        assert_eq!(changed, [("a=sendonly", "a=inactive"), ("a=recvonly", "a=inactive")]);
    }
}
