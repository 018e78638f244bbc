//! Prices drawn over what they depend on, as SVG.

use std::fmt::Write as _;

use crate::report::Comparison;
use crate::scenario::Outcome;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 300.0;
/// Left, right, top, bottom of the plane.
const PLANE: [f64; 4] = [56.0, 620.0, 44.0, 250.0];
const TESTED: &str = "#1a6fd4";
const REFERENCE: &str = "#c2571a";

/// Microseconds of CPU time for each packet, over one quantity.
#[derive(Debug, Clone)]
pub struct Chart {
    pub title: &'static str,
    /// What the horizontal axis counts.
    pub axis: &'static str,
    /// Where each scenario stands on it, and what it cost.
    pub points: Vec<(f64, Comparison)>,
}

impl Chart {
    /// A picture of its own: white ground, so that it can be read in any theme.
    pub fn svg(&self) -> String {
        let price = |measured: &crate::report::Measured| measured.median(Outcome::cpu_us_per_packet);
        let line = |price: &dyn Fn(&Comparison) -> Option<f64>| -> Vec<(f64, f64)> {
            self.points.iter().filter_map(|(x, one)| price(one).map(|price| (*x, price))).collect()
        };
        let tested = line(&|one| price(&one.tested));
        let reference = line(&|one| one.reference.as_ref().and_then(price));
        let all = || tested.iter().chain(&reference);
        let most_x = all().map(|point| point.0).fold(1.0, f64::max);
        let most_y = nice(all().map(|point| point.1).fold(1.0, f64::max));
        let [left, right, top, bottom] = PLANE;
        let place = |(x, y): (f64, f64)| (left + x / most_x * (right - left), bottom - y / most_y * (bottom - top));
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
             font-size=\"12\" role=\"img\" aria-label=\"{}\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n\
             <text x=\"{left}\" y=\"20\" font-size=\"14\">{}</text>\n",
            self.title, self.title
        );
        for step in 0..=4 {
            let value = most_y * f64::from(step) / 4.0;
            let y = place((0.0, value)).1;
            put(&mut svg, format_args!("<path d=\"M{left} {y:.1}H{right}\" stroke=\"#ddd\"/>"));
            let at = left - 6.0;
            put(&mut svg, format_args!("<text x=\"{at}\" y=\"{y:.1}\" dy=\"4\" text-anchor=\"end\">{value}</text>"));
        }
        for (x, _) in &self.points {
            let (at, below) = (place((*x, 0.0)).0, bottom + 18.0);
            put(&mut svg, format_args!("<text x=\"{at:.1}\" y=\"{below}\" text-anchor=\"middle\">{x}</text>"));
        }
        let middle = f64::midpoint(left, right);
        put(&mut svg, format_args!("<text x=\"{middle}\" y=\"290\" text-anchor=\"middle\">{}</text>", self.axis));
        for (points, colour, name, legend) in
            [(tested, TESTED, "ours", right - 130.0), (reference, REFERENCE, "reference", right - 70.0)]
        {
            if points.is_empty() {
                continue;
            }
            let path: Vec<String> =
                points.iter().map(|point| place(*point)).map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
            let path = path.join(" ");
            put(
                &mut svg,
                format_args!("<polyline points=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>"),
            );
            for (x, y) in points.iter().map(|point| place(*point)) {
                put(&mut svg, format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\" fill=\"{colour}\"/>"));
            }
            put(&mut svg, format_args!("<text x=\"{legend}\" y=\"20\" fill=\"{colour}\">{name}</text>"));
        }
        svg + "</svg>\n"
    }
}

fn put(svg: &mut String, element: std::fmt::Arguments<'_>) {
    // Writing into a string cannot fail.
    let _ = writeln!(svg, "{element}");
}

/// The next of 1, 2, 4, 8, 10 times a power of ten, which four steps divide well.
fn nice(value: f64) -> f64 {
    let power = 10f64.powf(value.log10().floor());
    [1.0, 2.0, 4.0, 8.0, 10.0].into_iter().map(|step| step * power).find(|step| *step >= value).unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::report::Measured;
    use crate::scenario::Scenario;
    use crate::stats::Totals;

    #[test]
    fn both_servers_have_a_line_and_a_missing_one_has_none() {
        let measured = |cpu_ms| {
            let totals = Totals { video: 1000, expected: 1000, ..Totals::default() };
            let server_cpu = Some(Duration::from_millis(cpu_ms));
            Measured(vec![Outcome { totals, server_cpu, ..Outcome::default() }])
        };
        let point = |watchers, reference: Option<u64>| {
            let scenario = Scenario::Forward { watchers, loss_percent: 0 };
            (watchers as f64, Comparison { scenario, tested: measured(4), reference: reference.map(measured) })
        };
        let chart = |points| Chart { title: "t", axis: "watchers", points };
        let both = chart(vec![point(1, Some(8)), point(10, Some(12))]).svg();
        assert_eq!((both.matches("<polyline").count(), both.matches("<circle").count()), (2, 4));
        assert!(both.contains(">20</text>"), "the axis ends at a round number: {both}");
        let alone = chart(vec![point(1, None)]).svg();
        assert_eq!(alone.matches("<polyline").count(), 1);
        assert!(!alone.contains(">reference</text>"));
    }
}
