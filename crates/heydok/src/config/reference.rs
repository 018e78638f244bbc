//! The reference of all settings, generated from their constants.

use super::variable::{self, Section};

const INTRODUCTION: &str = "# Configuration

<!-- Generated from crates/heydok/src/config/variable.rs by `make codegen`. -->

`heydok serve` needs no configuration. What you set is read in this order, later wins: built-in value, `heydok.toml` in the
working directory, `.env` in the working directory, environment. `heydok.toml` uses the same names in lower case
(`port = 8000`, lists as `[8000, 8002]` or `\"8000,8002\"`). An empty value is unset. `NAME_FILE` reads the value of `NAME` from a
file, for secrets that a platform mounts. `heydok config` prints each value with its origin, secrets masked.

Durations: `300s`, `15m`, `24h`, `30d`, or seconds. Rates: `30/min`, `1000/h`, `100/day`, `10/15min`, or `off`.

What servers usually set: `TLS_MODE` and `TLS_DOMAIN`, or `FRONTEND_URL`, `HOST` and `TRUSTED_PROXIES` behind an HTTPS proxy; `RTC_NODE_IP` where browsers reach the
machine by another address than its own, and `RTC_ADVERTISED_UDP_PORT` and `RTC_ADVERTISED_TCP_PORT` where they reach it by other ports;
`METRICS_TOKEN` where `/metrics` is read through the proxy or from another machine. [deployment.md](deployment.md) has examples.

heydok refuses to start (exit code 78) with one sentence for each thing that is wrong or unsafe; `heydok dev` only warns about
unsafe values.
";

/// The text of `docs/configuration.md`.
pub fn reference() -> String {
    let mut text = INTRODUCTION.to_owned();
    for section in Section::ALL {
        text.push_str(&format!(
            "\n## {}\n\n| variable | default | accepts | meaning |\n|---|---|---|---|\n",
            section.title()
        ));
        for variable in variable::ALL.iter().filter(|variable| variable.section == section) {
            let default =
                if variable.default.is_empty() { "unset".to_owned() } else { format!("`{}`", variable.default) };
            text.push_str(&format!(
                "| `{}` | {default} | {} | {} |\n",
                variable.name, variable.accepts, variable.meaning
            ));
        }
    }
    let mut not_yet: Vec<String> = variable::NOT_YET.iter().map(|name| format!("`{name}`")).collect();
    not_yet.extend(variable::NOT_YET_FAMILIES.iter().map(|family| format!("`{family}*`")));
    text.push_str(&format!(
        "\n## Not yet\n\nPlanned, and without effect in this version, which says so at start: {}.\n",
        not_yet.join(", ")
    ));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_reference_is_fresh() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(committed == reference(), "docs/configuration.md is not fresh; run `make codegen`");
    }
}
