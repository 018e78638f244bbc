//! `heydok config`: each value with its origin, secrets masked.

use super::variable::{self, Section, Variable};
use super::{Origin, Values};

/// The listing. A secret is shown as `set`, an address without its password.
pub fn show(values: &Values) -> String {
    let mut text = String::new();
    for section in Section::ALL {
        text.push_str(&format!("# {}\n", section.title()));
        for variable in variable::ALL.iter().filter(|variable| variable.section == section) {
            let (value, origin) = match values.get(variable) {
                Some((value, origin)) => (shown(variable, value), origin.clone()),
                None => (variable.default.to_owned(), Origin::BuiltIn),
            };
            text.push_str(&format!("{}={value}  # {origin}\n", variable.name));
        }
        text.push('\n');
    }
    text
}

fn shown(variable: &Variable, value: &str) -> String {
    if variable.secret {
        return "[set]".to_owned();
    }
    match url::Url::parse(value) {
        Ok(mut address) if address.scheme().starts_with("postgres") || address.password().is_some() => {
            if address.password().is_some() {
                // Cannot fail: an address that has a password can have another one.
                let _ = address.set_password(Some("xxxxx"));
            }
            mask_query(&mut address);
            address.to_string()
        }
        _ => value.replace(['\n', '\r'], " "),
    }
}

/// PostgreSQL takes passwords there too; only what is known to be none is shown.
fn mask_query(address: &mut url::Url) {
    let shown = |name: &str| ["sslmode", "application_name", "host", "port", "dbname", "user"].contains(&name);
    let pairs: Vec<(String, String)> = address.query_pairs().into_owned().collect();
    if !pairs.is_empty() {
        let masked = pairs.iter().map(|(name, value)| (name, if shown(name) { value.as_str() } else { "xxxxx" }));
        address.query_pairs_mut().clear().extend_pairs(masked);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Sources, load};
    use super::*;

    #[test]
    fn secrets_are_masked_and_origins_told() {
        let secret = "0123456789012345678901234567890123456789";
        let sources = Sources {
            toml: Some(format!("jwt_secret = \"{secret}x\"\nport = 8002")),
            dotenv: Some("DATABASE_URL=postgresql://heydok_user:hunter2@db/heydok_video".to_owned()),
            environment: [("SECRET_KEY".to_owned(), secret.to_owned())].into(),
            ..Sources::default()
        };
        let text = show(&load(&sources).unwrap().values);
        assert!(!text.contains(secret) && !text.contains("hunter2"), "{text}");
        for line in [
            "SECRET_KEY=[set]  # environment\n",
            "JWT_SECRET=[set]  # heydok.toml\n",
            "PORT=8002  # heydok.toml\n",
            "DATABASE_URL=postgresql://heydok_user:xxxxx@db/heydok_video  # .env\n",
            "MAX_PARTICIPANTS=20  # built-in\n",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        assert_eq!(text.lines().filter(|line| line.contains("  # ")).count(), variable::ALL.len());
    }

    #[test]
    fn a_password_in_the_query_is_masked_too() {
        let shown = |address: &str| shown(&variable::DATABASE_URL, address);
        assert_eq!(
            shown("postgresql://h/db?sslmode=require&password=hunter2&sslpassword=hunter3"),
            "postgresql://h/db?sslmode=require&password=xxxxx&sslpassword=xxxxx"
        );
        assert_eq!(shown("sqlite:///var/heydok.db?mode=rwc"), "sqlite:///var/heydok.db?mode=rwc");
    }
}
