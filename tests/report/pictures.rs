//! The pictures of the page: the course, and a plot for each check.

use aether_audit::core::check::{BaselineSpec, CheckSpec, History, Phase, Point, Reading, Window};
use aether_audit::core::event::{Event, Outcome};

use crate::rendered;
use crate::world::{CHECKLIST, World, completed, errors, rolled_back, token};

/// The shapes of one class in the wide pictures of a page.
fn shapes<'a>(html: &'a str, class: &str) -> Vec<&'a str> {
    let pictures = html.split("<svg class=\"wide\"").skip(1).map(|rest| rest.split("</svg>").next().unwrap());
    let start = format!("class=\"{class}\"");
    pictures.flat_map(|svg| svg.split('<').filter(|tag| tag.contains(&start)).collect::<Vec<_>>()).collect()
}

/// Reads `values` one minute each; `None` is a minute of which there was nothing.
fn read(world: &mut World, values: &[Option<&str>]) {
    for value in values {
        world.clock = world.clock.plus_seconds(53);
        let window = Window { from: world.clock.plus_seconds(-60), to: world.clock, period: 60 };
        let point = |days: i64, value: &str| Point {
            at: world.clock.plus_seconds(-60 - days * 86_400),
            value: value.parse().unwrap(),
        };
        let reading = Reading {
            check: Some("http-5xx".into()),
            source: "cloudwatch".into(),
            phase: Some(if value.is_some() { Phase::Pass } else { Phase::NoData }),
            value: value.map(|value| value.parse().unwrap()),
            window: Some(window),
            points: value.iter().map(|value| point(0, value)).collect(),
            baseline_points: (1..=5).map(|days| point(days, &format!("0.0{days}"))).collect(),
            ..Reading::default()
        };
        world.put("ci", "recorder", &Event::MetricRead(reading));
    }
}

#[test]
fn the_course_has_a_lane_for_everything() {
    let page = rendered(&rolled_back()).html;
    let names = ["Phases", "On Green", "Decisions", "Rollback", "Sign-offs", "Checks", "Acts", "Messages"];
    let lanes = shapes(&page, "end name");
    assert_eq!(lanes.len(), names.len(), "{lanes:?}");
    for (name, lane) in names.iter().zip(lanes) {
        assert!(lane.ends_with(name), "{lane}");
    }
    for class in
        ["bar prepare", "bar move", "bar critical", "green", "flag critical", "flag warning", "cut", "alarm"]
    {
        assert!(!shapes(&page, class).is_empty(), "{class}");
    }
    let page = rendered(&completed()).html;
    assert_eq!((shapes(&page, "bar critical").len(), shapes(&page, "bar prove").len()), (0, 1));
}

#[test]
fn limits_history_and_what_is_missing_are_in_the_plot() {
    let mut world = World::new();
    let check = CheckSpec {
        baseline: Some(BaselineSpec { days: 5, history: History::Ratio("2".parse().unwrap()) }),
        ..errors()
    };
    world.open_with(CHECKLIST, vec![check], |_| {});
    let values = [Some("0.02"), Some("0.03"), None, None, None, Some("0.4"), Some("1.5"), Some("0.02")];
    read(&mut world, &values);
    let page = rendered(&world).html;
    for class in ["objective", "rollback", "history", "hatch", "dot warn", "dot trigger"] {
        assert_eq!(shapes(&page, class).len(), 1, "{class}");
    }
    // Two stretches: nothing is drawn across what is missing.
    let line = shapes(&page, "line")[0];
    assert_eq!((line.matches('M').count(), line.matches('L').count()), (2, 3), "{line}");
    assert!(page.contains("nothing for 3 min"), "{page}");
    assert!(page.contains("history: 10th to 90th percentile, 0.01 to 0.05"));
}

#[test]
fn without_a_gap_nothing_is_hatched() {
    let mut world = World::new();
    world.open(CHECKLIST);
    read(&mut world, &[Some("0.02"); 30]);
    let page = rendered(&world).html;
    assert!(shapes(&page, "hatch").is_empty() && shapes(&page, "dot trigger").is_empty());
    assert_eq!(shapes(&page, "line")[0].matches('M').count(), 1);
}

/// A plot stays small whatever was measured, and the greatest value is always in it.
#[test]
fn a_hundred_thousand_points_make_a_bounded_plot() {
    let mut world = World::new();
    world.open(CHECKLIST);
    let start = world.clock;
    let value = |second: i64| if second == 71_003 { "0.97" } else { "0.0451" };
    for first in (0..100_000).step_by(500) {
        let at = |second: i64| start.plus_seconds(second);
        let points = (first..first + 500).map(|s| Point { at: at(s), value: value(s).parse().unwrap() });
        let reading = Reading {
            check: Some("http-5xx".into()),
            source: "cloudwatch".into(),
            phase: Some(Phase::Warn),
            value: Some("0.97".parse().unwrap()),
            window: Some(Window { from: at(first), to: at(first + 500), period: 1 }),
            points: points.collect(),
            ..Reading::default()
        };
        world.put("ci", "recorder", &Event::MetricRead(reading));
    }
    let page = rendered(&world).html;
    let line = shapes(&page, "line")[0];
    assert!(line.len() < 20_000, "{}", line.len());
    assert_eq!(shapes(&page, "dot warn").len(), 1);
    assert!(page.contains("100000 values from 0.0451 to 0.97") && page.contains("488 more in report.json"));
    assert!(page.len() < 300_000, "{}", page.len());
}

/// The data of a whole deployment is to go into the same file, which is to stay below a million bytes.
#[test]
fn a_thousand_events_make_a_page_of_half_a_million_bytes() {
    let mut world = World::new();
    world.open(CHECKLIST);
    world.all_on_green();
    let mut minute = 0;
    while world.deployment().entries < 1000 {
        minute += 1;
        world.read(
            if minute % 97 == 3 { Phase::Warn } else { Phase::Pass },
            &format!("0.0{}", minute % 9 + 1),
        );
        if minute % 20 == 0 {
            world.message("STATUS: verification goes on, nothing to report.");
        }
    }
    world.decide(aether_audit::core::event::Decision::AllClear, "verified");
    let page = rendered(&world).html;
    assert!(page.len() < 525_000, "{}", page.len());
}

#[test]
fn the_checklist_names_who_when_and_by_which_key() {
    let r = rendered(&completed());
    assert_eq!(r.data.summary.outcome, Some(Outcome::Completed));
    let checklist = r.html.split("<h2 id=\"checklist\">").nth(1).unwrap().split("</section>").next().unwrap();
    let row = |item: &str| {
        let found = checklist.split("<tr>").find(|row| row.contains(&format!("<small>{item}</small>")));
        found.unwrap_or_else(|| panic!("{item}")).to_owned()
    };
    let key = |name: &str| r.data.people.iter().find(|p| p.id == token(name)).unwrap().keys[0].keyid.short();
    for (item, who, person) in
        [("env-audit", "alice (lead-deployer)", "alice"), ("smoke", "carol (qa-engineer)", "carol")]
    {
        let row = row(item);
        assert!(row.contains(&format!("<strong>{who}</strong>, done")), "{row}");
        assert!(row.contains(&format!("<code>{}</code>", key(person))), "{row}");
        assert!(row.contains("UTC</time>") && row.contains("href=\"#e"), "{row}");
    }
    assert!(checklist.contains("decided: go") && checklist.contains("100 % of web to Green"));
    assert_eq!(checklist.matches("nobody").count(), 0, "{checklist}");
}
