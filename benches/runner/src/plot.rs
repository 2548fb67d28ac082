//! The plot: for each work a group of bars, as ratios to the floor or to one core where there is that, else to the best Rust rival.

use std::fmt::Write;

use crate::report::{Row, base, best_rival, rows};
use crate::samples::Samples;
use crate::server::Role;
use crate::work;

const LEFT: f64 = 190.0;
const WIDTH: f64 = 520.0;
const BAR: f64 = 11.0;
const GAP: f64 = 30.0;

/// What lies beyond is cut off, with its figure beside.
const MOST: f64 = 2.0;

/// The plot of all works that were measured.
pub(crate) fn svg(samples: &Samples) -> String {
    let (mut body, mut y) = (String::new(), 20.0);
    for work in work::all().iter().filter(|work| samples.has(&work.name)) {
        let rows = rows(samples, work);
        let Some(unit) = base(&rows).or_else(|| best_rival(&rows, work.kind)) else { continue };
        let better =
            if work.kind.more_is_better() { "longer is better" } else { "shorter is better" };
        let title = format!("{} (1 = {}; {better})", work.name, unit.server);
        text(&mut body, 8.0, y, "title", &title);
        y += 6.0;
        let top = y;
        for row in &rows {
            bar(&mut body, y, row, row.median / unit.median);
            y += BAR + 3.0;
        }
        let one = LEFT + WIDTH / MOST;
        put(
            &mut body,
            format_args!(r#"<line x1="{one}" x2="{one}" y1="{top}" y2="{y}" class="one"/>"#),
        );
        y += GAP;
    }
    let width = LEFT + WIDTH + 80.0;
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{y}" viewBox="0 0 {width} {y}" font-family="sans-serif" font-size="10">
<style>.title{{font-weight:bold;font-size:12px}}.name{{text-anchor:end}}.one{{stroke:#333;stroke-dasharray:2 2}}.floor{{fill:#bbb}}.ours{{fill:#c1440e}}.rust{{fill:#5b7fa6}}.other{{fill:#8fa65b}}</style>
<rect width="{width}" height="{y}" fill="white"/>
{body}</svg>
"#
    )
}

fn bar(body: &mut String, y: f64, row: &Row, ratio: f64) {
    let class = match row.role {
        Role::Floor | Role::OneCore => "floor",
        Role::Ours => "ours",
        Role::Rust => "rust",
        Role::Other => "other",
    };
    let length = ratio.clamp(0.0, MOST) / MOST * WIDTH;
    let base = y + BAR - 2.0;
    text(body, LEFT - 6.0, base, "name", &row.server);
    put(
        body,
        format_args!(
            r#"<rect x="{LEFT}" y="{y}" width="{length:.1}" height="{BAR}" class="{class}"/>"#
        ),
    );
    text(body, LEFT + length + 4.0, base, "figure", &format!("{ratio:.2}"));
}

fn text(body: &mut String, x: f64, y: f64, class: &str, text: &str) {
    put(body, format_args!(r#"<text x="{x:.1}" y="{y:.1}" class="{class}">{text}</text>"#));
}

fn put(body: &mut String, element: std::fmt::Arguments<'_>) {
    writeln!(body, "{element}").expect("a string takes whatever is written");
}
