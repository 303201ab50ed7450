//! The SDK behind a blocking face, and its errors in the program's words.

use std::error::Error;
use std::future::Future;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_cloudwatch::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};

use crate::core::check::AwsSettings;
use crate::core::redact;
use crate::evidence::EvidenceError;

/// How often a call is tried, the first time included.
const ATTEMPTS: u32 = 3;

/// A connection to `CloudWatch` with a runtime of its own.
pub struct Client {
    runtime: tokio::runtime::Runtime,
    sdk: aws_sdk_cloudwatch::Client,
    place: String,
    patience: Duration,
}

impl Client {
    pub fn new(settings: &AwsSettings) -> Result<Self, EvidenceError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let seconds = if settings.timeout_seconds == 0 { 10 } else { settings.timeout_seconds };
        let one = Duration::from_secs(seconds.into());
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(one.min(Duration::from_secs(5)))
            .operation_attempt_timeout(one)
            .operation_timeout(one * ATTEMPTS + Duration::from_secs(5))
            .build();
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http)
            .timeout_config(timeouts)
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS));
        if let Some(region) = &settings.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(url) = &settings.endpoint_url {
            loader = loader.endpoint_url(url);
        }
        if let Some(profile) = &settings.profile {
            loader = loader.profile_name(profile);
        }
        // Finding credentials and region may itself ask the network.
        let patience = one * ATTEMPTS + Duration::from_secs(15);
        let config = runtime.block_on(async { tokio::time::timeout(patience, loader.load()).await });
        let config =
            config.map_err(|_| EvidenceError::TimedOut { place: "the AWS configuration".to_owned() })?;
        let region = config.region().ok_or(EvidenceError::NoRegion)?;
        let place = config.endpoint_url().map_or_else(
            || format!("CloudWatch in {region}"),
            |url| format!("CloudWatch at {}", redact::url(url)),
        );
        let sdk = aws_sdk_cloudwatch::Client::new(&config);
        Ok(Self { runtime, sdk, place, patience })
    }

    /// Runs one call to its end. `action` is the IAM action that it needs.
    pub fn call<T, E, R, F>(
        &self,
        action: &'static str,
        call: impl FnOnce(&aws_sdk_cloudwatch::Client) -> F,
    ) -> Result<T, EvidenceError>
    where
        F: Future<Output = Result<T, SdkError<E, R>>>,
        E: ProvideErrorMetadata + Error + 'static,
        R: std::fmt::Debug + 'static,
    {
        let future = call(&self.sdk);
        let answer = self.runtime.block_on(async { tokio::time::timeout(self.patience, future).await });
        match answer {
            Err(_) => Err(EvidenceError::TimedOut { place: self.place.clone() }),
            Ok(Err(error)) => Err(self.explain(action, &error)),
            Ok(Ok(value)) => Ok(value),
        }
    }

    fn explain<E, R>(&self, action: &'static str, error: &SdkError<E, R>) -> EvidenceError
    where
        E: ProvideErrorMetadata + Error + 'static,
        R: std::fmt::Debug + 'static,
    {
        let place = self.place.clone();
        match error {
            SdkError::TimeoutError(_) => EvidenceError::TimedOut { place },
            SdkError::DispatchFailure(failure) if failure.is_timeout() => EvidenceError::TimedOut { place },
            SdkError::DispatchFailure(failure) if failure.is_io() => EvidenceError::Unreachable { place },
            SdkError::ServiceError(service) => {
                let code = service.err().code().unwrap_or("an answer that cannot be read").to_owned();
                by_code(action, code, redact::urls_in(service.err().message().unwrap_or_default()))
            }
            _ if chain(error).contains("credential") => EvidenceError::NoCredentials { action },
            SdkError::DispatchFailure(_) => EvidenceError::Unreachable { place },
            SdkError::ResponseError(_) => refused(action, "an answer that cannot be read"),
            _ => refused(action, "a request that cannot be made"),
        }
    }
}

fn refused(action: &'static str, code: &str) -> EvidenceError {
    EvidenceError::Refused { action, code: code.to_owned(), said: String::new() }
}

fn by_code(action: &'static str, code: String, said: String) -> EvidenceError {
    let short = code.rsplit('#').next().unwrap_or_default().trim_end_matches("Exception");
    match short {
        "AccessDenied" | "UnauthorizedOperation" | "NotAuthorized" => EvidenceError::Denied { action, said },
        "ExpiredToken" | "RequestExpired" => EvidenceError::Expired { action },
        "InvalidClientTokenId"
        | "UnrecognizedClient"
        | "SignatureDoesNotMatch"
        | "InvalidSignature"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "AuthFailure" => EvidenceError::BadCredentials { action, code },
        "Throttling" | "ThrottledException" | "Throttled" | "TooManyRequests" | "RequestLimitExceeded" => {
            EvidenceError::Throttled { action, attempts: ATTEMPTS }
        }
        _ => EvidenceError::Refused { action, code, said },
    }
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text.push_str(&error.to_string());
        next = error.source();
    }
    text.to_lowercase()
}
