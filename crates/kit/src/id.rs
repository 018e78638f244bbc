//! Names of things: internal ids, public meeting codes, participant identities.

use std::fmt;

use crate::{Entropy, UnixMillis};

/// A new internal id: UUIDv7 (RFC 9562) in lower-case text. It sorts by time and is never a capability, because its
/// timestamp can be guessed.
pub fn new_id(now: UnixMillis, entropy: &dyn Entropy) -> String {
    let mut bytes = [0_u8; 16];
    entropy.fill(&mut bytes);
    let millis = u64::try_from(now.get()).unwrap_or(0).to_be_bytes();
    bytes[..6].copy_from_slice(&millis[2..]);
    bytes[6] = 0x70 | (bytes[6] & 0x0f);
    bytes[8] = 0x80 | (bytes[8] & 0x3f);
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
        text.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
    }
    text
}

/// Letters a generated code is drawn from: no `l`, and no digits, so that nothing is confused when read aloud.
const CODE_LETTERS: &[u8; 25] = b"abcdefghijkmnopqrstuvwxyz";

/// Longest text that is looked at when a code is typed by hand; longer input is no code.
const CODE_INPUT_BYTES_MAX: usize = 64;

/// Words that a generated code must not contain, with its hyphens taken out (English and German).
const BLOCKED_WORDS: [&str; 36] = [
    "anus", "arsch", "ass", "bitch", "cock", "coon", "cum", "cunt", "damn", "dick", "dyke", "fag", "fick", "fotze",
    "fuck", "gook", "hure", "jew", "kike", "kkk", "mord", "nazi", "neger", "nig", "nutte", "paki", "piss", "porn",
    "rape", "sau", "sex", "shit", "spic", "tit", "tod", "wank",
];

/// The public name of a meeting, `xxx-xxxx-xxx`: three, four and three characters out of `a-z` and `0-9`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MeetingCode(String);

impl MeetingCode {
    /// Draws a new code: 10 of 25 letters, 46.4 bits, without the blocked words.
    pub fn draw(entropy: &dyn Entropy) -> Self {
        loop {
            let letters: String = (0..10).map(|_| char::from(CODE_LETTERS[entropy.below(25) as usize])).collect();
            if !BLOCKED_WORDS.iter().any(|word| letters.contains(word)) {
                return Self::hyphenated(&letters);
            }
        }
    }

    /// The code, if `text` is exactly one: for values that a program wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let well_formed = bytes.len() == 12
            && bytes.iter().enumerate().all(|(index, byte)| match index {
                3 | 8 => *byte == b'-',
                _ => byte.is_ascii_lowercase() || byte.is_ascii_digit(),
            });
        well_formed.then(|| Self(text.to_owned()))
    }

    /// What someone may have meant who typed `input`, likeliest first: case, spaces, dots and hyphens repaired, then also
    /// `0` as `o` and `1` as `i` or `l`. Empty where the input is no code at all.
    pub fn candidates(input: &str) -> Vec<Self> {
        if input.len() > CODE_INPUT_BYTES_MAX {
            return Vec::new();
        }
        let mut letters = String::with_capacity(10);
        for character in input.chars() {
            match character {
                'a'..='z' | '0'..='9' => letters.push(character),
                'A'..='Z' => letters.push(character.to_ascii_lowercase()),
                '-' | '_' | '.' | '\u{2010}'..='\u{2015}' | '\u{2212}' => {}
                _ if character.is_whitespace() => {}
                _ => return Vec::new(),
            }
        }
        if letters.len() != 10 {
            return Vec::new();
        }
        let mut found = vec![Self::hyphenated(&letters)];
        for one_as in ["i", "l"] {
            let read_aloud = Self::hyphenated(&letters.replace('0', "o").replace('1', one_as));
            if !found.contains(&read_aloud) {
                found.push(read_aloud);
            }
        }
        // An `l` is never drawn: whoever typed one read an `i`.
        let without_l = Self::hyphenated(&letters.replace('0', "o").replace(['1', 'l'], "i"));
        if !found.contains(&without_l) {
            found.push(without_l);
        }
        found
    }

    /// The code with its hyphens.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn hyphenated(letters: &str) -> Self {
        Self(format!("{}-{}-{}", &letters[..3], &letters[3..7], &letters[7..]))
    }
}

impl fmt::Display for MeetingCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for MeetingCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who a participant is to us: decides the prefix of the identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParticipantKind {
    /// Came by the link, with only a name.
    Guest,
    /// Is signed in.
    User,
}

/// Draws a participant identity, `guest-12345678` or `user-12345678`. Unique only after the store accepted it; no secret.
pub fn new_participant_id(kind: ParticipantKind, entropy: &dyn Entropy) -> String {
    let prefix = match kind {
        ParticipantKind::Guest => "guest",
        ParticipantKind::User => "user",
    };
    format!("{prefix}-{:08}", entropy.below(100_000_000))
}

/// Whether `text` has the shape of an identity that we give out.
pub fn is_participant_id(text: &str) -> bool {
    text.strip_prefix("guest-")
        .or_else(|| text.strip_prefix("user-"))
        .is_some_and(|digits| digits.len() == 8 && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SeededEntropy;

    #[test]
    fn ids_are_uuid_v7_and_sort_by_time() {
        let entropy = SeededEntropy::new(3);
        let earlier = new_id(UnixMillis(1_795_225_146_007), &*entropy);
        let later = new_id(UnixMillis(1_795_225_146_008), &*entropy);
        assert_eq!(earlier.len(), 36);
        assert_eq!(&earlier[..13], "01a1fbc1-d297");
        assert_eq!(&earlier[14..15], "7");
        assert!(matches!(&earlier[19..20], "8" | "9" | "a" | "b"));
        assert!(earlier < later);
    }

    #[test]
    fn drawn_codes_have_the_shape_and_only_the_25_letters() {
        let entropy = SeededEntropy::new(4);
        for _ in 0..2_000 {
            let code = MeetingCode::draw(&*entropy);
            assert_eq!(MeetingCode::parse(code.as_str()), Some(code.clone()));
            let letters = code.as_str().replace('-', "");
            assert!(letters.bytes().all(|letter| CODE_LETTERS.contains(&letter)), "{code}");
            assert!(!BLOCKED_WORDS.iter().any(|word| letters.contains(word)), "{code}");
        }
    }

    #[test]
    fn typed_codes_are_repaired() {
        let check = |input: &str, expected: &[&str]| {
            let found: Vec<String> = MeetingCode::candidates(input).iter().map(ToString::to_string).collect();
            assert_eq!(found, expected, "{input:?}");
        };
        check("abc-defg-hij", &["abc-defg-hij"]);
        check(" ABC DEFG HIJ ", &["abc-defg-hij"]);
        check("abcdefghij", &["abc-defg-hij"]);
        check("abc.defg.hij", &["abc-defg-hij"]);
        check("abc–defg–hij", &["abc-defg-hij"]);
        check("abc-defg-h0j", &["abc-defg-h0j", "abc-defg-hoj"]);
        check("1bc-defg-hij", &["1bc-defg-hij", "ibc-defg-hij", "lbc-defg-hij"]);
        check("abl-defg-hij", &["abl-defg-hij", "abi-defg-hij"]);
        check("", &[]);
        check("abc-defg-hi", &[]);
        check("abc-defg-hijk", &[]);
        check("äbc-defg-hij", &[]);
        check("abc/defg/hij", &[]);
        check(&"a".repeat(100_000), &[]);
    }

    #[test]
    fn only_the_exact_text_parses() {
        for text in ["ABC-defg-hij", "abcdefghij", "abc-defg-hi", "abcd-efg-hij", "abc-defg-hi\u{e4}", ""] {
            assert_eq!(MeetingCode::parse(text), None, "{text:?}");
        }
        assert!(MeetingCode::parse("123-4567-890").is_some());
    }

    #[test]
    fn participant_ids_are_eight_digits() {
        let entropy = SeededEntropy::new(5);
        for _ in 0..200 {
            assert!(is_participant_id(&new_participant_id(ParticipantKind::Guest, &*entropy)));
            assert!(is_participant_id(&new_participant_id(ParticipantKind::User, &*entropy)));
        }
        for text in ["guest-1234567", "guest-123456789", "guest-1234567x", "agent-12345678", "guest-"] {
            assert!(!is_participant_id(text), "{text}");
        }
    }
}
