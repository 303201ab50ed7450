//! CloudWatch's dashboards, as far as whether one is there.

use super::{Api, Ask, AwsError, Connection, Format};

const API: Api = Api {
    name: "CloudWatch",
    id: "monitoring",
    service: "CloudWatch",
    global: false,
    format: Format::Xml,
    words: false,
};
const VERSION: &str = "2010-08-01";

/// The dashboard that an address of AWS's console shows; `None` for any other address.
#[must_use]
pub fn name_in(url: &str) -> Option<&str> {
    let (host, rest) = url.strip_prefix("https://")?.split_once('/')?;
    if !host.ends_with("console.aws.amazon.com") {
        return None;
    }
    let name = rest.split_once("dashboards/").or_else(|| rest.split_once("dashboards:name="))?.1;
    let name = name.strip_prefix("dashboard/").unwrap_or(name);
    let end =
        name.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))).unwrap_or(name.len());
    Some(&name[..end]).filter(|name| !name.is_empty())
}

/// Whether there is a dashboard of this name.
///
/// # Errors
/// Where CloudWatch could not be asked.
pub fn is_there(connection: &Connection, name: &str) -> Result<bool, AwsError> {
    let ask = Ask::query("GetDashboard", VERSION, &[("DashboardName", name)]);
    match connection.ask(&API, "cloudwatch:GetDashboard", ask) {
        Ok(_) => Ok(true),
        Err(AwsError::Refused { code, .. }) if code.contains("NotFound") => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::name_in;

    #[test]
    fn names() {
        for (url, name) in [
            (
                "https://console.aws.amazon.com/cloudwatch/dashboards/project-aether-prod",
                Some("project-aether-prod"),
            ),
            (
                "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1#dashboards/dashboard/prod",
                Some("prod"),
            ),
            (
                "https://console.aws.amazon.com/cloudwatch/home?region=us-east-1#dashboards:name=prod;start=PT3H",
                Some("prod"),
            ),
            ("https://console.aws.amazon.com/cloudwatch/home", None),
            ("https://grafana.example.com/dashboards/prod", None),
        ] {
            assert_eq!(name_in(url), name, "{url}");
        }
    }
}
