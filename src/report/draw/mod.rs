//! Pictures of a record as plain shapes, for one template that writes them as inline SVG.
//!
//! Colours, widths and fonts are the style sheet's; here are positions and words. Every picture is made twice,
//! for a wide page and for a phone, and the style sheet shows the one that fits.

mod axis;
mod course;
mod lane;
mod plot;
mod series;

use askama::Template;

use super::ReportError;

pub use course::course;
pub use plot::plot;

/// The picture for a wide page and the one for a phone.
pub struct Pair {
    /// About a thousand units wide.
    pub wide: Drawing,
    /// As wide as a phone.
    pub narrow: Drawing,
}

/// A picture: its size in units, what it says to those who cannot see it, and its shapes from back to front.
pub struct Drawing {
    /// Units.
    pub width: u32,
    /// Units.
    pub height: u32,
    /// What the picture says, in words.
    pub says: String,
    /// From back to front.
    pub shapes: Vec<Shape>,
}

/// A drawing with its class and its name, as inline SVG.
#[derive(Template)]
#[template(path = "drawing.svg", escape = "record-html", config = "templates/askama.toml")]
struct Svg<'a> {
    drawing: &'a Drawing,
    class: &'static str,
    name: &'a str,
}

impl Pair {
    /// Both as inline SVG, in a figure of this class. `name` is what they are of.
    ///
    /// # Errors
    /// Never.
    pub fn svg(&self, name: &str) -> Result<String, ReportError> {
        let wide = Svg { drawing: &self.wide, class: "wide", name }.render()?;
        Ok(wide + &Svg { drawing: &self.narrow, class: "narrow", name }.render()?)
    }
}

/// One shape. Positions are written out with one decimal; `class` is the style sheet's.
pub enum Shape {
    /// An SVG path.
    Path {
        /// Its class.
        class: &'static str,
        /// Its commands.
        d: String,
        /// Shown by the pointer.
        title: Option<String>,
    },
    /// Words.
    Text {
        /// Its class; `end` and `mid` say where it is anchored.
        class: &'static str,
        /// Where.
        x: String,
        /// Where its feet are.
        y: String,
        /// The words.
        text: String,
    },
}

impl Shape {
    fn path(class: &'static str, d: String) -> Self {
        Self::Path { class, d, title: None }
    }

    fn titled(class: &'static str, d: String, title: String) -> Self {
        Self::Path { class, d, title: Some(title) }
    }

    fn text(class: &'static str, x: f64, y: f64, text: impl Into<String>) -> Self {
        Self::Text { class, x: unit(x), y: unit(y), text: text.into() }
    }

    fn vertical(class: &'static str, x: f64, from: f64, to: f64) -> Self {
        Self::path(class, format!("M{} {}V{}", unit(x), unit(from), unit(to)))
    }

    fn horizontal(class: &'static str, y: f64, from: f64, to: f64) -> Self {
        Self::path(class, format!("M{} {}H{}", unit(from), unit(y), unit(to)))
    }
}

/// A rectangle as path commands.
fn bar(x: f64, y: f64, width: f64, height: f64) -> String {
    format!("M{} {}h{}v{}H{}Z", unit(x), unit(y), unit(width), unit(height), unit(x))
}

/// One decimal, and none where it is zero.
fn unit(value: f64) -> String {
    let text = format!("{value:.1}");
    match text.strip_suffix(".0") {
        Some("-0") => "0".into(),
        Some(whole) => whole.into(),
        None => text,
    }
}

/// About how wide a text of the pictures' size is, in units.
#[allow(clippy::cast_precision_loss)] // a label
fn text_width(text: &str) -> f64 {
    text.chars().count() as f64 * 6.4
}
