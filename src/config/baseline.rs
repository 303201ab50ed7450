//! History as an objective: `baseline-days` with `baseline-ratio`, or with `baseline-test`.

use toml::Spanned;

use super::raw::Check as Raw;
use super::value::{Located, optional_number};
use crate::core::check::{Alpha, BaselineSpec, Decimal, History, MAX_POINTS};

/// The level of a test that names none.
const ALPHA: &str = "0.01";

pub fn baseline(
    raw: &Raw,
    window_minutes: u32,
    period_seconds: u32,
) -> Result<Option<BaselineSpec>, Located> {
    let (history, place) = match (&raw.baseline_ratio, &raw.baseline_test) {
        (Some(_), Some(test)) => {
            let help = "keep baseline-ratio, or baseline-test with baseline-alpha";
            return Err(Located::new(test.span(), "a baseline by ratio and by test", help));
        }
        (Some(given), None) => (History::Ratio(ratio(given)?), given.span()),
        (None, Some(given)) => (History::MannWhitney(test(raw, given)?), given.span()),
        (None, None) => {
            let stray = raw.baseline_days.as_ref().map(Spanned::span);
            let stray = stray.or_else(|| raw.baseline_alpha.as_ref().map(Spanned::span));
            let help = "add baseline-ratio = \"1.2\"";
            return stray
                .map_or(Ok(None), |span| Err(Located::new(span, "a baseline without a ratio", help)));
        }
    };
    if let (History::Ratio(_), Some(alpha)) = (&history, &raw.baseline_alpha) {
        let help = "it belongs to baseline-test = \"mann-whitney\"";
        return Err(Located::new(alpha.span(), "a ratio has no level of significance", help));
    }
    let Some(given) = &raw.baseline_days else {
        return Err(Located::new(place, "a baseline of how many days?", "add baseline-days = 7"));
    };
    let most = match period_seconds {
        ..60 => {
            let message = "CloudWatch keeps periods under a minute for 3 hours";
            return Err(Located::new(given.span(), message, "set period-seconds = 60"));
        }
        60..300 => 14,
        _ => 28,
    };
    let days = optional_number(Some(given), 1..=most)?.unwrap_or(most);
    let points = days * (window_minutes * 60).div_ceil(period_seconds);
    if matches!(history, History::MannWhitney(_)) && points as usize > MAX_POINTS {
        let message = format!("{points} points of history are too many for one reading");
        return Err(Located::new(
            given.span(),
            message,
            "look at fewer days, or make window-minutes smaller",
        ));
    }
    Ok(Some(BaselineSpec { days, history }))
}

fn ratio(given: &Spanned<String>) -> Result<Decimal, Located> {
    let parsed =
        given.get_ref().parse().ok().filter(|ratio: &Decimal| !ratio.is_negative() && !ratio.is_zero());
    parsed.ok_or_else(|| Located::new(given.span(), "not a factor above 0", "write a string such as \"1.2\""))
}

fn test(raw: &Raw, given: &Spanned<String>) -> Result<Alpha, Located> {
    if given.get_ref() != "mann-whitney" {
        let message = format!("`{}` is no test that is known here", given.get_ref());
        return Err(Located::new(given.span(), message, "write \"mann-whitney\""));
    }
    let (text, span) = match &raw.baseline_alpha {
        Some(alpha) => (alpha.get_ref().as_str(), alpha.span()),
        None => (ALPHA, given.span()),
    };
    text.parse().map_err(|error: crate::core::check::AlphaError| {
        Located::new(span, error.to_string(), "write baseline-alpha = \"0.01\"")
    })
}
