//! Text that people type, made harmless: normalised, without what cannot be seen, and bounded.

use unicode_normalization::UnicodeNormalization as _;

/// Whether line breaks mean something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lines {
    /// One line: each run of white space, line breaks too, becomes one space (names, titles).
    One,
    /// Line breaks stay as `\n`, at most two in a row (chat, descriptions).
    Many,
}

/// Smallest and largest length of a text, in Unicode scalar values after cleaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length {
    /// Fewest characters that are accepted.
    pub min: usize,
    /// Most characters that are accepted.
    pub max: usize,
}

impl Length {
    /// From `min` to `max` characters, both included.
    pub const fn new(min: usize, max: usize) -> Self {
        Self { min, max }
    }
}

/// Why a text was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextError {
    /// Fewer characters than needed, counted after cleaning.
    TooShort {
        /// Fewest characters that are accepted.
        min: usize,
    },
    /// More characters than allowed, counted after cleaning.
    TooLong {
        /// Most characters that are accepted.
        max: usize,
    },
}

impl std::fmt::Display for TextError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooShort { min: 1 } => f.write_str("must not be empty"),
            Self::TooShort { min } => write!(f, "must have at least {min} characters"),
            Self::TooLong { max } => write!(f, "must have at most {max} characters"),
        }
    }
}

impl std::error::Error for TextError {}

/// Cleans `input` and checks its length.
///
/// # Errors
/// [`TextError`] where the cleaned text is shorter or longer than `length` allows.
pub fn bounded(input: &str, lines: Lines, length: Length) -> Result<String, TextError> {
    let text = clean(input, lines);
    let count = text.chars().count();
    if count < length.min {
        return Err(TextError::TooShort { min: length.min });
    }
    if count > length.max {
        return Err(TextError::TooLong { max: length.max });
    }
    Ok(text)
}

/// Brings `input` into NFC, takes out control, zero-width and direction-changing characters, and trims it.
pub fn clean(input: &str, lines: Lines) -> String {
    let mut text = String::with_capacity(input.len());
    let mut pending = Gap::default();
    let mut previous = None;
    for character in input.nfc() {
        if is_gap(character) {
            pending.note(character);
            continue;
        }
        if is_removed(character, previous) {
            continue;
        }
        if !text.is_empty() {
            pending.write(&mut text, lines);
        }
        pending = Gap::default();
        text.push(character);
        previous = Some(character);
    }
    // A joiner may be left over where what it joined to was taken out.
    text.truncate(text.trim_end_matches('\u{200d}').len());
    // Taking characters out may have put two together that have a composed form.
    if unicode_normalization::is_nfc(&text) { text } else { text.nfc().collect() }
}

/// White space seen since the last visible character.
#[derive(Default)]
struct Gap {
    spaces: usize,
    breaks: usize,
}

impl Gap {
    fn note(&mut self, character: char) {
        if matches!(character, '\n' | '\u{2028}' | '\u{2029}' | '\u{85}') {
            self.breaks += 1;
        } else {
            self.spaces += 1;
        }
    }

    fn write(&self, text: &mut String, lines: Lines) {
        match lines {
            Lines::Many if self.breaks > 0 => {
                text.push_str(if self.breaks > 1 { "\n\n" } else { "\n" });
            }
            Lines::Many => (0..self.spaces.min(8)).for_each(|_| text.push(' ')),
            Lines::One if self.breaks + self.spaces > 0 => text.push(' '),
            Lines::One => {}
        }
    }
}

fn is_gap(character: char) -> bool {
    character.is_whitespace() || character == '\u{2800}'
}

/// Characters that cannot be seen or that change the direction or shape of others. A zero-width joiner stays inside an
/// emoji, where taking it out would break one picture into several.
fn is_removed(character: char, previous: Option<char>) -> bool {
    match character {
        '\u{200d}' => !previous.is_some_and(is_pictograph),
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{3164}'
        | '\u{ffa0}' => true,
        '\u{180b}'..='\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => true,
        '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}' => true,
        _ => character.is_control(),
    }
}

fn is_pictograph(character: char) -> bool {
    matches!(character, '\u{fe0f}' | '\u{2190}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lines: Lines, input: &str, expected: &str) {
        let cleaned = clean(input, lines);
        assert_eq!(cleaned, expected, "{input:?}");
        assert_eq!(clean(&cleaned, lines), cleaned, "cleaning twice changes nothing: {input:?}");
    }

    #[test]
    fn one_line_is_trimmed_and_harmless() {
        for (input, expected) in [
            ("  Anna  ", "Anna"),
            ("Anna\t\n  B.", "Anna B."),
            ("A\u{0}n\u{7}na\u{1b}[31m", "Anna[31m"),
            ("A\u{200b}n\u{feff}na\u{2060}", "Anna"),
            ("evil\u{202e}txt.exe", "eviltxt.exe"),
            ("a\u{2066}b\u{2069}", "ab"),
            ("Jose\u{301}", "Jos\u{e9}"),
            ("e\u{200b}\u{301}", "\u{e9}"),
            ("\u{3164}\u{200b}\u{2800}", ""),
            ("Ünïcødé 漢字 עברית", "Ünïcødé 漢字 עברית"),
            ("👩‍👩‍👧 ❤️‍🔥", "👩‍👩‍👧 ❤️‍🔥"),
            ("a\u{200d}b👍\u{200d}", "ab👍"),
            ("a\u{2028}b\u{85}c", "a b c"),
        ] {
            check(Lines::One, input, expected);
        }
    }

    #[test]
    fn many_lines_keep_their_breaks() {
        for (input, expected) in [
            ("one\r\ntwo", "one\ntwo"),
            ("one\n\n\n\n\ntwo\n", "one\n\ntwo"),
            ("  a  b", "a  b"),
            ("a \u{202d}\n b", "a\nb"),
        ] {
            check(Lines::Many, input, expected);
        }
    }

    #[test]
    fn length_is_counted_in_characters_after_cleaning() {
        let name = Length::new(1, 5);
        assert_eq!(bounded(" äöüß漢 ", Lines::One, name).as_deref(), Ok("äöüß漢"));
        assert_eq!(bounded("\u{200b} \u{0}", Lines::One, name), Err(TextError::TooShort { min: 1 }));
        assert_eq!(bounded("abcdef", Lines::One, name), Err(TextError::TooLong { max: 5 }));
        assert_eq!(TextError::TooShort { min: 1 }.to_string(), "must not be empty");
        assert_eq!(TextError::TooShort { min: 4 }.to_string(), "must have at least 4 characters");
        assert_eq!(TextError::TooLong { max: 5 }.to_string(), "must have at most 5 characters");
    }
}
