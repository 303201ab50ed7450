//! The SDK's client of `CloudWatch`.

use std::error::Error;
use std::future::Future;

use aws_sdk_cloudwatch::error::{ProvideErrorMetadata, SdkError};

use crate::core::check::AwsSettings;
use crate::remote::aws::{AwsError, Connection};

/// A connection to `CloudWatch`.
pub struct Client {
    connection: Connection,
    sdk: aws_sdk_cloudwatch::Client,
}

impl Client {
    pub fn new(settings: &AwsSettings) -> Result<Self, AwsError> {
        let connection = Connection::open(settings)?;
        let sdk = aws_sdk_cloudwatch::Client::new(connection.sdk());
        Ok(Self { connection, sdk })
    }

    /// Runs one call to its end. `action` is the IAM action that it needs.
    pub fn call<T, E, R, F>(
        &self,
        action: &'static str,
        call: impl FnOnce(&aws_sdk_cloudwatch::Client) -> F,
    ) -> Result<T, AwsError>
    where
        F: Future<Output = Result<T, SdkError<E, R>>>,
        E: ProvideErrorMetadata + Error + 'static,
        R: std::fmt::Debug + 'static,
    {
        self.connection.run("CloudWatch", action, call(&self.sdk))
    }
}
