//! Turns texts into values and collects what does not parse.

use super::source::Values;
use super::variable::Variable;
use super::{Origin, Problem};

/// Reads settings one by one; a value that does not parse becomes a problem and the default stands in for it.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    values: &'a Values,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    /// A reader over the winning texts.
    pub(super) fn new(values: &'a Values) -> Self {
        Self { values, problems: Vec::new() }
    }

    /// What did not parse.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    /// The text somebody set.
    pub(super) fn text(&self, variable: &Variable) -> Option<String> {
        self.values.get(variable).map(|(value, _)| value.clone())
    }

    /// The value of a setting without default.
    pub(super) fn optional<T>(&mut self, variable: &Variable, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let (value, origin) = self.values.get(variable)?;
        match parse(value) {
            Ok(parsed) => Some(parsed),
            Err(reason) => {
                self.problems.push(Problem::new("R-12", does_not_parse(variable, origin, &reason)));
                None
            }
        }
    }

    /// The value of a setting, or what its default means.
    ///
    /// # Panics
    /// Where the default of the variable does not parse: a test reads all defaults.
    pub(super) fn value<T>(&mut self, variable: &Variable, parse: impl Fn(&str) -> Result<T, String>) -> T {
        let set = self.optional(variable, &parse);
        set.unwrap_or_else(|| match parse(variable.default) {
            Ok(value) => value,
            Err(reason) => unreachable!("the default of {} parses: {reason}", variable.name),
        })
    }
}

fn does_not_parse(variable: &Variable, origin: &Origin, reason: &str) -> String {
    if variable.secret {
        return format!(
            "{} ({origin}) has a value that cannot be understood; expected {}",
            variable.name, variable.accepts
        );
    }
    format!("{} ({origin}): {reason}", variable.name)
}
