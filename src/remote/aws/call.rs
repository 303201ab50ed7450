//! One call to any service: signed with Signature Version 4, tried again as the SDK's own clients do.

use std::fmt;
use std::time::Duration;

use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_runtime::auth::{SigV4OperationSigningConfig, SigningOptions};
use aws_runtime::retries::classifiers::AwsErrorCodeClassifier;
use aws_sigv4::http_request::SignableBody;
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime::client::retries::classifiers::{HttpStatusCodeClassifier, TransientErrorClassifier};
use aws_smithy_runtime_api::client::auth::AuthSchemeOptionResolverParams;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::Layer;
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::retry::RetryConfig;
use aws_types::SigningName;
use aws_types::region::SigningRegion;
use aws_types::service_config::ServiceConfigKey;
use serde_json::Value;

use super::{AwsError, Connection, xml};
use crate::core::hash::Hash;

/// Statuses after which the same call may succeed.
const PASSING: &[u16] = &[429, 500, 502, 503, 504];
/// What a line has at least, in bytes a second: a body is given so much more time.
const SLOWEST: u64 = 128 * 1024;
/// The one service whose paths are signed as they are sent, and whose bodies are signed by a header.
const S3: &str = "s3";
/// The one service that is asked in one region about what is the same in all of them.
pub(super) const CLOUDTRAIL: &str = "cloudtrail";

/// A service that is asked without a client of its own.
#[derive(Clone, Copy, Debug)]
pub struct Api {
    /// Its name for people.
    pub name: &'static str,
    /// What it is signed for, and the first part of its host's name.
    pub id: &'static str,
    /// What the SDKs' settings for single services call it.
    pub service: &'static str,
    /// Whether it is the same in all regions; then it is signed for one of them.
    pub global: bool,
    /// How it says what went wrong.
    pub format: Format,
    /// Whether its own words for that are kept beside the code: only where nobody else's text can be in them.
    pub words: bool,
}

/// How a service writes its answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `{"__type":…,"message":…}`
    Json,
    /// `<ErrorResponse><Error><Code>…</Code>…`
    Xml,
}

/// One request. It does not show its body: that may hold what nobody should read in a log.
pub struct Ask {
    /// `GET`, `POST` or `PUT`.
    pub method: &'static str,
    /// What stands before the host's name, where that is AWS's own: a bucket.
    pub host: Option<String>,
    /// Path and query, encoded.
    pub path: String,
    /// Beside those that signing adds.
    pub headers: Vec<(&'static str, String)>,
    /// What is sent.
    pub body: SdkBody,
    /// The body's hash, where it is signed by that: S3 only.
    pub sha256: Option<Hash>,
    /// How many bytes go either way, as far as is known: so much more time is given.
    pub bytes: u64,
}

impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask").field("method", &self.method).finish_non_exhaustive()
    }
}

/// An answer, which does not show itself either.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// All of it.
    pub body: Vec<u8>,
    headers: Vec<(String, String)>,
}

impl Answer {
    /// The value of the header called `name`, which is in small letters.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an answer of {} bytes", self.body.len())
    }
}

impl Ask {
    /// Asks with nothing in the body.
    #[must_use]
    pub fn new(method: &'static str, path: String) -> Self {
        let (headers, body) = (vec![], SdkBody::from(""));
        Self { method, host: None, path, headers, body, sha256: None, bytes: 0 }
    }

    /// Reads what stands at `path`.
    #[must_use]
    pub fn get(path: String) -> Self {
        Self::new("GET", path)
    }

    fn post(path: String, kind: &str, body: String) -> Self {
        let headers = vec![("content-type", kind.to_owned())];
        Self { headers, body: SdkBody::from(body), ..Self::new("POST", path) }
    }

    /// Sends an XML document to `path`.
    #[must_use]
    pub fn post_xml(path: String, body: String) -> Self {
        Self::post(path, "application/xml", body)
    }

    /// Calls `target` by the AWS JSON 1.1 protocol.
    #[must_use]
    pub fn json(target: &str, input: &Value) -> Self {
        let mut ask = Self::post("/".to_owned(), "application/x-amz-json-1.1", input.to_string());
        ask.headers.push(("x-amz-target", target.to_owned()));
        ask
    }

    /// Calls `action` by the AWS query protocol.
    #[must_use]
    pub fn query(action: &str, version: &str, input: &[(&str, &str)]) -> Self {
        let mut body = format!("Action={action}&Version={version}");
        for (name, value) in input {
            body.push_str(&format!("&{}={}", encoded(name), encoded(value)));
        }
        Self::post("/".to_owned(), "application/x-www-form-urlencoded; charset=utf-8", body)
    }
}

impl Connection {
    /// Sends one request and gives the body of the answer. `action` is the IAM action that it needs.
    ///
    /// Throttling, passing errors of the server and cut connections are tried again, with growing pauses, three times in
    /// all. An error inside a 200 is an error.
    ///
    /// # Errors
    /// What kept it from an answer.
    pub fn ask(&self, api: &Api, action: &'static str, ask: Ask) -> Result<Vec<u8>, AwsError> {
        self.call(api, action, ask).map(|answer| answer.body)
    }

    /// The same, with all that was answered.
    ///
    /// # Errors
    /// As there.
    pub fn call(&self, api: &Api, action: &'static str, ask: Ask) -> Result<Answer, AwsError> {
        let config = self.sdk();
        let credentials = config.credentials_provider().ok_or(AwsError::NoCredentials { action })?;
        let http = config.http_client().ok_or(AwsError::NoCredentials { action })?;
        let (endpoint, region) = self.endpoint(api, ask.host.as_deref());
        let mut signing_options = SigningOptions::default();
        signing_options.double_uri_encode = api.id != S3;
        signing_options.normalize_uri_path = api.id != S3;
        signing_options.content_sha256_header = api.id == S3;
        signing_options.payload_override = ask.sha256.map(|hash| SignableBody::Precomputed(hash.to_string()));
        let mut layer = Layer::new("aws");
        layer.store_put(AuthSchemeOptionResolverParams::new(()));
        layer.store_put(SigV4OperationSigningConfig {
            region: Some(SigningRegion::from(aws_types::region::Region::new(region))),
            name: Some(SigningName::from_static(api.id)),
            signing_options,
            ..SigV4OperationSigningConfig::default()
        });
        let signing = RuntimeComponentsBuilder::new("aws")
            .with_auth_scheme(SigV4AuthScheme::new())
            .with_auth_scheme_option_resolver(Some(StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID])))
            .with_identity_resolver(SCHEME_ID, credentials);
        let plugin = StaticRuntimePlugin::new().with_config(layer.freeze()).with_runtime_components(signing);
        let (format, words) = (api.format, api.words);
        let more = Duration::from_secs(ask.bytes / SLOWEST);
        let operation = Operation::builder()
            .service_name(api.id)
            .operation_name(action)
            .http_client(http)
            .endpoint_url(&endpoint)
            .runtime_plugin(plugin)
            .standard_retry(config.retry_config().unwrap_or(&RetryConfig::standard()))
            .timeout_config(self.timeouts(more))
            .retry_classifier(HttpStatusCodeClassifier::new_from_codes(PASSING))
            .retry_classifier(AwsErrorCodeClassifier::<ErrorMetadata>::new())
            .retry_classifier(TransientErrorClassifier::<ErrorMetadata>::new())
            .serializer(|ask: Ask| {
                // Asked for once, and all but read: a body from memory or from a file gives itself again.
                let body = ask.body.try_clone().ok_or("a body that can be sent only once")?;
                let mut request = HttpRequest::new(body);
                request.set_method(ask.method)?;
                request.set_uri(ask.path.as_str())?;
                request
                    .headers_mut()
                    .insert("user-agent", concat!("aether-audit/", env!("CARGO_PKG_VERSION")));
                for (name, value) in ask.headers {
                    request.headers_mut().insert(name, value);
                }
                Ok(request)
            })
            .deserializer(move |response: &HttpResponse| {
                let body = response.body().bytes().unwrap_or_default();
                match fault(format, response, body) {
                    Some((code, said)) => {
                        let said = if words { said } else { String::new() };
                        let fault = ErrorMetadata::builder().code(code).message(said).build();
                        Err(OrchestratorError::operation(fault))
                    }
                    None => Ok(answer(response, body)),
                }
            })
            .build();
        self.within(self.patience(more), api.name, action, operation.invoke(ask))
    }

    /// [`Connection::ask`] by the JSON protocol.
    ///
    /// # Errors
    /// As there, and where the answer is not JSON.
    pub fn ask_json(
        &self,
        api: &Api,
        action: &'static str,
        target: &str,
        input: &Value,
    ) -> Result<Value, AwsError> {
        let body = self.ask(api, action, Ask::json(target, input))?;
        serde_json::from_slice(&body).map_err(|_| AwsError::nonsense(action))
    }

    /// Where to ask, and the region to sign for.
    fn endpoint(&self, api: &Api, before: Option<&str>) -> (String, String) {
        let (host, region) = host(api, self.region());
        let before = before.map(|before| format!("{before}.")).unwrap_or_default();
        (self.own_endpoint(api).unwrap_or_else(|| format!("https://{before}{host}")), region)
    }

    /// The endpoint that is configured, for this service or for all of them.
    #[must_use]
    pub fn own_endpoint(&self, api: &Api) -> Option<String> {
        let key = ServiceConfigKey::builder().service_id(api.service).env("AWS_ENDPOINT_URL");
        let key = key.profile("endpoint_url").build().ok();
        let of_service = || key.and_then(|key| self.sdk().service_config()?.load_config(key));
        let of_all = || self.sdk().endpoint_url().map(str::to_owned);
        self.said().map(str::to_owned).or_else(of_service).or_else(of_all)
    }
}

fn answer(response: &HttpResponse, body: &[u8]) -> Answer {
    let headers = response.headers().iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
    Answer { status: response.status().as_u16(), body: body.to_vec(), headers: headers.collect() }
}

/// AWS's own host of a service, and the region to sign for, by partition.
fn host(api: &Api, region: &str) -> (String, String) {
    let id = api.id;
    if id == CLOUDTRAIL {
        let of = |region: &str, end| (format!("{id}.{region}.amazonaws.com{end}"), region.to_owned());
        return match region {
            region if region.starts_with("cn-") => of("cn-northwest-1", ".cn"),
            region if region.starts_with("us-gov-") => of("us-gov-west-1", ""),
            _ => of("us-east-1", ""),
        };
    }
    match (api.global, region) {
        (true, region) if region.starts_with("cn-") => {
            (format!("{id}.amazonaws.com.cn"), "cn-northwest-1".to_owned())
        }
        (true, region) if region.starts_with("us-gov-") => {
            (format!("{id}.us-gov.amazonaws.com"), "us-gov-west-1".to_owned())
        }
        (true, _) => (format!("{id}.amazonaws.com"), "us-east-1".to_owned()),
        (false, region) if region.starts_with("cn-") => {
            (format!("{id}.{region}.amazonaws.com.cn"), region.to_owned())
        }
        (false, region) => (format!("{id}.{region}.amazonaws.com"), region.to_owned()),
    }
}

/// Code and message of what went wrong, where the answer says so.
fn fault(format: Format, response: &HttpResponse, body: &[u8]) -> Option<(String, String)> {
    let status = response.status();
    let said = match format {
        Format::Json => json_fault(response.headers().get("x-amzn-errortype"), body),
        Format::Xml => xml::fault(body),
    };
    let failed = !status.is_success();
    said.or_else(|| failed.then(|| (format!("HTTP status {}", status.as_u16()), String::new())))
}

fn json_fault(kind: Option<&str>, body: &[u8]) -> Option<(String, String)> {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    let code = kind.or_else(|| text("__type"))?;
    let code = code.split(':').next().unwrap_or_default().rsplit('#').next().unwrap_or_default();
    Some((code.to_owned(), text("message").or_else(|| text("Message")).unwrap_or_default().to_owned()))
}

/// `text` for a query or a form: all but letters, digits, `-`, `.`, `_` and `~` as `%XX`.
pub fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_by_partition() {
        let api = |id, global| Api { name: "", id, service: "", global, format: Format::Xml, words: false };
        let of = |id, global, region| host(&api(id, global), region);
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(of("ssm", false, "eu-central-1"), pair("ssm.eu-central-1.amazonaws.com", "eu-central-1"));
        assert_eq!(of("rds", false, "cn-north-1"), pair("rds.cn-north-1.amazonaws.com.cn", "cn-north-1"));
        assert_eq!(of("route53", true, "eu-central-1"), pair("route53.amazonaws.com", "us-east-1"));
        assert_eq!(of("route53", true, "cn-north-1"), pair("route53.amazonaws.com.cn", "cn-northwest-1"));
        assert_eq!(
            of(CLOUDTRAIL, true, "eu-central-1"),
            pair("cloudtrail.us-east-1.amazonaws.com", "us-east-1")
        );
        assert_eq!(
            of("route53", true, "us-gov-east-1"),
            pair("route53.us-gov.amazonaws.com", "us-gov-west-1")
        );
    }

    #[test]
    fn encoding() {
        assert_eq!(encoded("a.b-c_d~/ +%\u{e9}"), "a.b-c_d~%2F%20%2B%25%C3%A9");
    }

    #[test]
    fn nothing_shows_a_body() {
        let ask = Ask::query("A", "1", &[("Secret", "hunter2")]);
        assert!(
            !format!("{ask:?}{:?}", Answer { status: 200, body: b"hunter2".to_vec(), headers: vec![] })
                .contains("hunter2")
        );
    }
}
