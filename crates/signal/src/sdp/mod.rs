//! Session descriptions (RFC 8866) as signalling reads and writes them: offers of clients are taken apart by lines, and
//! answers are a filtered mirror of the offer, so that payload types, formats and extension ids are the offer's by
//! construction.

mod answer;

pub(crate) use answer::{AnswerSection, answer, first_codec};

use crate::seam::MediaKind;

/// Bytes of a session description at most. Fifty sections of a browser's offer are about 150 kB.
pub(crate) const SDP_BYTES_MAX: usize = 512 * 1024;
/// Bytes of a section's mid, which everybody in the room is told of. The media engine reads no more of it than this: two
/// longer ones could be one section for it.
const MID_BYTES_MAX: usize = 16;
/// Bytes of a track id in `a=msid`, which everybody may be told of too; a longer one counts as none.
const MSID_BYTES_MAX: usize = 256;
/// Media sections of one description at most.
pub(crate) const SECTIONS_MAX: usize = 500;

/// Why an offer cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OfferError {
    #[error("offer is too long")]
    TooLong,
    #[error("offer has too many media sections")]
    TooManySections,
    #[error("offer has a media section without mid")]
    NoMid,
    #[error("offer has a mid that is too long")]
    LongMid,
}

/// Direction of a section, as its sender sees it (RFC 8866 section 6.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    SendRecv,
    SendOnly,
    RecvOnly,
    Inactive,
}

impl Direction {
    fn parse(line: &str) -> Option<Self> {
        match line {
            "a=sendrecv" => Some(Self::SendRecv),
            "a=sendonly" => Some(Self::SendOnly),
            "a=recvonly" => Some(Self::RecvOnly),
            "a=inactive" => Some(Self::Inactive),
            _ => None,
        }
    }

    pub(crate) fn line(self) -> &'static str {
        match self {
            Self::SendRecv => "a=sendrecv",
            Self::SendOnly => "a=sendonly",
            Self::RecvOnly => "a=recvonly",
            Self::Inactive => "a=inactive",
        }
    }

    pub(crate) fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }
}

/// What a section is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SectionKind {
    Media(MediaKind),
    Application,
    /// Something else, which is rejected.
    Other,
}

/// One `m=` section of an offer.
#[derive(Debug, Clone)]
pub(crate) struct Section {
    pub(crate) kind: SectionKind,
    pub(crate) mid: String,
    pub(crate) direction: Direction,
    /// The offerer has no use for the section (port 0 and not bundle-only).
    pub(crate) rejected: bool,
    /// Second token of `a=msid`, or the whole where there is one token only (RFC 8830).
    pub(crate) msid_track: Option<String>,
    /// Simulcast encodings sent (RFC 8853), as listed.
    pub(crate) send_rids: Vec<String>,
    /// All lines without line ends, the `m=` line first.
    pub(crate) lines: Vec<String>,
}

/// An offer, taken apart.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    pub(crate) session: Vec<String>,
    pub(crate) sections: Vec<Section>,
}

impl Offer {
    /// Takes `text` apart. It does not check what the media engine checks (codecs, ICE, DTLS).
    pub(crate) fn parse(text: &str) -> Result<Self, OfferError> {
        if text.len() > SDP_BYTES_MAX {
            return Err(OfferError::TooLong);
        }
        let mut session = Vec::new();
        let mut groups: Vec<Vec<String>> = Vec::new();
        for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
            if line.starts_with("m=") {
                groups.push(Vec::new());
            }
            groups.last_mut().unwrap_or(&mut session).push(line.to_owned());
        }
        if groups.len() > SECTIONS_MAX {
            return Err(OfferError::TooManySections);
        }
        let session_direction = session.iter().find_map(|line| Direction::parse(line)).unwrap_or(Direction::SendRecv);
        let sections =
            groups.into_iter().map(|lines| Section::read(lines, session_direction)).collect::<Result<_, _>>()?;
        Ok(Self { session, sections })
    }

    /// The text with the directions of `wanted` (one per media section, `None` = as it is) in place of its own.
    pub(crate) fn with_directions(&self, wanted: &[Option<Direction>]) -> String {
        let mut text = String::with_capacity(16 * 1024);
        for line in &self.session {
            push_line(&mut text, line);
        }
        for (section, direction) in self.sections.iter().zip(wanted) {
            let mut written = direction.is_none();
            for line in &section.lines {
                match (Direction::parse(line), direction) {
                    (Some(_), Some(direction)) => {
                        push_line(&mut text, direction.line());
                        written = true;
                    }
                    _ => push_line(&mut text, line),
                }
            }
            if let (false, Some(direction)) = (written, direction) {
                push_line(&mut text, direction.line());
            }
        }
        text
    }
}

impl Section {
    fn read(lines: Vec<String>, session_direction: Direction) -> Result<Self, OfferError> {
        let media = lines.first().map_or("", String::as_str);
        let kind = match media.strip_prefix("m=").and_then(|rest| rest.split(' ').next()) {
            Some("audio") => SectionKind::Media(MediaKind::Audio),
            Some("video") => SectionKind::Media(MediaKind::Video),
            Some("application") => SectionKind::Application,
            _ => SectionKind::Other,
        };
        let port_zero = media.split(' ').nth(1) == Some("0");
        let bundle_only = lines.iter().any(|line| line == "a=bundle-only");
        let mid = lines.iter().find_map(|line| line.strip_prefix("a=mid:")).ok_or(OfferError::NoMid)?.to_owned();
        if mid.len() > MID_BYTES_MAX {
            return Err(OfferError::LongMid);
        }
        let direction = lines.iter().find_map(|line| Direction::parse(line)).unwrap_or(session_direction);
        let msid_track = lines
            .iter()
            .find_map(|line| line.strip_prefix("a=msid:"))
            .and_then(|msid| msid.split(' ').nth(1).or_else(|| msid.split(' ').next()))
            .filter(|track| track.len() <= MSID_BYTES_MAX)
            .map(str::to_owned);
        let send_rids = send_rids(&lines);
        Ok(Self { kind, mid, direction, rejected: port_zero && !bundle_only, msid_track, send_rids, lines })
    }
}

/// A description in which no section names a track that `is_gone`: such sections are inactive and name nothing.
pub(crate) fn without_tracks(text: &str, is_gone: impl Fn(&str) -> bool) -> String {
    let mut kept = String::with_capacity(text.len());
    let starts = text.match_indices("\nm=").map(|(position, _)| position + 1);
    let mut begin = 0;
    for end in starts.chain([text.len()]) {
        let section = &text[begin..end];
        begin = end;
        let track = section.lines().find_map(|line| line.strip_prefix("a=msid:")?.split(' ').nth(1));
        let gone = track.is_some_and(|track| is_gone(track.trim_end()));
        for line in section.lines().map(str::trim_end).filter(|line| !(gone && line.contains("msid:"))) {
            let silent = gone && Direction::parse(line).is_some();
            push_line(&mut kept, if silent { Direction::Inactive.line() } else { line });
        }
    }
    kept
}

/// The encodings of `a=simulcast:send q;h;f`, pause marks (`~`) and alternatives (`,`) removed.
fn send_rids(lines: &[String]) -> Vec<String> {
    let Some(list) = lines.iter().find_map(|line| line.strip_prefix("a=simulcast:")) else {
        return Vec::new();
    };
    let mut words = list.split(' ');
    while let Some(word) = words.next() {
        let encodings = words.next().unwrap_or("");
        if word == "send" {
            return encodings
                .split(';')
                .filter_map(|alternatives| alternatives.split(',').next())
                .map(|rid| rid.trim_start_matches('~').to_owned())
                .filter(|rid| !rid.is_empty())
                .collect();
        }
    }
    Vec::new()
}

fn push_line(text: &mut String, line: &str) {
    text.push_str(line);
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What of an offer is repeated to others has a length.
    #[test]
    fn names_in_offers_are_bounded() {
        let offer = |mid: usize, msid: usize| {
            let (mid, msid) = ("1".repeat(mid), "x".repeat(msid));
            Offer::parse(&format!("v=0\r\nm=audio 9 X 111\r\na=mid:{mid}\r\na=msid:stream {msid}\r\n"))
        };
        let track = |offer: Offer| offer.sections[0].msid_track.as_ref().map(String::len);
        assert_eq!(track(offer(MID_BYTES_MAX, MSID_BYTES_MAX).unwrap()), Some(MSID_BYTES_MAX));
        assert_eq!(track(offer(1, MSID_BYTES_MAX + 1).unwrap()), None);
        assert_eq!(offer(MID_BYTES_MAX + 1, 1).unwrap_err(), OfferError::LongMid);
    }
}
