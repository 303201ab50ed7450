//! The completed checklist and the report, through the public face.

mod checklist;
mod controls;
mod doubted;
mod hostile;
mod pictures;
mod told;
mod world;

use aether_audit::core::dsse;
use aether_audit::core::hash::Hash;
use aether_audit::report::{self, Report};
use world::World;

/// Every rendering of one record.
struct Rendered {
    data: Report,
    json: String,
    markdown: String,
    html: String,
    checklist: String,
}

impl Rendered {
    /// Every rendering that people read, by name.
    fn pages(&self) -> [(&'static str, &str); 3] {
        [("markdown", &self.markdown), ("html", &self.html), ("checklist", &self.checklist)]
    }
}

/// Renders twice, holds the bytes to be the same, and reads the JSON back strictly.
fn rendered(world: &World) -> Rendered {
    let once = || {
        world.with(|input| {
            let data = report::report(input).unwrap();
            Rendered {
                json: report::to_json(&data).unwrap(),
                markdown: report::to_markdown(&data).unwrap(),
                html: report::to_html(&data).unwrap(),
                checklist: report::checklist(input, &data).unwrap(),
                data,
            }
        })
    };
    let (first, second) = (once(), once());
    assert_eq!(first.json, second.json);
    assert_eq!(first.markdown, second.markdown);
    assert_eq!(first.html, second.html);
    assert_eq!(first.checklist, second.checklist);
    assert_eq!(serde_json::from_str::<Report>(&first.json).unwrap(), first.data);
    let extra = first.json.replacen('{', "{\n  \"extra\": 1,", 1);
    assert!(serde_json::from_str::<Report>(&extra).unwrap_err().to_string().contains("extra"));
    sound_html(&first.html);
    first
}

/// One document with one style and one script, which its policy allows by their digests and nothing else, without anything
/// from elsewhere, its tags closed in order.
fn sound_html(html: &str) {
    let inside = |tag: &str| {
        let [_, rest] = html.split(&format!("<{tag}>")).collect::<Vec<_>>()[..] else { panic!("one {tag}") };
        Hash::of(&[rest.split(&format!("</{tag}>")).next().unwrap().as_bytes()])
    };
    let digest = |tag: &str| dsse::encode(inside(tag).as_bytes());
    let policy = format!(
        "\"default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'\"",
        digest("style"),
        digest("script")
    );
    assert!(html.contains(&policy), "{policy}");
    assert!(html.contains(&format!("const STYLE = \"{}\"", inside("style"))), "the script knows the style");
    let (html, script) = html.split_once("<script>").expect("one script");
    let (script, end) = script.split_once("</script>").expect("that ends");
    assert!(!script.contains("<!--") && !end.contains("<script"), "nothing after it");
    let html = [html, end].concat();
    let html = html.as_str();
    let mut open: Vec<String> = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let tag = &rest[at + 1..];
        let end = tag.find('>').expect("a tag ends");
        let inside = &tag[..end];
        rest = &tag[end + 1..];
        let name: String =
            inside.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        if name.is_empty()
            || inside.ends_with('/')
            || matches!(name.as_str(), "meta" | "br" | "doctype" | "input")
        {
            continue;
        }
        if inside.starts_with('/') {
            assert_eq!(open.pop().as_deref(), Some(name.as_str()), "closing tag");
        } else {
            open.push(name.clone());
        }
        let allowed = "html head meta title style body p header h1 div small dl dt dd nav a main section h2 ul li span \
                       code table caption thead tr th tbody td br strong h3 ol time figure svg path text figcaption \
                       details summary aside label input script article pre footer doctype";
        assert!(allowed.split_whitespace().any(|known| known == name), "{inside}");
        let lower = inside.to_lowercase();
        for never in ["src=", "url(", " on", "http-equiv=\"refresh", "style="] {
            assert!(!lower.contains(never), "{inside}");
        }
        for part in inside.split("href=\"").skip(1) {
            assert!(part.starts_with('#'), "a reference elsewhere: {inside}");
        }
    }
    assert_eq!(open, Vec::<String>::new());
}
