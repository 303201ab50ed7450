//! A small plot of a check's readings against its limits.
