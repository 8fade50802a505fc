//! AWS on loopback.

/// The account that everything local belongs to.
pub const ACCOUNT: &str = "123456789012";

/// The region that everything local is in.
pub const REGION: &str = "us-east-1";
