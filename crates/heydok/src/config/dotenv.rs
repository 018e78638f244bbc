//! Reads `.env` files: `NAME=value` lines, with `export`, comments and quotes.

use std::collections::BTreeMap;

/// Parses the text of a `.env` file. What cannot be read is reported by line, never by value.
pub(super) fn parse(text: &str) -> (BTreeMap<String, String>, Vec<String>) {
    let mut values = BTreeMap::new();
    let mut problems = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim().trim_start_matches('\u{feff}');
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        let parsed = line
            .split_once('=')
            .filter(|(name, _)| is_name(name.trim()))
            .and_then(|(name, value)| Some((name.trim().to_owned(), unquote(value.trim())?)));
        match parsed {
            Some((name, value)) => {
                values.insert(name, value);
            }
            None => {
                problems.push(format!(".env line {} is not NAME=value; write it so, or put # before it", index + 1));
            }
        }
    }
    (values, problems)
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !name.starts_with(|first: char| first.is_ascii_digit())
}

/// The value without its quotes: single quotes are literal, double quotes know `\n`, `\"` and `\\`, an unquoted value ends at ` #`.
fn unquote(value: &str) -> Option<String> {
    let mut characters = value.chars();
    match characters.next() {
        Some('\'') => {
            let (inside, after) = characters.as_str().split_once('\'')?;
            is_comment(after).then(|| inside.to_owned())
        }
        Some('"') => {
            let mut inside = String::new();
            loop {
                match characters.next()? {
                    '"' => break,
                    '\\' => match characters.next()? {
                        'n' => inside.push('\n'),
                        other => inside.push(other),
                    },
                    other => inside.push(other),
                }
            }
            is_comment(characters.as_str()).then_some(inside)
        }
        _ if value.starts_with('#') => Some(String::new()),
        _ => Some(value.split(" #").next().unwrap_or(value).trim_end().to_owned()),
    }
}

fn is_comment(rest: &str) -> bool {
    let rest = rest.trim_start();
    rest.is_empty() || rest.starts_with('#')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_as_people_write_them() {
        let text = "# heydok\n\nPORT=8002\nexport HOST = 127.0.0.1\nA='b # c'\nB=\"x\\\"y\\n\" # note\nC=plain # note\nD=\nE=a=b#c\n F = # only a note\r\n";
        let (values, problems) = parse(text);
        assert_eq!(problems, Vec::<String>::new());
        let expected = [
            ("A", "b # c"),
            ("B", "x\"y\n"),
            ("C", "plain"),
            ("D", ""),
            ("E", "a=b#c"),
            ("F", ""),
            ("HOST", "127.0.0.1"),
            ("PORT", "8002"),
        ];
        assert_eq!(values, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    }

    #[test]
    fn a_broken_line_is_named_by_number_without_its_value() {
        let (values, problems) = parse("PORT=1\nhunter2\nX='open\n9A=1\n");
        assert_eq!(values.len(), 1);
        assert_eq!(problems.len(), 3);
        assert!(problems[0].contains("line 2") && !problems[0].contains("hunter2"));
    }
}
