//! Just enough understanding of Rust text: what is code, what is test, where functions begin and end.

/// The text with comments and the insides of strings and characters blanked; every line stays where it was.
pub(crate) fn code_only(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'/' if bytes.get(at + 1) == Some(&b'/') => line_end(bytes, at),
            b'/' if bytes.get(at + 1) == Some(&b'*') => comment_end(bytes, at),
            b'"' => string_end(bytes, at),
            b'r' | b'b' | b'c' if !continues_word(bytes, at) => prefixed_string_end(bytes, at),
            b'\'' => character_end(bytes, at),
            _ => at,
        };
        if end > at {
            blank(&mut out, at, end);
            at = end;
        } else {
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn blank(out: &mut [u8], from: usize, to: usize) {
    for byte in &mut out[from..to] {
        if *byte != b'\n' {
            *byte = b' ';
        }
    }
}

fn continues_word(bytes: &[u8], at: usize) -> bool {
    at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_')
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |offset| at + offset)
}

fn comment_end(bytes: &[u8], at: usize) -> usize {
    let mut depth = 0_u32;
    let mut at = at;
    while at < bytes.len() {
        match (bytes[at], bytes.get(at + 1)) {
            (b'/', Some(b'*')) => {
                depth += 1;
                at += 2;
            }
            (b'*', Some(b'/')) => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    bytes.len()
}

fn string_end(bytes: &[u8], at: usize) -> usize {
    let mut at = at + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// The end of `r"…"`, `r#"…"#`, `b"…"`, `br"…"`, `c"…"`, `b'…'`; `at` itself where none begins here.
fn prefixed_string_end(bytes: &[u8], at: usize) -> usize {
    let mut quote = at;
    let mut is_raw = false;
    while matches!(bytes.get(quote), Some(b'r' | b'b' | b'c')) && quote < at + 2 {
        is_raw |= bytes[quote] == b'r';
        quote += 1;
    }
    let hashes = bytes[quote..].iter().take_while(|byte| **byte == b'#').count();
    match bytes.get(quote + hashes) {
        Some(b'"') if is_raw => {
            let closing: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
            let inside = quote + hashes + 1;
            bytes[inside..]
                .windows(closing.len())
                .position(|window| window == closing)
                .map_or(bytes.len(), |offset| inside + offset + closing.len())
        }
        Some(b'"') if hashes == 0 => string_end(bytes, quote),
        Some(b'\'') if hashes == 0 && !is_raw => character_end(bytes, quote),
        _ => at,
    }
}

/// The end of a character; `at` itself for a lifetime.
fn character_end(bytes: &[u8], at: usize) -> usize {
    if bytes.get(at + 1) == Some(&b'\\') {
        return bytes[at + 3..].iter().position(|byte| *byte == b'\'').map_or(at, |offset| at + 3 + offset + 1);
    }
    let text = String::from_utf8_lossy(&bytes[at + 1..bytes.len().min(at + 6)]).into_owned();
    let Some(first) = text.chars().next() else { return at };
    let after = at + 1 + first.len_utf8();
    if bytes.get(after) == Some(&b'\'') { after + 1 } else { at }
}

/// The code with everything under `#[cfg(test)]` blanked.
pub(crate) fn without_tests(code: &str) -> String {
    let mut out = code.as_bytes().to_vec();
    let mut from = 0;
    while let Some(found) = code[from..].find("#[cfg(test)]") {
        let start = from + found;
        let end = item_end(code.as_bytes(), start);
        blank(&mut out, start, end);
        from = end;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The end of the item that begins at `start`: its closing brace or its semicolon.
fn item_end(bytes: &[u8], start: usize) -> usize {
    let mut depth = 0_i32;
    for (offset, byte) in bytes[start..].iter().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return start + offset + 1;
                }
            }
            b';' if depth == 0 => return start + offset + 1,
            _ => {}
        }
    }
    bytes.len()
}

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    /// Its name.
    pub name: String,
    /// Line of `fn`, from 1.
    pub line: usize,
    /// Lines from `fn` to the closing brace.
    pub lines: usize,
}

/// All functions with a body in `code` (as [`code_only`] gives it).
pub(crate) fn functions(code: &str) -> Vec<Function> {
    let bytes = code.as_bytes();
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        if continues_word(bytes, at) {
            continue;
        }
        let rest = code[at + 3..].trim_start();
        let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if name.is_empty() {
            continue;
        }
        let Some(body) = body_start(bytes, at) else { continue };
        let end = item_end(bytes, body);
        let line = code[..at].matches('\n').count() + 1;
        found.push(Function { name, line, lines: code[at..end].matches('\n').count() + 1 });
    }
    found
}

fn body_start(bytes: &[u8], at: usize) -> Option<usize> {
    let mut depth = 0_i32;
    for (offset, byte) in bytes[at..].iter().enumerate() {
        match byte {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth -= 1,
            b'{' if depth == 0 => return Some(at + offset),
            b';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_strings_and_characters_are_no_code() {
        let text = "let a = \"fn x() {\"; // fn y\nlet b = r#\"} \" \"#; /* { /* } */ */ let c = '{'; let d: &'a str = b\"}\"; '\\'' b'{'";
        let code = code_only(text);
        assert!(!code.contains('{') && !code.contains('}'), "{code}");
        assert!(code.contains("let d: &'a str"));
        assert_eq!(code.matches('\n').count(), text.matches('\n').count());
    }

    #[test]
    fn functions_are_measured() {
        let text = "fn a() {\n    b();\n}\n\ntrait T { fn c(&self); }\npub const fn d<T>(x: [u8; 2]) -> T\nwhere\n    T: X,\n{\n}\n";
        let found = functions(&code_only(text));
        assert_eq!(
            found,
            [Function { name: "a".into(), line: 1, lines: 3 }, Function { name: "d".into(), line: 6, lines: 5 }]
        );
    }

    #[test]
    fn test_modules_are_cut_out() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\n#[cfg(test)]\nmod more;\nfn c() {}\n";
        let names: Vec<String> = functions(&without_tests(&code_only(text))).into_iter().map(|f| f.name).collect();
        assert_eq!(names, ["a", "c"]);
    }
}
