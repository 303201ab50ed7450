//! The SDK's configuration, found once, and a runtime that waits for its answers.

use std::error::Error;
use std::future::Future;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::AwsError;
use crate::core::check::AwsSettings;
use crate::core::redact;

/// How often a call is tried, the first time included.
pub const ATTEMPTS: u32 = 3;

/// Region, credentials, endpoint, timeouts and retries, behind a blocking face.
#[derive(Debug)]
pub struct Connection {
    runtime: tokio::runtime::Runtime,
    config: SdkConfig,
    region: Region,
    one: Duration,
    said: Option<String>,
}

impl Connection {
    /// Finds region and credentials as the SDK does, `settings` first.
    ///
    /// # Errors
    /// Where there is no region, the search takes too long, or the runtime cannot begin.
    pub fn open(settings: &AwsSettings) -> Result<Self, AwsError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let seconds = if settings.timeout_seconds == 0 { 10 } else { settings.timeout_seconds };
        let one = Duration::from_secs(seconds.into());
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http)
            .timeout_config(timeouts(one))
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
        let config = runtime.block_on(async { tokio::time::timeout(patience(one), loader.load()).await });
        let config = config.map_err(|_| AwsError::TimedOut { place: "the AWS configuration".to_owned() })?;
        let region = config.region().cloned().ok_or(AwsError::NoRegion)?;
        Ok(Self { runtime, config, region, one, said: settings.endpoint_url.clone() })
    }

    /// What clients of single services are made from.
    #[must_use]
    pub const fn sdk(&self) -> &SdkConfig {
        &self.config
    }

    /// The endpoint that the settings name, before all that the environment says.
    pub(super) fn said(&self) -> Option<&str> {
        self.said.as_deref()
    }

    /// The region that is asked.
    #[must_use]
    pub fn region(&self) -> &str {
        self.region.as_ref()
    }

    /// How long one call may take that is given `more` time than others for each attempt.
    pub(super) fn patience(&self, more: Duration) -> Duration {
        patience(self.one + more)
    }

    /// The same, for each step of it.
    pub(super) fn timeouts(&self, more: Duration) -> TimeoutConfig {
        timeouts(self.one + more)
    }

    /// Where a service is asked, for errors: its region, or the endpoint without credentials.
    #[must_use]
    pub fn place(&self, service: &str) -> String {
        self.config.endpoint_url().map_or_else(
            || format!("{service} in {}", self.region),
            |url| format!("{service} at {}", redact::url(url)),
        )
    }

    /// Runs a future to its end; `None` where that takes longer than `patience`.
    pub fn wait<F: Future>(&self, patience: Duration, future: F) -> Option<F::Output> {
        self.runtime.block_on(async { tokio::time::timeout(patience, future).await }).ok()
    }

    /// Runs one call to its end. `action` is the IAM action that it needs, `service` the service's name for people.
    ///
    /// # Errors
    /// What kept it from an answer.
    pub fn run<T, E, R>(
        &self,
        service: &str,
        action: &'static str,
        call: impl Future<Output = Result<T, SdkError<E, R>>>,
    ) -> Result<T, AwsError>
    where
        E: ProvideErrorMetadata + Error + 'static,
        R: std::fmt::Debug + 'static,
    {
        self.within(patience(self.one), service, action, call)
    }

    /// The same with `patience` of the caller's own, for what is larger than most.
    ///
    /// # Errors
    /// As [`Connection::run`].
    pub fn within<T, E, R>(
        &self,
        patience: Duration,
        service: &str,
        action: &'static str,
        call: impl Future<Output = Result<T, SdkError<E, R>>>,
    ) -> Result<T, AwsError>
    where
        E: ProvideErrorMetadata + Error + 'static,
        R: std::fmt::Debug + 'static,
    {
        match self.wait(patience, call) {
            None => Err(AwsError::TimedOut { place: self.place(service) }),
            Some(answer) => answer.map_err(|error| AwsError::of(action, &self.place(service), &error)),
        }
    }
}

fn timeouts(one: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(one.min(Duration::from_secs(5)))
        .operation_attempt_timeout(one)
        .operation_timeout(one * ATTEMPTS + Duration::from_secs(5))
        .build()
}

fn patience(one: Duration) -> Duration {
    one * ATTEMPTS + Duration::from_secs(15)
}
