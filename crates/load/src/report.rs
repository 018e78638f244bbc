//! What was measured, as tables.

use std::time::Duration;

use crate::beside::Flow;
use crate::churn::Churn;
use crate::scenario::{Outcome, Scenario};
use crate::stats::JoinPhases;
use crate::storm::Storm;

/// All rounds of one scenario on one server.
#[derive(Debug, Clone, Default)]
pub struct Measured(pub Vec<Outcome>);

/// One scenario on the server under test and, where there is one, on the reference.
#[derive(Debug, Clone)]
pub struct Comparison {
    pub scenario: Scenario,
    pub tested: Measured,
    pub reference: Option<Measured>,
}

/// Everything that one run measured.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Resident bytes of the server under test and of the reference before anybody came.
    pub idle: (Option<u64>, Option<u64>),
    pub comparisons: Vec<Comparison>,
}

type Phase = (&'static str, fn(&JoinPhases) -> Option<Duration>);

const PHASES: [Phase; 7] = [
    ("HTTP (the upgrade is answered)", |join| join.upgraded),
    ("WebSocket (the JoinResponse is here)", |join| join.signalled),
    ("SDP (the answer is here)", |join| join.answered),
    ("ICE", |join| join.ice),
    ("DTLS", |join| join.connected),
    ("first packet", |join| join.first_packet),
    ("first frame (a keyframe begins)", |join| join.first_keyframe),
];

/// Rooms of [`Scenario::Memory`], and what the design allows each subscriber.
const SUBSCRIBERS: [(&str, &str); 2] =
    [("each subscriber of 1 audio and 1 video", "<= 0.4"), ("each subscriber of 9 videos", "<= 1.5")];

const SIDE_BY_SIDE: [&str; 4] = ["what", "ours", "reference", "budget"];

const MEBIBYTE: f64 = 1024.0 * 1024.0;

impl Measured {
    fn sorted(&self, value: impl Fn(&Outcome) -> Option<f64>) -> Vec<f64> {
        let mut values: Vec<f64> = self.0.iter().filter_map(value).collect();
        values.sort_by(f64::total_cmp);
        values
    }

    /// The middle of all rounds.
    pub(crate) fn median(&self, value: impl Fn(&Outcome) -> Option<f64>) -> Option<f64> {
        let values = self.sorted(value);
        let middle = values.len() / 2;
        match values.len() {
            0 => None,
            odd if odd % 2 == 1 => Some(values[middle]),
            _ => Some(f64::midpoint(values[middle - 1], values[middle])),
        }
    }

    /// The median, and between what the rounds lay.
    fn spread(&self, value: impl Fn(&Outcome) -> Option<f64> + Copy, digits: usize) -> String {
        let values = self.sorted(value);
        let middle = cell(self.median(value), digits);
        match (values.first(), values.last()) {
            (Some(least), Some(most)) if values.len() > 1 => format!("{middle} ({least:.digits$}–{most:.digits$})"),
            _ => middle,
        }
    }

    fn delay_ms(&self, share: f64) -> Option<f64> {
        self.median(|outcome| outcome.delay.quantile(share).map(milliseconds))
    }

    fn join_ms(&self, phase: fn(&JoinPhases) -> Option<Duration>, share: f64) -> Option<f64> {
        let joins = self.0.iter().flat_map(|outcome| &outcome.joins);
        let mut times: Vec<f64> = joins.filter_map(phase).map(milliseconds).collect();
        times.sort_by(f64::total_cmp);
        let index = (times.len() as f64 * share).ceil() as usize;
        times.get(index.max(1) - 1).copied()
    }

    /// Mebibytes that each subscriber added in one of the rooms of [`Scenario::Memory`].
    fn resident_each(&self, room: usize) -> Option<f64> {
        self.median(|outcome| outcome.resident_each.get(room).map(|bytes| *bytes as f64 / MEBIBYTE))
    }
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn cell(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
}

fn ratio(tested: Option<f64>, reference: Option<f64>) -> String {
    cell(tested.zip(reference).filter(|(_, of)| *of > 0.0).map(|(tested, of)| tested / of), 2)
}

/// A Markdown table under a heading; the first column holds names, the others figures. Nothing without rows.
fn table(title: &str, head: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let line = |cells: Vec<&str>| format!("| {} |\n", cells.join(" | "));
    let rules = std::iter::once("---").chain(std::iter::repeat_n("---:", head.len() - 1));
    let mut text = format!("### {title}\n\n{}{}", line(head.to_vec()), line(rules.collect()));
    for row in rows {
        text += &line(row.iter().map(String::as_str).collect());
    }
    text + "\n"
}

/// The tables as Markdown: medians of all rounds, the reference and the budget beside.
pub fn markdown(report: &Report) -> String {
    let with = |wanted: fn(&Scenario) -> bool| report.comparisons.iter().filter(move |one| wanted(&one.scenario));
    let all = |wanted: fn(&Scenario) -> bool| with(wanted).collect::<Vec<_>>();
    let flows = all(|scenario| scenario.flows());
    let mut text = forwarding(&flows) + &delays(&flows);
    text.extend(with(|scenario| matches!(scenario, Scenario::Join { .. })).map(joining));
    text + &storms(&all(|scenario| matches!(scenario, Scenario::Storm { .. })))
        + &churns(&all(|scenario| matches!(scenario, Scenario::Churn { .. })))
        + &beside(&all(|scenario| matches!(scenario, Scenario::Entrances { .. } | Scenario::SlowReaders { .. })))
        + &muted(&all(|scenario| matches!(scenario, Scenario::Muted { .. })))
        + &resident(report.idle, &all(|scenario| matches!(scenario, Scenario::Memory { .. })))
}

fn forwarding(comparisons: &[&Comparison]) -> String {
    let row = |comparison: &&Comparison| {
        let (tested, reference) = (&comparison.tested, comparison.reference.as_ref());
        let reference_cpu = reference.and_then(|measured| measured.median(Outcome::cpu_us_per_packet));
        let busy = |outcome: &Outcome| {
            Some(outcome.generator_cpu.as_secs_f64() / outcome.measured.as_secs_f64().max(f64::EPSILON) * 100.0)
        };
        let each = |value: fn(&Measured) -> Option<f64>, digits: usize| {
            let of_reference = reference.map(|measured| cell(value(measured), digits));
            [Some(cell(value(tested), digits)), of_reference].into_iter().flatten().collect::<Vec<_>>().join(" / ")
        };
        vec![
            comparison.scenario.name(),
            each(|measured| measured.median(|outcome| Some(outcome.packets_per_second())), 0),
            each(|measured| measured.median(|outcome| Some(outcome.totals.loss() * 100.0)), 2),
            tested.spread(Outcome::cpu_us_per_packet, 2),
            reference.map_or_else(|| cell(None, 0), |measured| measured.spread(Outcome::cpu_us_per_packet, 2)),
            ratio(tested.median(Outcome::cpu_us_per_packet), reference_cpu),
            comparison.scenario.budget().to_owned(),
            cell(tested.median(busy), 0),
        ]
    };
    let head = [
        "scenario",
        "packets/s",
        "lost, %",
        "CPU us per packet",
        "reference",
        "ratio",
        "budget",
        "generator, % of a core",
    ];
    table("Forwarding", &head, &comparisons.iter().map(row).collect::<Vec<_>>())
}

fn delays(comparisons: &[&Comparison]) -> String {
    let row = |comparison: &&Comparison| {
        let (tested, reference) = (&comparison.tested, comparison.reference.as_ref());
        let theirs = |share| reference.and_then(|measured| measured.delay_ms(share));
        vec![
            comparison.scenario.name(),
            cell(tested.delay_ms(0.5), 1),
            cell(tested.delay_ms(0.99), 1),
            cell(theirs(0.5), 1),
            cell(theirs(0.99), 1),
            ratio(tested.delay_ms(0.99), theirs(0.99)),
            comparison.scenario.delay_budget().to_owned(),
        ]
    };
    let head = [
        "scenario",
        "p50, ms",
        "p99, ms",
        "reference p50",
        "reference p99",
        "ratio of p99",
        "budget for what is added",
    ];
    table("Delay from sender to receiver, generator included", &head, &comparisons.iter().map(row).collect::<Vec<_>>())
}

fn joining(comparison: &Comparison) -> String {
    let (tested, reference) = (&comparison.tested, comparison.reference.as_ref());
    let count = tested.0.iter().map(|outcome| outcome.joins.len()).sum::<usize>();
    let row = |(name, phase): Phase| {
        let theirs = |share| reference.and_then(|measured| measured.join_ms(phase, share));
        let budget = if name.starts_with("first frame") { comparison.scenario.budget() } else { "" };
        vec![
            name.to_owned(),
            cell(tested.join_ms(phase, 0.5), 0),
            cell(tested.join_ms(phase, 0.95), 0),
            cell(theirs(0.5), 0),
            cell(theirs(0.95), 0),
            ratio(tested.join_ms(phase, 0.5), theirs(0.5)),
            budget.to_owned(),
        ]
    };
    let title = format!("Joining: {count} joins, milliseconds since the first byte");
    let head = ["until", "p50", "p95", "reference p50", "reference p95", "ratio of p50", "budget"];
    table(&title, &head, &PHASES.map(row))
}

/// A figure of storms: its name, what the design allows, digits, and the figure.
type StormFigure = (&'static str, &'static str, usize, fn(&Storm) -> f64);

const STORM: [StormFigure; 3] = [
    ("all have seen a picture, s", "<= 15", 1, |storm| storm.all_in.as_secs_f64()),
    ("longest freeze of those who were there, s", "<= 0.5", 2, |storm| storm.longest_freeze.as_secs_f64()),
    ("keyframe requests for each layer and second", "<= 2", 2, |storm| storm.keyframe_requests),
];

fn storms(comparisons: &[&Comparison]) -> String {
    let mut rows = Vec::new();
    for comparison in comparisons {
        for (name, budget, digits, figure) in STORM {
            let median = |measured: &Measured| measured.median(|outcome| outcome.storm.as_ref().map(figure));
            let (tested, reference) = (median(&comparison.tested), comparison.reference.as_ref().and_then(median));
            let name = format!("{}: {name}", comparison.scenario.name());
            rows.push(vec![name, cell(tested, digits), cell(reference, digits), budget.to_owned()]);
        }
    }
    table("Many at once: five publishers, five watchers, then all others, twenty each second", &SIDE_BY_SIDE, &rows)
}

fn churns(comparisons: &[&Comparison]) -> String {
    let row = |comparison: &&Comparison| {
        let told = |measured: &Measured| {
            let churn = measured.0.iter().find_map(|outcome| outcome.churn)?;
            let Churn { resident, descriptors } = churn;
            let mebibytes = |bytes: u64| bytes as f64 / MEBIBYTE;
            Some(format!(
                "{:.1} -> {:.1} MiB ({:+.1} %), {} -> {} descriptors",
                mebibytes(resident.0),
                mebibytes(resident.1),
                churn.growth() * 100.0,
                descriptors.0,
                descriptors.1
            ))
        };
        let told = |measured: Option<&Measured>| measured.and_then(told).unwrap_or_else(|| cell(None, 0));
        let budget = comparison.scenario.budget().to_owned();
        vec![comparison.scenario.name(), told(Some(&comparison.tested)), told(comparison.reference.as_ref()), budget]
    };
    let title = "What is left of those who came and went, after the first tenth and after all";
    table(title, &SIDE_BY_SIDE, &comparisons.iter().map(row).collect::<Vec<_>>())
}

fn beside(comparisons: &[&Comparison]) -> String {
    let mut rows = Vec::new();
    for comparison in comparisons {
        let scenario = comparison.scenario;
        let mut row = |name: &str, told: &dyn Fn(&Measured) -> String, budget: &str| {
            let reference = comparison.reference.as_ref().map_or_else(|| cell(None, 0), told);
            rows.push(vec![
                format!("{}: {name}", scenario.name()),
                told(&comparison.tested),
                reference,
                budget.to_owned(),
            ]);
        };
        if let Scenario::Entrances { .. } = scenario {
            let entering = |measured: &Measured| cell(measured.join_ms(|join| join.signalled, 0.95), 0);
            row("from the first byte to the JoinResponse, p95, ms", &entering, scenario.budget());
        }
        let both = |measured: &Measured, value: fn(&Flow) -> f64, digits: usize| {
            let of = |outcome: &Outcome| outcome.beside.map(|flows| [flows.before, flows.meanwhile]);
            let [before, meanwhile] =
                [0, 1].map(|at| measured.median(|outcome| of(outcome).map(|flows| value(&flows[at]))));
            format!("{} -> {}", cell(before, digits), cell(meanwhile, digits))
        };
        row("delay p99 before -> meanwhile, ms", &|all| both(all, |flow| milliseconds(flow.delay_p99), 1), "unchanged");
        row("lost before -> meanwhile, %", &|all| both(all, |flow| flow.loss * 100.0, 2), "unchanged");
        let share = |all: &Measured| cell(all.median(|outcome| outcome.server_share().map(|share| share * 100.0)), 0);
        row("server meanwhile, % of a core", &share, "");
    }
    table("What media notices of others", &SIDE_BY_SIDE, &rows)
}

fn muted(comparisons: &[&Comparison]) -> String {
    let row = |comparison: &&Comparison| {
        let percent = |outcome: &Outcome| outcome.server_share().map(|share| share * 100.0);
        let reference = comparison.reference.as_ref().and_then(|measured| measured.median(percent));
        let budget = comparison.scenario.budget().to_owned();
        vec![comparison.scenario.name(), cell(comparison.tested.median(percent), 1), cell(reference, 1), budget]
    };
    table("People who say nothing, % of a core", &SIDE_BY_SIDE, &comparisons.iter().map(row).collect::<Vec<_>>())
}

fn resident(idle: (Option<u64>, Option<u64>), comparisons: &[&Comparison]) -> String {
    let row = |name: String, tested: Option<f64>, reference: Option<f64>, budget: &str| {
        vec![name, cell(tested, 2), cell(reference, 2), ratio(tested, reference), budget.to_owned()]
    };
    let mebibytes = |bytes: Option<u64>| bytes.map(|bytes| bytes as f64 / MEBIBYTE);
    let mut rows = Vec::new();
    if idle.0.is_some() {
        rows.push(row("idle process".to_owned(), mebibytes(idle.0), mebibytes(idle.1), "<= 40"));
    }
    for comparison in comparisons {
        for (room, (name, budget)) in SUBSCRIBERS.into_iter().enumerate() {
            let tested = comparison.tested.resident_each(room);
            let reference = comparison.reference.as_ref().and_then(|measured| measured.resident_each(room));
            rows.push(row(name.to_owned(), tested, reference, budget));
        }
    }
    table("Resident memory, MiB", &["what", "ours", "reference", "ratio", "budget"], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::beside::Beside;
    use crate::stats::Totals;

    fn outcome(cpu_ms: u64) -> Outcome {
        Outcome {
            measured: Duration::from_secs(10),
            totals: Totals { video: 1000, expected: 1000, ..Totals::default() },
            server_cpu: Some(Duration::from_millis(cpu_ms)),
            ..Outcome::default()
        }
    }

    fn report(scenario: Scenario, tested: Vec<Outcome>, reference: Option<Vec<Outcome>>) -> Report {
        let comparison = Comparison { scenario, tested: Measured(tested), reference: reference.map(Measured) };
        Report { idle: (Some(10 << 20), None), comparisons: vec![comparison] }
    }

    #[test]
    fn the_median_round_and_the_ratio_are_told() {
        let rounds = vec![outcome(6), outcome(90), outcome(5)];
        let text = markdown(&report(
            Scenario::Forward { watchers: 30, loss_percent: 0 },
            rounds,
            Some(vec![outcome(12), outcome(12)]),
        ));
        let row = "| forward 1 -> 30 | 100 / 100 | 0.00 / 0.00 | 6.00 (5.00–90.00) | 12.00 (12.00–12.00) | 0.50 |";
        assert!(text.contains(row), "{text}");
    }

    #[test]
    fn joins_are_told_by_phase_and_missing_values_are_dashes() {
        let join = |ms| JoinPhases { connected: Some(Duration::from_millis(ms)), ..JoinPhases::default() };
        let joins = (1..=100).map(join).collect();
        let text =
            markdown(&report(Scenario::Join { joins: 100 }, vec![Outcome { joins, ..Outcome::default() }], None));
        assert!(text.contains("| DTLS | 50 | 95 | – | – | – |"), "{text}");
        assert!(text.contains("| ICE | – |"), "{text}");
        assert_eq!(markdown(&Report::default()), "");
    }

    #[test]
    fn a_storm_and_muted_people_have_tables_of_their_own() {
        let storm = Storm {
            all_in: Duration::from_millis(10_440),
            longest_freeze: Duration::from_millis(120),
            keyframe_requests: 1.5,
        };
        let outcome = Outcome { storm: Some(storm), ..outcome(500) };
        let text = markdown(&report(Scenario::Storm { joins: 200 }, vec![outcome.clone()], None));
        assert!(text.contains("| storm of 200 joins: all have seen a picture, s | 10.4 | – | <= 15 |"), "{text}");
        let text = markdown(&report(Scenario::Muted { rooms: 100, participants: 10 }, vec![outcome], None));
        assert!(text.contains("| 1000 muted in 100 rooms | 5.0 | – | <= 10 % of a core |"), "{text}");
        assert!(!text.contains("CPU us"), "{text}");
    }

    #[test]
    fn what_is_left_of_many_joins_is_a_growth() {
        let churn = Churn { resident: (100 << 20, 102 << 20), descriptors: (20, 20) };
        let outcome = Outcome { churn: Some(churn), ..Outcome::default() };
        let text = markdown(&report(Scenario::Churn { joins: 1000 }, vec![outcome], None));
        let row = "| 1000 joins and leaves | 100.0 -> 102.0 MiB (+2.0 %), 20 -> 20 descriptors | – | <= 5 % |";
        assert!(text.contains(row), "{text}");
    }

    #[test]
    fn what_media_notices_stands_beside_how_it_was() {
        let flow = |ms, loss| Flow { delay_p99: Duration::from_millis(ms), loss };
        let beside = Beside { before: flow(5, 0.0), meanwhile: flow(6, 0.001) };
        let join = |ms| JoinPhases { signalled: Some(Duration::from_millis(ms)), ..JoinPhases::default() };
        let outcome = Outcome { beside: Some(beside), joins: (1..=100).map(join).collect(), ..outcome(5000) };
        let text = markdown(&report(Scenario::Entrances { watchers: 400 }, vec![outcome], None));
        let name = "50 new rooms a second beside 1 -> 400";
        for row in [
            "from the first byte to the JoinResponse, p95, ms | 95 | – | <= 50 |",
            "delay p99 before -> meanwhile, ms | 5.0 -> 6.0 | – | unchanged |",
            "lost before -> meanwhile, % | 0.00 -> 0.10 | – | unchanged |",
            "server meanwhile, % of a core | 50 | – |  |",
        ] {
            assert!(text.contains(&format!("| {name}: {row}")), "{text}");
        }
    }

    #[test]
    fn memory_is_what_the_idle_process_has_and_each_subscriber_added() {
        let outcome = Outcome { resident_each: vec![1 << 19, 1 << 20], ..Outcome::default() };
        let text = markdown(&report(Scenario::Memory { subscribers: 10 }, vec![outcome], None));
        assert!(text.contains("| idle process | 10.00 | – | – | <= 40 |"), "{text}");
        assert!(text.contains("| each subscriber of 1 audio and 1 video | 0.50 | – | – | <= 0.4 |"), "{text}");
        assert!(text.contains("| each subscriber of 9 videos | 1.00 | – | – | <= 1.5 |"), "{text}");
    }
}
