//! Reading a JSON request body: foreign values become our types at the edge, and every wrong field is named at once.

use kit::text::{Length, Lines, TextError, bounded};
use serde_json::{Map, Value};

use super::problem::{FieldError, MALFORMED_JSON, Problem};

/// Unknown members that are named to the caller.
const UNKNOWN_MAX: usize = 10;

/// The members of a JSON object, read one by one.
pub struct Fields {
    members: Map<String, Value>,
    errors: Vec<FieldError>,
}

impl Fields {
    /// An object without members, to reject what does not stand in a body.
    pub fn empty() -> Self {
        Self { members: Map::new(), errors: Vec::new() }
    }

    /// Parses `body`; an empty body is an object without members.
    pub fn parse(body: &[u8]) -> Result<Self, Problem> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(Self::empty());
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => Ok(Self { members, errors: Vec::new() }),
            Ok(_) => Err(Problem::wrong("body", "", "model_attributes_type", "must be a JSON object")),
            Err(error) => {
                Err(Problem::new(MALFORMED_JSON).private(format!("line {} column {}", error.line(), error.column())))
            }
        }
    }

    /// Records that `name` is wrong.
    pub fn reject(&mut self, name: &str, r#type: &'static str, msg: impl Into<String>) {
        self.errors.push(FieldError::new("body", name, r#type, msg));
    }

    /// Takes out a member; null is as absent.
    fn take(&mut self, name: &str) -> Option<Value> {
        self.members.remove(name).filter(|value| !value.is_null())
    }

    /// Rejects members that nothing has read. Endpoints of the seeds ignore those, as the seeds' FastAPI does; all others refuse
    /// them (C-01), so that a slip of the finger is told.
    pub fn nothing_else(&mut self) {
        for (name, _) in std::mem::take(&mut self.members).into_iter().take(UNKNOWN_MAX) {
            let name: String = name.chars().take(64).collect();
            self.reject(&name, "extra_forbidden", "is not a field of this request");
        }
    }

    /// A text that must be there.
    pub fn text(&mut self, name: &str, lines: Lines, length: Length) -> String {
        let value = self.take(name);
        if value.is_none() {
            self.reject(name, "missing", "is required");
        }
        self.bounded(name, value, lines, length).unwrap_or_default()
    }

    /// A text that may be absent or null.
    pub fn text_opt(&mut self, name: &str, lines: Lines, length: Length) -> Option<String> {
        let value = self.take(name);
        self.bounded(name, value, lines, length)
    }

    fn bounded(&mut self, name: &str, value: Option<Value>, lines: Lines, length: Length) -> Option<String> {
        let text = match value? {
            Value::String(text) => bounded(&text, lines, length),
            _ => {
                self.reject(name, "string_type", "must be a string");
                return None;
            }
        };
        match text {
            Ok(text) => Some(text),
            Err(error) => {
                let kind = match error {
                    TextError::TooShort { .. } => "string_too_short",
                    TextError::TooLong { .. } => "string_too_long",
                };
                self.reject(name, kind, error.to_string());
                None
            }
        }
    }

    /// A text taken as it is (a token, an id): its length in characters is checked, and that nothing in it is invisible.
    pub fn raw_opt(&mut self, name: &str, length: Length) -> Option<String> {
        match self.take(name)? {
            Value::String(text) if text.chars().any(char::is_control) => {
                self.reject(name, "string_pattern_mismatch", "must not have control characters");
                None
            }
            Value::String(text) if (length.min..=length.max).contains(&text.chars().count()) => Some(text),
            Value::String(_) => {
                self.reject(name, "string_length", format!("must have {} to {} characters", length.min, length.max));
                None
            }
            _ => {
                self.reject(name, "string_type", "must be a string");
                None
            }
        }
    }

    /// A whole number between `min` and `max` that may be absent or null.
    pub fn int_opt(&mut self, name: &str, min: i64, max: i64) -> Option<i64> {
        match self.take(name)?.as_i64() {
            Some(number) if (min..=max).contains(&number) => Some(number),
            Some(_) => {
                self.reject(name, "out_of_range", format!("must be between {min} and {max}"));
                None
            }
            None => {
                self.reject(name, "int_type", "must be a whole number");
                None
            }
        }
    }

    /// A truth value that may be absent or null.
    pub fn flag_opt(&mut self, name: &str) -> Option<bool> {
        match self.take(name)? {
            Value::Bool(flag) => Some(flag),
            _ => {
                self.reject(name, "bool_type", "must be true or false");
                None
            }
        }
    }

    /// Ends the reading: 422 with all that was wrong.
    pub fn finish(self) -> Result<(), Problem> {
        if self.errors.is_empty() { Ok(()) } else { Err(Problem::invalid(self.errors)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: Length = Length::new(1, 5);

    /// Each wrong field is named by its own type, and all are named at once.
    #[test]
    fn all_wrong_fields_are_named() {
        let mut fields = Fields::parse(
            br#"{"long":"123456","blank":" ","number":"7","big":900,"flag":"yes","fine":"ok","odd":1,"other":1}"#,
        )
        .unwrap();
        assert_eq!(fields.text("fine", Lines::One, NAME), "ok");
        fields.text("long", Lines::One, NAME);
        fields.text("blank", Lines::One, NAME);
        fields.text("absent", Lines::One, NAME);
        fields.text("odd", Lines::One, NAME);
        fields.int_opt("number", 0, 9);
        fields.int_opt("big", 0, 9);
        fields.flag_opt("flag");
        fields.nothing_else();
        let problem = fields.finish().unwrap_err();
        let types: Vec<_> = problem.errors.iter().map(|error| (error.pointer.as_str(), error.r#type)).collect();
        assert_eq!(
            types,
            [
                ("/long", "string_too_long"),
                ("/blank", "string_too_short"),
                ("/absent", "missing"),
                ("/odd", "string_type"),
                ("/number", "int_type"),
                ("/big", "out_of_range"),
                ("/flag", "bool_type"),
                ("/other", "extra_forbidden"),
            ]
        );
        assert_eq!(problem.errors[0].loc, ["body", "long"]);
    }

    #[test]
    fn an_empty_body_is_an_empty_object() {
        assert!(Fields::parse(b"").unwrap().finish().is_ok());
        assert!(Fields::parse(b" \n").unwrap().finish().is_ok());
        assert_eq!(Fields::parse(b"{").err().map(|problem| problem.code), Some(MALFORMED_JSON));
        assert!(Fields::parse(b"[]").is_err());
    }
}
