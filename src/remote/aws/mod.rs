//! AWS: one way to find region and credentials, one error for all services, and one call for those without a client of
//! their own here.

mod call;
pub mod cloudtrail;
mod connection;
pub mod dashboard;
mod error;
pub mod logs;
pub mod rds;
pub mod route53;
pub mod s3;
pub mod ssm;
mod xml;

pub use call::{Answer, Api, Ask, Format};
use connection::ATTEMPTS;
pub use connection::Connection;
pub use error::AwsError;
