//! Where values come from, and which one wins: built-in < `heydok.toml` < `.env` < environment.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::variable::{self, Variable};
use super::{Problem, dotenv};

/// Where a value was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody set it.
    BuiltIn,
    /// The command, as `heydok dev` does.
    Command,
    /// `heydok.toml` in the working directory.
    Toml,
    /// `.env` in the working directory.
    DotEnv,
    /// The environment of the process.
    Environment,
    /// A file that `NAME_FILE` names, in one of the places above.
    File(PathBuf),
    /// Generated earlier into `<DATA_DIR>/secrets.toml`.
    Generated,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("built-in"),
            Self::Command => f.write_str("command"),
            Self::Toml => f.write_str("heydok.toml"),
            Self::DotEnv => f.write_str(".env"),
            Self::Environment => f.write_str("environment"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Generated => f.write_str("secrets.toml"),
        }
    }
}

/// What was written in each place, before anything is understood.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Values that the command sets, over the built-in ones.
    pub command: BTreeMap<String, String>,
    /// Text of `heydok.toml`.
    pub toml: Option<String>,
    /// Text of `.env`.
    pub dotenv: Option<String>,
    /// The environment.
    pub environment: BTreeMap<String, String>,
}

impl Sources {
    /// Reads `heydok.toml` and `.env` of `folder` and takes the environment of this process.
    ///
    /// # Errors
    /// Files that exist and cannot be read as text.
    pub fn of_process(folder: &Path) -> Result<Self, Problem> {
        Ok(Self {
            command: BTreeMap::new(),
            toml: read_optional(&folder.join("heydok.toml"))?,
            dotenv: read_optional(&folder.join(".env"))?,
            environment: std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
        })
    }

    /// Puts the places on top of each other.
    pub(super) fn flatten(&self) -> (Values, Vec<Problem>, Vec<String>) {
        let mut values = Values::default();
        let mut problems = Vec::new();
        let mut warnings = Vec::new();
        values.layer(&self.command, &Origin::Command, &mut problems);
        if let Some(text) = &self.toml {
            let table = toml_values(text, &mut problems);
            values.layer(&table, &Origin::Toml, &mut problems);
        }
        if let Some(text) = &self.dotenv {
            let (table, broken) = dotenv::parse(text);
            problems.extend(broken.into_iter().map(|sentence| Problem::new("R-12", sentence)));
            warnings.extend(without_effect(table.keys(), ".env"));
            values.layer(&table, &Origin::DotEnv, &mut problems);
        }
        warnings.extend(without_effect(self.environment.keys(), "the environment"));
        values.layer(&self.environment, &Origin::Environment, &mut problems);
        (values, problems, warnings)
    }
}

fn read_optional(path: &Path) -> Result<Option<String>, Problem> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Problem::new(
            "R-12",
            format!("{} cannot be read ({error}); make it readable or remove it", path.display()),
        )),
    }
}

/// The winning value of each setting and where it stands.
#[derive(Clone, Debug, Default)]
pub struct Values(BTreeMap<&'static str, (String, Origin)>);

impl Values {
    /// The value somebody set.
    pub fn get(&self, variable: &Variable) -> Option<&(String, Origin)> {
        self.0.get(variable.name)
    }

    fn layer(&mut self, written: &BTreeMap<String, String>, origin: &Origin, problems: &mut Vec<Problem>) {
        for variable in variable::ALL {
            let value = written.get(variable.name).map(|value| value.trim()).filter(|value| !value.is_empty());
            let file_name = format!("{}_FILE", variable.name);
            let file = written.get(&file_name).map(|value| value.trim()).filter(|value| !value.is_empty());
            let found = match (value, file) {
                (None, None) => continue,
                (Some(_), Some(_)) => {
                    let name = variable.name;
                    let sentence = format!("{name} and {file_name} are both set in {origin}; keep one of them");
                    problems.push(Problem::new("R-12", sentence));
                    continue;
                }
                (Some(value), None) => (value.to_owned(), origin.clone()),
                (None, Some(path)) => match std::fs::read_to_string(path) {
                    Ok(text) if !text.trim().is_empty() => (text.trim().to_owned(), Origin::File(path.into())),
                    Ok(_) => continue,
                    Err(error) => {
                        let sentence =
                            format!("{file_name} names {path}, which cannot be read ({error}); correct the path");
                        problems.push(Problem::new("R-12", sentence));
                        continue;
                    }
                },
            };
            self.0.insert(variable.name, found);
        }
    }
}

/// The lines of `heydok.toml` as texts, under the names of the environment.
fn toml_values(text: &str, problems: &mut Vec<Problem>) -> BTreeMap<String, String> {
    let table: toml::Table = match text.parse() {
        Ok(table) => table,
        Err(error) => {
            let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            let sentence = format!("heydok.toml line {line} is not TOML: {}; correct it", error.message());
            problems.push(Problem::new("R-12", sentence));
            return BTreeMap::new();
        }
    };
    let mut values = BTreeMap::new();
    for (key, value) in table {
        let name = key.to_ascii_uppercase();
        let known = variable::by_name(name.strip_suffix("_FILE").unwrap_or(&name)).or_else(|| variable::by_name(&name));
        match (known, toml_text(&value)) {
            (Some(_), Some(text)) => {
                values.insert(name, text);
            }
            (None, _) => {
                let hint = nearest(&name)
                    .map_or_else(String::new, |near| format!("; did you mean `{}`?", near.to_lowercase()));
                problems.push(Problem::new("R-12", format!("heydok.toml has an unknown setting `{key}`{hint}")));
            }
            (Some(_), None) => {
                let sentence =
                    format!("heydok.toml has a table or date for `{key}`; write a text, number, true, false or a list");
                problems.push(Problem::new("R-12", sentence));
            }
        }
    }
    values
}

fn toml_text(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        toml::Value::Boolean(yes) => Some(yes.to_string()),
        toml::Value::Array(items) => {
            let texts: Option<Vec<String>> = items.iter().map(toml_text).collect();
            texts.map(|texts| texts.join(","))
        }
        toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}

/// Names that do nothing: planned ones, and those that look like one of ours with a slip of the finger.
fn without_effect<'a>(names: impl Iterator<Item = &'a String>, place: &str) -> Vec<String> {
    let told = |name: &String| {
        let is_planned = variable::NOT_YET.contains(&name.as_str())
            || variable::NOT_YET_FAMILIES.iter().any(|family| name.starts_with(family));
        if is_planned {
            return Some(format!("{name} in {place} has no effect: this version does not have it yet"));
        }
        Some(format!("{name} in {place} is no setting; did you mean {}?", nearest(name)?))
    };
    names
        .filter(|name| variable::by_name(name).is_none())
        .filter(|name| name.strip_suffix("_FILE").and_then(variable::by_name).is_none())
        .filter_map(told)
        .collect()
}

/// The setting that differs from `name` by one letter, if the name is long enough for that to mean something.
fn nearest(name: &str) -> Option<&'static str> {
    if name.len() < 6 {
        return None;
    }
    variable::ALL.iter().map(|variable| variable.name).find(|known| differ_by_one(name, known))
}

/// One letter added, missing, changed, or swapped with its neighbour.
fn differ_by_one(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let (short, long) = if left.len() <= right.len() { (left, right) } else { (right, left) };
    let same_start = short.iter().zip(long).take_while(|(a, b)| a == b).count();
    let (short, long) = (&short[same_start..], &long[same_start..]);
    match long.len() - short.len() {
        0 => {
            short.get(1..) == long.get(1..)
                || (short.len() >= 2 && short[0] == long[1] && short[1] == long[0] && short[2..] == long[2..])
        }
        1 => long[1..] == *short,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(toml: &str, dotenv: &str, environment: &[(&str, &str)]) -> Sources {
        Sources {
            command: BTreeMap::new(),
            toml: Some(toml.to_owned()),
            dotenv: Some(dotenv.to_owned()),
            environment: environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        }
    }

    #[test]
    fn the_later_place_wins_and_empty_is_unset() {
        let check = |toml: &str, dotenv: &str, environment: &[(&str, &str)], expected: Option<(&str, Origin)>| {
            let (values, problems, _) = sources(toml, dotenv, environment).flatten();
            assert_eq!(problems, []);
            assert_eq!(
                values.get(&variable::PORT).cloned(),
                expected.map(|(value, origin)| (value.to_owned(), origin))
            );
        };
        check("", "", &[], None);
        check("port = 1", "", &[], Some(("1", Origin::Toml)));
        check("port = [8000, 8002]", "", &[], Some(("8000,8002", Origin::Toml)));
        check("port = 1", "PORT=2", &[], Some(("2", Origin::DotEnv)));
        check("port = 1", "PORT=2", &[("PORT", "3")], Some(("3", Origin::Environment)));
        check("port = 1", "PORT=2", &[("PORT", " ")], Some(("2", Origin::DotEnv)));
    }

    #[test]
    fn a_secret_may_stand_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "from-a-file\n").unwrap();
        let path_text = path.to_str().unwrap();
        let (values, problems, _) = sources("", "SECRET_KEY=dotenv", &[("SECRET_KEY_FILE", path_text)]).flatten();
        assert_eq!(problems, []);
        assert_eq!(values.get(&variable::SECRET_KEY), Some(&("from-a-file".to_owned(), Origin::File(path.clone()))));

        let (_, problems, _) = sources("", "", &[("SECRET_KEY_FILE", path_text), ("SECRET_KEY", "x")]).flatten();
        assert!(problems[0].sentence.contains("both set"));
        let (_, problems, _) = sources("", "", &[("SECRET_KEY_FILE", "/nowhere/key")]).flatten();
        assert!(problems[0].sentence.contains("SECRET_KEY_FILE"));
    }

    #[test]
    fn unknown_names_are_pointed_out() {
        let (_, problems, warnings) =
            sources("prot = 1\nfrontend_ulr = 'x'", "DATABASE_ULR=x", &[("LIVEKIT_URLS", "x"), ("PATH", "x")])
                .flatten();
        let sentences: Vec<&str> = problems.iter().map(|problem| problem.sentence.as_str()).collect();
        assert_eq!(
            sentences,
            [
                "heydok.toml has an unknown setting `frontend_ulr`; did you mean `frontend_url`?",
                "heydok.toml has an unknown setting `prot`"
            ]
        );
        assert_eq!(
            warnings,
            [
                "DATABASE_ULR in .env is no setting; did you mean DATABASE_URL?",
                "LIVEKIT_URLS in the environment is no setting; did you mean LIVEKIT_URL?"
            ]
        );
    }

    #[test]
    fn broken_toml_is_named_by_line() {
        let (_, problems, _) = sources("port = 1\nhost = = 2\n", "", &[]).flatten();
        assert!(problems[0].sentence.starts_with("heydok.toml line 2 is not TOML"), "{problems:?}");
    }
}
