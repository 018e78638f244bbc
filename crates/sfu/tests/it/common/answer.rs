//! The answer's text: the offer's lines that the server accepted. The signalling crate writes the real one.

use std::fmt::Write;

use sfu::{AnswerFacts, MediaKind, SectionFacts, SectionPlan, SectionRole};

/// Mid and kind of each media section.
pub fn media_sections(offer: &str) -> Vec<(String, MediaKind)> {
    sections(offer)
        .into_iter()
        .filter_map(|lines| {
            let kind = match lines[0].split_once(' ')?.0 {
                "m=audio" => MediaKind::Audio,
                "m=video" => MediaKind::Video,
                _ => return None,
            };
            Some((mid_of(&lines)?.to_owned(), kind))
        })
        .collect()
}

fn sections(sdp: &str) -> Vec<Vec<&str>> {
    let mut sections: Vec<Vec<&str>> = Vec::new();
    for line in sdp.lines() {
        if line.starts_with("m=") {
            sections.push(Vec::new());
        }
        if let Some(section) = sections.last_mut() {
            section.push(line);
        }
    }
    sections
}

fn mid_of<'a>(lines: &[&'a str]) -> Option<&'a str> {
    lines.iter().find_map(|line| line.strip_prefix("a=mid:"))
}

fn is_direction(line: &str) -> bool {
    matches!(line, "a=sendrecv" | "a=sendonly" | "a=recvonly" | "a=inactive")
}

/// The offer with the directions of unused sections rewritten to inactive.
pub fn direct(offer: &str, plan: &[SectionPlan]) -> String {
    let mut text = String::new();
    let mut section = String::new();
    for line in offer.lines() {
        if line.starts_with("m=") {
            section.clear();
        }
        if let Some(mid) = line.strip_prefix("a=mid:") {
            section = mid.to_owned();
        }
        let used = plan.iter().any(|plan| plan.mid == section && plan.role != SectionRole::Inactive);
        let line = if is_direction(line) && !used && !section.is_empty() { "a=inactive" } else { line };
        write!(text, "{line}\r\n").unwrap();
    }
    text
}

pub fn mirror(offer: &str, plan: &[SectionPlan], facts: &AnswerFacts) -> String {
    let mut text = String::from("v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n");
    let all = sections(offer);
    let mids: Vec<&str> = all.iter().filter_map(|lines| mid_of(lines)).collect();
    write!(text, "a=group:BUNDLE {}\r\n", mids.join(" ")).unwrap();
    if facts.ice_lite {
        text.push_str("a=ice-lite\r\n");
    }
    for lines in all {
        if lines[0].starts_with("m=application") {
            text.push_str(facts.application.as_deref().unwrap());
            continue;
        }
        let mid = mid_of(&lines).unwrap();
        let index = plan.iter().position(|plan| plan.mid == mid).unwrap();
        media(&mut text, &lines, &plan[index].role, &facts.sections[index], facts);
    }
    text
}

fn media(text: &mut String, lines: &[&str], role: &SectionRole, section: &SectionFacts, facts: &AnswerFacts) {
    let head: Vec<&str> = lines[0].split(' ').collect();
    let accepted: Vec<&str> =
        head[3..].iter().copied().filter(|pt| section.payload_types.iter().any(|a| a.to_string() == **pt)).collect();
    write!(text, "{} 9 {} {}\r\nc=IN IP4 0.0.0.0\r\n", head[0], head[2], accepted.join(" ")).unwrap();
    write!(text, "a=mid:{}\r\na=rtcp-mux\r\na=setup:passive\r\n", section.mid).unwrap();
    write!(
        text,
        "a=ice-ufrag:{}\r\na=ice-pwd:{}\r\na=fingerprint:{}\r\n",
        facts.ice_ufrag, facts.ice_pwd, facts.fingerprint
    )
    .unwrap();
    for candidate in &facts.candidates {
        write!(text, "a={candidate}\r\n").unwrap();
    }
    let direction = match role {
        SectionRole::Receive { .. } => "recvonly",
        SectionRole::Send { .. } => "sendonly",
        SectionRole::Inactive => "inactive",
    };
    write!(text, "a={direction}\r\n").unwrap();
    for line in lines {
        if keep(line, &accepted, section) {
            write!(text, "{line}\r\n").unwrap();
        } else if let Some(rids) = line.strip_prefix("a=simulcast:send ") {
            write!(text, "a=simulcast:recv {rids}\r\n").unwrap();
        } else if line.starts_with("a=rid:") {
            write!(text, "{}\r\n", line.replace(" send", " recv")).unwrap();
        }
    }
    if let (SectionRole::Send { track }, Some(ssrc)) = (role, section.ssrc) {
        write!(text, "a=msid:PA_x|TR_{0} TR_{0}\r\n", track.0).unwrap();
        if let Some(rtx) = section.rtx_ssrc {
            write!(text, "a=ssrc-group:FID {ssrc} {rtx}\r\n").unwrap();
            write!(text, "a=ssrc:{rtx} cname:c\r\n").unwrap();
        }
        write!(text, "a=ssrc:{ssrc} cname:c\r\n").unwrap();
    }
}

fn keep(line: &str, accepted: &[&str], section: &SectionFacts) -> bool {
    for prefix in ["a=rtpmap:", "a=fmtp:", "a=rtcp-fb:"] {
        if let Some(rest) = line.strip_prefix(prefix) {
            return accepted.contains(&rest.split(' ').next().unwrap_or(""));
        }
    }
    if let Some(rest) = line.strip_prefix("a=extmap:") {
        let (id, uri) = rest.split_once(' ').unwrap();
        return section.extensions.iter().any(|(known, known_uri)| known.to_string() == id && known_uri == uri);
    }
    false
}
