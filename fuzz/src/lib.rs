//! What the fuzz targets share: requests as text, signatures of our own, and the functions over a few rows.

pub mod message;
pub mod sign;
pub mod tables;
pub mod world;
