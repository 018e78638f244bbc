//! Turns events into lines.

use std::fmt::{self, Write as _};
use std::sync::PoisonError;

use kit::SharedClock;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::Sink;
use crate::config::LogFormat;

/// Longest text of one field, in characters; the rest is cut.
const VALUE_CHARS_MAX: usize = 2_000;

/// Writes each event as one line to every sink.
pub(super) struct LineLayer {
    format: LogFormat,
    clock: SharedClock,
    sinks: Vec<Sink>,
}

impl LineLayer {
    pub(super) fn new(format: LogFormat, clock: SharedClock, sinks: Vec<Sink>) -> Self {
        Self { format, clock, sinks }
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for LineLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        if let Some(scope) = context.event_scope(event) {
            for span in scope.from_root() {
                if let Some(outer) = span.extensions().get::<Fields>() {
                    outer.0.iter().for_each(|(name, value)| fields.add_outer(name, value));
                }
            }
        }
        let time = self.clock.now().rfc3339_millis();
        let line = match self.format {
            LogFormat::Text => text_line(&time, event, &fields),
            LogFormat::Json => json_line(&time, event, fields),
        };
        for sink in &self.sinks {
            // A log that cannot be written must not stop a call.
            let _ = sink.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
        }
    }
}

/// Fields in the order they were given; the message is the one called `message`.
#[derive(Default)]
struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    fn add(&mut self, field: &Field, value: Value) {
        let name = field.name();
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    /// A field of a span around the event; the event's own word wins.
    fn add_outer(&mut self, name: &'static str, value: &Value) {
        if !self.0.iter().any(|(known, _)| *known == name) {
            self.0.push((name, value.clone()));
        }
    }
}

impl Visit for Fields {
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, value.chars().take(VALUE_CHARS_MAX).collect::<String>().into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

fn text_line(time: &str, event: &Event<'_>, fields: &Fields) -> String {
    let metadata = event.metadata();
    let mut line = format!("{time} {} {}:", metadata.level(), metadata.target());
    for (name, value) in &fields.0 {
        match value {
            Value::String(text) if *name == "message" => {
                line.push(' ');
                escape(&mut line, text);
            }
            Value::String(text) => {
                let _ = write!(line, " {name}=");
                quote(&mut line, text);
            }
            other => {
                let _ = write!(line, " {name}={other}");
            }
        }
    }
    line.push('\n');
    line
}

/// Without quotes where that is unambiguous.
fn quote(line: &mut String, text: &str) {
    if !text.is_empty()
        && !text.contains(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '"' | '=' | '\\'))
    {
        line.push_str(text);
        return;
    }
    line.push('"');
    for part in text.split_inclusive(['"', '\\']) {
        match part.strip_suffix(['"', '\\']) {
            Some(before) => {
                escape(line, before);
                line.push('\\');
                line.push_str(&part[before.len()..]);
            }
            None => escape(line, part),
        }
    }
    line.push('"');
}

/// Control characters and line separators as escapes.
fn escape(line: &mut String, text: &str) {
    for character in text.chars() {
        if character.is_control() || matches!(character, '\u{2028}' | '\u{2029}') {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
}

fn json_line(time: &str, event: &Event<'_>, fields: Fields) -> String {
    let metadata = event.metadata();
    let mut object = Map::new();
    object.insert("time".to_owned(), time.into());
    object.insert("level".to_owned(), metadata.level().as_str().into());
    object.insert("target".to_owned(), metadata.target().into());
    for (name, value) in fields.0 {
        object.entry(name).or_insert(value);
    }
    let mut line = Value::Object(object).to_string();
    line.push('\n');
    line
}
